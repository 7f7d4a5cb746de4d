//! `FORMAT_DESCRIPTION`: how the events of a file are made.
//!
//! - <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Format__description__event.html>
//! - <https://mariadb.com/kb/en/format_description_event/>

use super::BinlogError;
use crate::DecodeError;
use crate::wire::{Reader, text};

/// The only version since MySQL 5.0.
const VERSION: u16 = 4;

/// Bytes of the server's version, filled up with NUL.
const SERVER_VERSION_LEN: usize = 50;

/// The first server of each house that says whether there are checksums.
const MARIADB_WITH_CHECKSUMS: [u32; 3] = [5, 3, 0];
const MYSQL_WITH_CHECKSUMS: [u32; 3] = [5, 6, 1];

/// What the byte in front of the event's own checksum says.
const NO_CHECKSUMS: u8 = 0;
const CRC_32: u8 = 1;
/// Written by a server that did not know of checksums, and sent on by one that does.
const UNDEFINED: u8 = 255;

/// Whether the events behind this one end with a checksum.
pub(super) fn has_checksums(body: &[u8]) -> Result<bool, BinlogError> {
    let mut reader = Reader::new(body);
    let version = reader.u16()?;
    if version != VERSION {
        return Err(BinlogError::UnsupportedVersion(version));
    }
    let server = text(reader.bytes(SERVER_VERSION_LEN)?);
    reader.u32()?; // when the file was made, or 0
    reader.u8()?; // length of the headers: that of this version
    if !says_checksums(&server) {
        return Ok(false);
    }
    // What each kind of event has in front of its parts of variable length, then these.
    let [.., algorithm, _, _, _, _] = *reader.rest() else {
        return Err(DecodeError::Truncated.into());
    };
    match algorithm {
        CRC_32 => Ok(true),
        NO_CHECKSUMS | UNDEFINED => Ok(false),
        other => Err(BinlogError::UnsupportedChecksum(other)),
    }
}

fn says_checksums(server: &str) -> bool {
    let first = if server.contains("MariaDB") {
        MARIADB_WITH_CHECKSUMS
    } else {
        MYSQL_WITH_CHECKSUMS
    };
    let mut numbers = server
        .split(|letter: char| !letter.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    let version = [(); 3].map(|()| numbers.next().unwrap_or(0));
    version >= first
}
