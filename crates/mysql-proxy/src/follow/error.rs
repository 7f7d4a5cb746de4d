//! Why the log of an origin cannot be followed, and what can be done about it.

use mysql_proto::{BinlogError, ErrPacket};

use crate::error::{OriginError, OriginLoss};

/// `ER_SPECIFIC_ACCESS_DENIED_ERROR`.
const NO_RIGHT: u16 = 1227;

/// `ER_SOURCE_FATAL_ERROR_READING_BINARY_LOG`: what was asked for was purged, or never was.
const NOT_READABLE: u16 = 1236;

/// Why the log is not followed, or not any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    /// No connection could be opened.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// It took too long to open one, and to ask.
    #[error("the origin took too long to answer")]
    TooLate,
    /// The connection was lost.
    #[error("the connection was lost: {0}")]
    Lost(#[from] OriginLoss),
    /// Nothing came, not even a heartbeat.
    #[error("the origin says nothing any more")]
    Silent,
    /// The origin has ended it, and does not say why.
    #[error("the origin has ended it")]
    Ended,
    /// What came is no log.
    #[error("{0}")]
    Unreadable(#[from] BinlogError),
    /// The origin does not want to send it.
    #[error("the origin refused with error {}: {}", .0.code, .0.message)]
    Refused(ErrPacket),
    /// The origin has none.
    #[error("the origin writes no binary log")]
    NoLog,
    /// It ends where it cannot be asked for.
    #[error("the log's file is longer than 4 GiB")]
    FileTooLong,
}

impl FollowError {
    /// True when it would be the same from the same place on.
    pub(super) fn is_of_place(&self) -> bool {
        match self {
            Self::Refused(error) => error.code == NOT_READABLE,
            Self::Unreadable(_) => true,
            _ => false,
        }
    }

    /// True when it will not go away by itself.
    pub(super) fn needs_operator(&self) -> bool {
        match self {
            Self::Refused(error) => error.code == NO_RIGHT,
            Self::NoLog | Self::FileTooLong => true,
            _ => false,
        }
    }

    /// What somebody can do about it.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Refused(error) if error.code == NO_RIGHT => {
                "give the origin's user the right to it: \
                 GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO …"
            }
            Self::NoLog => {
                "start the origin with log_bin; TiDB has no such log, so do not have it followed: \
                 what others write is seen when results are too old"
            }
            Self::FileTooLong => "have the origin begin another file: FLUSH BINARY LOGS",
            _ => "none: it is tried again, and what others write is seen when results are too old",
        }
    }
}
