//! What a server says of a session at the end of each statement.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/mysql__com_8h.html#a1d854e841086925be1883e4d7b4e8cad>

bitflags::bitflags! {
    /// The status flags of OK and EOF packets.
    ///
    /// Bits that have no name here are kept as they are.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct StatusFlags: u16 {
        /// A transaction is open.
        const IN_TRANS = 1;
        /// `autocommit` is on.
        const AUTOCOMMIT = 1 << 1;
        /// Another result follows this one.
        const MORE_RESULTS_EXISTS = 1 << 3;
        /// No good index was used.
        const NO_GOOD_INDEX_USED = 1 << 4;
        /// No index was used.
        const NO_INDEX_USED = 1 << 5;
        /// A cursor is open; rows come by `COM_STMT_FETCH`.
        const CURSOR_EXISTS = 1 << 6;
        /// The cursor has no more rows.
        const LAST_ROW_SENT = 1 << 7;
        /// A database was dropped.
        const DB_DROPPED = 1 << 8;
        /// `NO_BACKSLASH_ESCAPES` is in the SQL mode.
        const NO_BACKSLASH_ESCAPES = 1 << 9;
        /// A prepared statement has other columns than it had.
        const METADATA_CHANGED = 1 << 10;
        /// The statement was slower than `long_query_time`.
        const QUERY_WAS_SLOW = 1 << 11;
        /// This result set holds the OUT parameters of a procedure.
        const PS_OUT_PARAMS = 1 << 12;
        /// The open transaction is read-only.
        const IN_TRANS_READONLY = 1 << 13;
        /// The OK packet tells of changes of the session's state.
        const SESSION_STATE_CHANGED = 1 << 14;
        /// `ANSI_QUOTES` is in the SQL mode: MariaDB tells.
        const ANSI_QUOTES = 1 << 15;
    }
}
