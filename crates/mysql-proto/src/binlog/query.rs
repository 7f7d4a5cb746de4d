//! `QUERY`: a statement as text, which servers also use to begin and to end transactions.
//!
//! - <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Query__event.html>
//! - <https://mariadb.com/kb/en/query_event/>

use super::BinlogEventBody;
use crate::DecodeError;
use crate::wire::Reader;

/// A statement that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinlogStatement<'a> {
    /// The thread that ran it.
    pub thread: u32,
    /// The database that it was in; empty if in none.
    pub database: &'a [u8],
    /// Its text, in the character set of its client.
    pub sql: &'a [u8],
    /// The bits of `sql_mode`, if they are told: `0x4` is `ANSI_QUOTES`, `0x10_0000` is
    /// `NO_BACKSLASH_ESCAPES`.
    pub sql_mode: Option<u64>,
    /// The id of a collation of the client's character set, if it is told.
    pub collation: Option<u16>,
}

/// What a statement was run with, as far as it is read.
#[derive(Debug, Default)]
struct Variables {
    sql_mode: Option<u64>,
    collation: Option<u16>,
}

/// Texts that are the server's own, whoever said them in which words: [`Control::of`].
enum Control {
    Begin,
    Commit,
    /// Part of a transaction that says by itself what it changes, and when.
    Aside,
    /// Everybody sees now what was prepared a while ago, perhaps before the log was followed.
    CommitPrepared,
}

/// Reads the event. `is_load`: there is a file, which `EXECUTE_LOAD_QUERY` tells of.
pub(super) fn decode(body: &[u8], is_load: bool) -> Result<BinlogEventBody<'_>, DecodeError> {
    let mut reader = Reader::new(body);
    let thread = reader.u32()?;
    reader.u32()?; // how long it took, in seconds
    let database_len = reader.u8()?;
    reader.u16()?; // the error that it ended with: what it did until then was done
    let variables_len = reader.u16()?;
    if is_load {
        reader.array::<13>()?; // the file, where its name is in the text, duplicates
    }
    let variables = Variables::decode(reader.bytes(variables_len.into())?);
    let database = reader.bytes(database_len.into())?;
    reader.u8()?;
    let sql = reader.rest();
    Ok(match Control::of(sql) {
        Some(Control::Begin) => BinlogEventBody::Begin,
        Some(Control::Commit) => BinlogEventBody::Commit,
        Some(Control::Aside) => BinlogEventBody::Nothing,
        Some(Control::CommitPrepared) => {
            BinlogEventBody::Anything("a prepared transaction has ended")
        }
        None => BinlogEventBody::Statement(BinlogStatement {
            thread,
            database,
            sql,
            sql_mode: variables.sql_mode,
            collation: variables.collation,
        }),
    })
}

impl Variables {
    /// Reads up to the first that is not known: those that are wanted are among the first.
    fn decode(bytes: &[u8]) -> Self {
        let mut variables = Self::default();
        let mut reader = Reader::new(bytes);
        // Whatever is cut is not told.
        while let Ok(true) = variables.decode_next(&mut reader) {}
        variables
    }

    /// False: the length of the next one is not known.
    fn decode_next(&mut self, reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match reader.u8()? {
            // Options of the session; increment and offset of AUTO_INCREMENT.
            0 | 3 => drop(reader.u32()?),
            1 => self.sql_mode = Some(u64::from_le_bytes(reader.array()?)),
            4 => {
                self.collation = Some(reader.u16()?);
                reader.u32()?; // those of the connection and the server
            }
            6 => {
                let len = reader.u8()?; // "std"
                reader.bytes(len.into())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Control {
    fn of(sql: &[u8]) -> Option<Self> {
        let is = |text: &str| sql.eq_ignore_ascii_case(text.as_bytes());
        let begins = |text: &str| {
            let first = sql.get(..text.len());
            first.is_some_and(|first| first.eq_ignore_ascii_case(text.as_bytes()))
        };
        if is("BEGIN") {
            Some(Self::Begin)
        } else if is("COMMIT") || is("ROLLBACK") {
            Some(Self::Commit)
        } else if begins("XA COMMIT ") || begins("XA ROLLBACK ") {
            Some(Self::CommitPrepared)
        } else if [
            "SAVEPOINT ",
            "ROLLBACK TO ",
            "XA START ",
            "XA END ",
            "XA PREPARE ",
        ]
        .into_iter()
        .any(begins)
        {
            Some(Self::Aside)
        } else {
            None
        }
    }
}
