//! `TRANSACTION_PAYLOAD`: the events of a transaction, compressed as one
//! (`binlog_transaction_compression`, MySQL 8.0.20 and later).
//!
//! To unpack is the caller's part: zstd is C, and this crate is to stay pure Rust.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Transaction__payload__event.html>

use super::event::{BinlogEvent, Checksums};
use super::{BinlogError, event};
use crate::DecodeError;
use crate::wire::Reader;

/// The fields in front of the events, each with its length.
const END_OF_FIELDS: u64 = 0;
const PACKED_LEN: u64 = 1;
const FORM: u64 = 2;
const UNPACKED_LEN: u64 = 3;

/// The forms.
const ZSTD: u64 = 0;
const PLAIN: u64 = 255;

/// The events of a transaction, before [`unpacked_events`] can read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedEvents<'a> {
    /// How they are compressed.
    pub form: PackedForm,
    /// Their length after it is undone, as the server says.
    pub unpacked_len: u64,
    /// The events.
    pub bytes: &'a [u8],
}

/// How events are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedForm {
    /// By zstd.
    Zstd,
    /// Not at all.
    Plain,
    /// By something that is not known here.
    Unknown(u64),
}

impl<'a> PackedEvents<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (mut form, mut packed_len, mut unpacked_len) = (PLAIN, None, 0);
        loop {
            let field = reader.lenenc()?;
            if field == END_OF_FIELDS {
                break;
            }
            let value = &mut Reader::new(reader.lenenc_bytes()?);
            match field {
                PACKED_LEN => packed_len = Some(value.lenenc()?),
                FORM => form = value.lenenc()?,
                UNPACKED_LEN => unpacked_len = value.lenenc()?,
                _ => {}
            }
        }
        let bytes = reader.rest();
        if packed_len.is_some_and(|len| len != bytes.len() as u64) {
            return Err(DecodeError::Truncated);
        }
        Ok(Self {
            form: match form {
                ZSTD => PackedForm::Zstd,
                PLAIN => PackedForm::Plain,
                other => PackedForm::Unknown(other),
            },
            unpacked_len,
            bytes,
        })
    }
}

/// The events of a transaction that was unpacked, which stand one after the other, and have no
/// checksums. Ends with the last, or after an error.
pub fn unpacked_events(bytes: &[u8]) -> impl Iterator<Item = Result<BinlogEvent<'_>, BinlogError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let event = split_event(&mut rest).map_err(BinlogError::from);
        let event = event.and_then(|event| {
            BinlogEvent::decode(event, event.len() as u64, &mut Checksums::default())
        });
        if event.is_err() {
            rest = &[];
        }
        Some(event)
    })
}

/// Takes one event off, as long as its header says.
fn split_event<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let len = event::announced_len(rest).ok_or(DecodeError::Truncated)?;
    let (event, tail) = rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
    *rest = tail;
    Ok(event)
}
