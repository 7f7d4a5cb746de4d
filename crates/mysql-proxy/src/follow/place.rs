//! Where in the log: a file, and a position in it.
//!
//! Names of files are used again after `RESET BINARY LOGS AND GTIDS` (`RESET MASTER`), and by the
//! server that another has failed over to. So a file is known by its first event too, which says
//! when and by which server it was begun.

use std::fmt;

use mysql_proto::{BinlogEvent, BinlogEventBody, TextRow};

use super::error::FollowError;
use crate::origin::OriginConn;

/// `ER_PARSE_ERROR`.
const PARSE_ERROR: u16 = 1064;

/// Asks where the log ends. MySQL 8.2 and later has the first, all others have the second.
const QUESTIONS: [&str; 2] = ["SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"];

/// A place in the log.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) file: Vec<u8>,
    pub(super) position: u32,
    /// `None`: nothing of the file was seen yet.
    id: Option<FileId>,
}

/// Tells two files of the same name apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    began: u32,
    server_id: u32,
}

impl FileId {
    /// Of the file that begins with this event.
    pub(super) fn of(format: &BinlogEvent<'_>) -> Self {
        Self {
            began: format.timestamp,
            server_id: format.server_id,
        }
    }
}

impl Place {
    /// Asks where the log ends now.
    pub(super) async fn end(conn: &mut OriginConn) -> Result<Self, FollowError> {
        let questions = if conn.flavor().is_mariadb() {
            &QUESTIONS[1..]
        } else {
            &QUESTIONS
        };
        let mut refusal = None;
        for question in questions {
            let answer = conn.ask(question.as_bytes()).await?;
            refusal = answer.refusal();
            match &refusal {
                None => {
                    let row = answer.rows(conn.has_eof()).next();
                    return Self::read(row.ok_or(FollowError::NoLog)?);
                }
                Some(error) if error.code == PARSE_ERROR => {}
                Some(_) => break,
            }
        }
        Err(refusal.map_or(FollowError::NoLog, FollowError::Refused))
    }

    /// Reads a row whose first values are the file and the position.
    fn read(row: &[u8]) -> Result<Self, FollowError> {
        let mut values = TextRow::new(row).map_while(|value| value.ok().flatten());
        let (Some(file), Some(position)) = (values.next(), values.next()) else {
            return Err(FollowError::NoLog);
        };
        let position = str::from_utf8(position).ok();
        let position = position.and_then(|digits| digits.parse().ok());
        Ok(Self {
            file: file.to_vec(),
            // The command that asks for the log has four bytes for it.
            position: position.ok_or(FollowError::FileTooLong)?,
            id: None,
        })
    }

    /// True if the log can be asked for from here on, and it can be told if something was missed.
    pub(super) fn is_known(&self) -> bool {
        self.id.is_some()
    }

    /// The file of this place is this one. False: it was another before, or none.
    pub(super) fn enter(&mut self, file: FileId) -> bool {
        self.id.replace(file) == Some(file)
    }

    /// Goes to the end of an event.
    pub(super) fn advance(&mut self, event: &BinlogEvent<'_>) {
        if let BinlogEventBody::Rotate { file, position } = event.body {
            if self.file != file {
                self.id = None;
                self.file = file.to_vec();
            }
            self.position = u32::try_from(position).unwrap_or(u32::MAX);
        } else if let Some(end) = event.end {
            self.position = end;
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = String::from_utf8_lossy(&self.file);
        write!(f, "{file}:{}", self.position)
    }
}
