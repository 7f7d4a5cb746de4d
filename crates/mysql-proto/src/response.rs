//! What a server answers to a command.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html>

mod column;
mod eof;
mod err;
mod ok;
mod result_set;
mod session_state;
mod text_row;
mod tracker;

pub use column::{ColumnDefinition, ColumnFlags, ColumnType};
pub use eof::EofPacket;
pub use err::ErrPacket;
pub use ok::OkPacket;
pub use result_set::TextResultSet;
pub use session_state::{StateChange, StateChangeKind, state_changes};
pub use text_row::TextRow;
pub use tracker::{Fed, ResponseState, ResponseTracker, Summary};
