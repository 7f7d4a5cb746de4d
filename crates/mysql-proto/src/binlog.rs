//! The binary log of a server, as a replica gets it: which tables were changed, by which statement.
//!
//! A connection asks for the log from a place on, and gets one packet for each event from then on,
//! those of the past first, for as long as it lasts:
//!
//! ```text
//!   binlog_settings     what the server must know of whoever reads    SET @…          ─► OK
//!   BinlogDump          file, position, our server id                 COM_BINLOG_DUMP ─►
//!   BinlogReader        0x00 event ◄─ 0x00 event ◄─ … ◄─ ERR, or EOF
//! ```
//!
//! What has to be known to drop cached results is read, and nothing else: of the rows not even
//! their bytes are kept, however many there are. An event that may change anything that cannot be
//! told is [`BinlogEventBody::Anything`]: unknown never means harmless.
//!
//! One transaction, by row (R) and by statement (S), as servers write it:
//!
//! ```text
//!   MySQL      GTID  QUERY BEGIN  { TABLE_MAP  WRITE_ROWS…  (R) | QUERY INSERT … (S) }  XID
//!   MariaDB    GTID               { TABLE_MAP  WRITE_ROWS…  (R) | QUERY INSERT … (S) }  XID
//!   compressed GTID  TRANSACTION_PAYLOAD with all of the rest, by zstd (MySQL)
//!   DDL        GTID  QUERY CREATE TABLE …
//!   XA         GTID  { … }  XA_PREPARE        and later, when others see it:  QUERY XA COMMIT
//! ```
//!
//! - <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication.html>
//! - <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump.html>
//! - <https://mariadb.com/kb/en/replication-protocol/>

mod event;
mod format;
mod gather;
mod packed;
mod query;
mod reader;
mod request;

pub use event::{BinlogEvent, BinlogEventBody};
pub use packed::{PackedEvents, PackedForm, unpacked_events};
pub use query::BinlogStatement;
pub use reader::{BinlogPacket, BinlogReader};
pub use request::{BinlogDump, binlog_settings};

use crate::DecodeError;

/// The log cannot be read on. The connection is of no use after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BinlogError {
    /// An event is shorter than its fields.
    #[error("malformed event in the binary log: {0}")]
    Malformed(#[from] DecodeError),
    /// An event does not have the length that it says.
    #[error("event of {actual} bytes in the binary log says that it has {announced}")]
    WrongLength {
        /// What its header says.
        announced: u32,
        /// What there is.
        actual: u64,
    },
    /// The log has another form than that of version 4, which MySQL has written since 5.0.
    #[error("binary log of version {0} is not supported")]
    UnsupportedVersion(u16),
    /// Events end with a checksum of a kind that is not known here.
    #[error("checksum algorithm {0} of the binary log is not supported")]
    UnsupportedChecksum(u8),
}
