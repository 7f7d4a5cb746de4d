//! What the two ends of a connection can do, and agree to do.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__capabilities__flags.html>

bitflags::bitflags! {
    /// The capability flags. Both ends send theirs; what both have is in force.
    ///
    /// Those from 2³² on are MariaDB's own: they are in the filler of greeting and login, where
    /// `LONG_PASSWORD` is left out.
    /// <https://mariadb.com/kb/en/connection/#capabilities>
    ///
    /// Bits that have no name here are kept as they are.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Capabilities: u64 {
        /// The digests of MySQL 3.22. MariaDB servers leave it out to say that they are MariaDB,
        /// and have their own capabilities in the greeting's filler then.
        const LONG_PASSWORD = 1;
        /// Affected rows are the rows found, not the rows changed.
        const FOUND_ROWS = 1 << 1;
        /// Column flags of two bytes.
        const LONG_FLAG = 1 << 2;
        /// The login names a database.
        const CONNECT_WITH_DB = 1 << 3;
        /// `database.table.column` is not allowed.
        const NO_SCHEMA = 1 << 4;
        /// The compressed protocol, by zlib.
        const COMPRESS = 1 << 5;
        /// No meaning since MySQL 3.22.
        const ODBC = 1 << 6;
        /// `LOAD DATA LOCAL INFILE`.
        const LOCAL_FILES = 1 << 7;
        /// Spaces are allowed between a function's name and its parenthesis.
        const IGNORE_SPACE = 1 << 8;
        /// The protocol of MySQL 4.1 and later.
        const PROTOCOL_41 = 1 << 9;
        /// `interactive_timeout` holds instead of `wait_timeout`.
        const INTERACTIVE = 1 << 10;
        /// TLS after the greeting.
        const SSL = 1 << 11;
        /// Only of meaning within the client.
        const IGNORE_SIGPIPE = 1 << 12;
        /// The status flags tell of transactions.
        const TRANSACTIONS = 1 << 13;
        /// Was `PROTOCOL_41` before MySQL 4.1.1.
        const RESERVED = 1 << 14;
        /// The digests of MySQL 4.1, over a nonce of 20 bytes.
        const SECURE_CONNECTION = 1 << 15;
        /// `COM_QUERY` may hold several statements.
        const MULTI_STATEMENTS = 1 << 16;
        /// `COM_QUERY` may be answered by several results.
        const MULTI_RESULTS = 1 << 17;
        /// `COM_STMT_EXECUTE` may be answered by several results.
        const PS_MULTI_RESULTS = 1 << 18;
        /// Authentication plugins are named.
        const PLUGIN_AUTH = 1 << 19;
        /// The login has connection attributes.
        const CONNECT_ATTRS = 1 << 20;
        /// The login's authentication data may be longer than 255 bytes.
        const PLUGIN_AUTH_LENENC_CLIENT_DATA = 1 << 21;
        /// The client can handle an expired password.
        const CAN_HANDLE_EXPIRED_PASSWORDS = 1 << 22;
        /// OK packets tell of changes of the session's state.
        const SESSION_TRACK = 1 << 23;
        /// Result sets end with an OK packet, and no EOF packet comes after the columns.
        const DEPRECATE_EOF = 1 << 24;
        /// Result sets may come without their column definitions.
        const OPTIONAL_RESULTSET_METADATA = 1 << 25;
        /// The compressed protocol, by zstd.
        const ZSTD_COMPRESSION_ALGORITHM = 1 << 26;
        /// `COM_QUERY` and `COM_STMT_EXECUTE` carry attributes.
        const QUERY_ATTRIBUTES = 1 << 27;
        /// More than one factor of authentication.
        const MULTI_FACTOR_AUTHENTICATION = 1 << 28;
        /// Reserved for more than 32 flags.
        const CAPABILITY_EXTENSION = 1 << 29;
        /// Only of meaning within the client.
        const SSL_VERIFY_SERVER_CERT = 1 << 30;
        /// Only of meaning within the client.
        const REMEMBER_OPTIONS = 1 << 31;
        /// `COM_STMT_BULK_EXECUTE`.
        const MARIADB_STMT_BULK_OPERATIONS = 1 << 34;
        /// Column definitions have MariaDB's own types and formats: UUID, JSON.
        const MARIADB_EXTENDED_METADATA = 1 << 35;
        /// `COM_STMT_BULK_EXECUTE` may be answered by the outcome of each row.
        const MARIADB_BULK_UNIT_RESULTS = 1 << 37;
    }
}

impl Capabilities {
    /// From the two halves of the wire. The second one is only MariaDB's where the first one leaves
    /// out `LONG_PASSWORD`.
    pub(crate) fn from_wire(common: u32, of_mariadb: u32) -> Self {
        let common = Self::from_bits_retain(common.into());
        if common.contains(Self::LONG_PASSWORD) {
            return common;
        }
        common | Self::from_bits_retain(u64::from(of_mariadb) << 32)
    }

    /// The two halves, for the wire.
    pub(crate) fn to_wire(self) -> ([u8; 4], [u8; 4]) {
        let bytes = self.bits().to_le_bytes();
        let [common @ .., _, _, _, _] = bytes;
        let [_, _, _, _, of_mariadb @ ..] = bytes;
        if self.contains(Self::LONG_PASSWORD) {
            return (common, [0; 4]);
        }
        (common, of_mariadb)
    }
}
