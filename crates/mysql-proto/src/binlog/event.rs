//! An event of the log: its header, and what of its body matters.
//!
//! - <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Log__event__header.html>
//! - <https://mariadb.com/kb/en/2-binlog-event-header/>

use super::packed::PackedEvents;
use super::query::{self, BinlogStatement};
use super::{BinlogError, format};
use crate::DecodeError;
use crate::wire::Reader;

/// Bytes of the header, since version 4.
pub(super) const HEADER_LEN: usize = 19;

/// Bytes of a checksum by CRC-32, the only kind there is.
const CHECKSUM_LEN: usize = 4;

/// `LOG_EVENT_ARTIFICIAL_F`: made for whoever reads, and not in the file.
const ARTIFICIAL: u16 = 0x20;

/// `LOG_EVENT_IGNORABLE_F`: whoever does not know it may go on.
const IGNORABLE: u16 = 0x80;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinlogEvent<'a> {
    /// When it was written, in seconds since 1970; 0 for what is not in a file.
    pub timestamp: u32,
    /// The server that wrote it.
    pub server_id: u32,
    /// Where the next event begins in the file: a place to read on from. `None`: it is not in the
    /// file. Wraps in a file of 4 GiB or more, which leads to an earlier place, or to none.
    pub end: Option<u32>,
    /// What it says.
    pub body: BinlogEventBody<'a>,
}

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinlogEventBody<'a> {
    /// The first of a file, and of each answer: how those behind it are made. Its time and server
    /// tell two files of one name apart.
    Format,
    /// What follows is in this file, from this position on.
    Rotate {
        /// The name, without its folder.
        file: &'a [u8],
        /// At least 4, the length of the file's own first bytes.
        position: u64,
    },
    /// A transaction begins.
    Begin,
    /// Rows of this table are changed, by the events behind it.
    Table {
        /// Its database.
        database: &'a [u8],
        /// Its name.
        table: &'a [u8],
    },
    /// A statement was run: anything but rows, or rows too, where the server logs it so.
    Statement(BinlogStatement<'a>),
    /// The events of a transaction, compressed.
    Packed(PackedEvents<'a>),
    /// A transaction has ended.
    Commit,
    /// It may have changed anything; why nobody can tell.
    Anything(&'static str),
    /// It changes nothing that can be read from tables.
    Nothing,
}

/// Whether events end with a checksum. The server was told that none is wanted at first, and says
/// with [`BinlogEventBody::Format`] what the file has.
#[derive(Debug, Default)]
pub(super) struct Checksums(pub(super) bool);

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventKind(u8);

/// What an event begins with.
#[derive(Debug)]
struct Header {
    timestamp: u32,
    kind: EventKind,
    server_id: u32,
    len: u32,
    end: u32,
    flags: u16,
}

/// The length of the event that these bytes begin, header included, if it is there.
pub(super) fn announced_len(event: &[u8]) -> Option<usize> {
    let header = Header::decode(&mut Reader::new(event)).ok()?;
    usize::try_from(header.len).ok()
}

/// MySQL's are listed in `libs/mysql/binlog/event/binlog_event.h`, MariaDB's in `sql/log_event.h`.
impl EventKind {
    const QUERY: u8 = 2;
    const ROTATE: u8 = 4;
    const FORMAT_DESCRIPTION: u8 = 15;
    const XID: u8 = 16;
    const EXECUTE_LOAD_QUERY: u8 = 18;
    const TABLE_MAP: u8 = 19;
    const INCIDENT: u8 = 26;
    const HEARTBEAT: u8 = 27;
    const GTID: u8 = 33;
    const ANONYMOUS_GTID: u8 = 34;
    const XA_PREPARE: u8 = 38;
    const TRANSACTION_PAYLOAD: u8 = 40;
    const HEARTBEAT_V2: u8 = 41;
    const GTID_TAGGED: u8 = 42;
    const MARIADB_GTID: u8 = 162;
    const MARIADB_QUERY_COMPRESSED: u8 = 165;

    /// The kind of the event that these bytes begin, if it is there.
    pub(super) fn peek(event: &[u8]) -> Option<Self> {
        event.get(4).map(|kind| Self(*kind))
    }

    /// True when nothing but the header matters.
    pub(super) fn is_told_by_header(self) -> bool {
        self.is_harmless() || matches!(self.0, Self::MARIADB_QUERY_COMPRESSED | Self::INCIDENT)
    }

    /// True when it is known to change nothing, or nothing that the events around it do not tell.
    fn is_harmless(self) -> bool {
        matches!(
            self.0,
            // STOP, and what a statement behind it is run with: INTVAR, RAND, USER_VAR.
            3 | 5 | 13 | 14
            // The file of a LOAD DATA behind it: APPEND_BLOCK, DELETE_FILE, BEGIN_LOAD_QUERY.
            | 9 | 11 | 17
            // Rows, of which TABLE_MAP tells: of 5.1, of 5.6, parts of JSON.
            | 23..=25 | 30..=32 | 39
            // HEARTBEAT, IGNORABLE, ROWS_QUERY, PREVIOUS_GTIDS, HEARTBEAT_V2.
            | Self::HEARTBEAT | 28 | 29 | 35 | Self::HEARTBEAT_V2
            // Of a group of servers: TRANSACTION_CONTEXT, VIEW_CHANGE.
            | 36 | 37
            // Others see what is prepared when it is committed, which is a statement.
            | Self::XA_PREPARE
            // MariaDB's ANNOTATE_ROWS, BINLOG_CHECKPOINT, GTID_LIST, and START_ENCRYPTION: it is
            // the file that is encrypted, and the server decrypts what it sends.
            | 160 | 161 | 163 | 164
            // MariaDB's rows, compressed: likewise.
            | 166..=171
        )
    }
}

impl Header {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            timestamp: reader.u32()?,
            kind: EventKind(reader.u8()?),
            server_id: reader.u32()?,
            len: reader.u32()?,
            end: reader.u32()?,
            flags: reader.u16()?,
        })
    }

    /// Where the next event begins, if this one is in the file.
    fn next(&self) -> Option<u32> {
        let is_heartbeat = matches!(self.kind.0, EventKind::HEARTBEAT | EventKind::HEARTBEAT_V2);
        let is_in_file = self.end != 0 && self.flags & ARTIFICIAL == 0 && !is_heartbeat;
        is_in_file.then_some(self.end)
    }
}

impl<'a> BinlogEvent<'a> {
    /// Reads an event, or the beginning of one of `len` bytes.
    pub(super) fn decode(
        bytes: &'a [u8],
        len: u64,
        checksums: &mut Checksums,
    ) -> Result<Self, BinlogError> {
        let mut reader = Reader::new(bytes);
        let header = Header::decode(&mut reader)?;
        if u64::from(header.len) != len {
            return Err(BinlogError::WrongLength {
                announced: header.len,
                actual: len,
            });
        }
        let is_cut = (bytes.len() as u64) < len;
        let body = match header.kind.0 {
            EventKind::FORMAT_DESCRIPTION if is_cut => return Err(DecodeError::Truncated.into()),
            EventKind::FORMAT_DESCRIPTION => {
                checksums.0 = format::has_checksums(reader.rest())?;
                BinlogEventBody::Format
            }
            _ => BinlogEventBody::decode(&header, reader.rest(), is_cut, checksums)?,
        };
        Ok(Self {
            timestamp: header.timestamp,
            server_id: header.server_id,
            end: header.next(),
            body,
        })
    }
}

impl<'a> BinlogEventBody<'a> {
    fn decode(
        header: &Header,
        body: &'a [u8],
        is_cut: bool,
        checksums: &Checksums,
    ) -> Result<Self, BinlogError> {
        if header.kind.is_harmless() {
            return Ok(Self::Nothing);
        }
        let body = match checksums {
            // What was cut off has the checksum.
            Checksums(true) if !is_cut => {
                let end = body.len().checked_sub(CHECKSUM_LEN);
                end.and_then(|end| body.get(..end))
                    .ok_or(DecodeError::Truncated)?
            }
            _ => body,
        };
        match header.kind.0 {
            EventKind::TABLE_MAP => Ok(Self::table(body)?),
            EventKind::XID => Ok(Self::Commit),
            EventKind::GTID
            | EventKind::ANONYMOUS_GTID
            | EventKind::GTID_TAGGED
            | EventKind::MARIADB_GTID => Ok(Self::Begin),
            EventKind::INCIDENT => Ok(Self::Anything("the log lacks something")),
            EventKind::MARIADB_QUERY_COMPRESSED => Ok(Self::Anything("a statement is compressed")),
            _ if is_cut => Ok(Self::Anything("an event is too long to be read")),
            EventKind::QUERY => Ok(query::decode(body, false)?),
            EventKind::EXECUTE_LOAD_QUERY => Ok(query::decode(body, true)?),
            EventKind::ROTATE => Ok(Self::rotate(body)?),
            EventKind::TRANSACTION_PAYLOAD => Ok(Self::Packed(PackedEvents::decode(body)?)),
            _ if header.flags & IGNORABLE != 0 => Ok(Self::Nothing),
            _ => Ok(Self::Anything("an event is of an unknown kind")),
        }
    }

    fn rotate(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        Ok(Self::Rotate {
            position: u64::from_le_bytes(reader.array()?),
            file: reader.rest(),
        })
    }

    /// Names are in UTF-8, each with its length and a NUL.
    fn table(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        reader.array::<8>()?; // id of the table within the log (6), flags (2)
        let len = reader.u8()?;
        let database = reader.bytes(len.into())?;
        reader.u8()?;
        let len = reader.u8()?;
        let table = reader.bytes(len.into())?;
        Ok(Self::Table { database, table })
    }
}
