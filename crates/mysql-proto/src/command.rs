//! Commands: the first byte of what a client sends.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html>

use std::fmt;

use crate::PacketWriter;

/// A command's byte. Bytes that have no name here are kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Command(pub u8);

/// Makes the constants and [`Command::name`] from one table.
macro_rules! commands {
    ($($(#[$doc:meta])* $constant:ident = $byte:literal, $name:literal;)*) => {
        impl Command {
            $($(#[$doc])* pub const $constant: Self = Self($byte);)*

            /// The name in the manual, for example `COM_QUERY`; `unknown` if it has none.
            pub fn name(&self) -> &'static str {
                match self.0 {
                    $($byte => $name,)*
                    _ => "unknown",
                }
            }
        }
    };
}

commands! {
    /// Only within the server.
    SLEEP = 0x00, "COM_SLEEP";
    /// The client leaves.
    QUIT = 0x01, "COM_QUIT";
    /// Changes the current database.
    INIT_DB = 0x02, "COM_INIT_DB";
    /// Statements as text.
    QUERY = 0x03, "COM_QUERY";
    /// The columns of a table; deprecated, yet the `mariadb` command line uses it.
    FIELD_LIST = 0x04, "COM_FIELD_LIST";
    /// Removed from servers.
    CREATE_DB = 0x05, "COM_CREATE_DB";
    /// Removed from servers.
    DROP_DB = 0x06, "COM_DROP_DB";
    /// `FLUSH`; deprecated.
    REFRESH = 0x07, "COM_REFRESH";
    /// Stops the server.
    SHUTDOWN = 0x08, "COM_SHUTDOWN";
    /// A line of figures for people.
    STATISTICS = 0x09, "COM_STATISTICS";
    /// `SHOW PROCESSLIST`; deprecated.
    PROCESS_INFO = 0x0A, "COM_PROCESS_INFO";
    /// Only within the server.
    CONNECT = 0x0B, "COM_CONNECT";
    /// `KILL`; deprecated.
    PROCESS_KILL = 0x0C, "COM_PROCESS_KILL";
    /// Makes the server write to its log.
    DEBUG = 0x0D, "COM_DEBUG";
    /// Asks whether the server lives.
    PING = 0x0E, "COM_PING";
    /// Only within the server.
    TIME = 0x0F, "COM_TIME";
    /// Only within the server.
    DELAYED_INSERT = 0x10, "COM_DELAYED_INSERT";
    /// Logs in again, and resets the session.
    CHANGE_USER = 0x11, "COM_CHANGE_USER";
    /// Asks for the binary log.
    BINLOG_DUMP = 0x12, "COM_BINLOG_DUMP";
    /// Removed from servers.
    TABLE_DUMP = 0x13, "COM_TABLE_DUMP";
    /// Only within the server.
    CONNECT_OUT = 0x14, "COM_CONNECT_OUT";
    /// Registers a replica.
    REGISTER_SLAVE = 0x15, "COM_REGISTER_SLAVE";
    /// Prepares a statement.
    STMT_PREPARE = 0x16, "COM_STMT_PREPARE";
    /// Executes a prepared statement.
    STMT_EXECUTE = 0x17, "COM_STMT_EXECUTE";
    /// Sends a parameter of a prepared statement in pieces. Has no response.
    STMT_SEND_LONG_DATA = 0x18, "COM_STMT_SEND_LONG_DATA";
    /// Closes a prepared statement. Has no response.
    STMT_CLOSE = 0x19, "COM_STMT_CLOSE";
    /// Drops the long data and the cursor of a prepared statement.
    STMT_RESET = 0x1A, "COM_STMT_RESET";
    /// Allows or forbids several statements in one `COM_QUERY`.
    SET_OPTION = 0x1B, "COM_SET_OPTION";
    /// Takes rows from a cursor.
    STMT_FETCH = 0x1C, "COM_STMT_FETCH";
    /// Only within the server.
    DAEMON = 0x1D, "COM_DAEMON";
    /// Asks for the binary log, from a set of transactions on.
    BINLOG_DUMP_GTID = 0x1E, "COM_BINLOG_DUMP_GTID";
    /// Resets the session without another login.
    RESET_CONNECTION = 0x1F, "COM_RESET_CONNECTION";
    /// Begins the clone of a server.
    CLONE = 0x20, "COM_CLONE";
    /// Subscribes to a stream of a replication group.
    SUBSCRIBE_GROUP_REPLICATION_STREAM = 0x21, "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM";
    /// Executes a prepared statement for many rows of parameters; MariaDB's.
    STMT_BULK_EXECUTE = 0xFA, "COM_STMT_BULK_EXECUTE";
}

impl Command {
    /// False where a server sends nothing, even on errors.
    pub fn has_response(self) -> bool {
        !matches!(
            self,
            Self::QUIT | Self::STMT_SEND_LONG_DATA | Self::STMT_CLOSE
        )
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:#04x})", self.name(), self.0)
    }
}

/// Appends the packet of a command to `out`, with the sequence id 0 that begins a command.
pub fn write_command(out: &mut Vec<u8>, command: Command, argument: &[u8]) {
    let mut packet = PacketWriter::begin(out);
    packet.payload().push(command.0);
    packet.payload().extend_from_slice(argument);
    packet.finish(&mut 0);
}
