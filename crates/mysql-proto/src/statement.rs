//! Prepared statements: what somebody has to read and change who passes their commands on.
//!
//! A command of a prepared statement has the statement's id behind its first byte, and so has the
//! OK packet that answers `COM_STMT_PREPARE`.

mod execute;
mod parameters;

pub use execute::{ExecuteFlags, ExecuteView};

pub(crate) use parameters::{Parameters, put_plain_names};

/// Bytes in front of the id: the command, or the header of the OK packet.
const ID_AT: usize = 1;

/// The statement's id in the payload of `COM_STMT_EXECUTE`, `_FETCH`, `_RESET`, `_CLOSE`,
/// `_SEND_LONG_DATA`, or of the OK packet of `COM_STMT_PREPARE`. `None`: the payload is too short.
pub fn statement_id(payload: &[u8]) -> Option<u32> {
    let id = payload.get(ID_AT..)?.first_chunk()?;
    Some(u32::from_le_bytes(*id))
}

/// Replaces the id in a payload that [`statement_id`] reads. False: the payload is too short, and
/// unchanged.
pub fn patch_statement_id(payload: &mut [u8], id: u32) -> bool {
    let place = payload.get_mut(ID_AT..).and_then(<[u8]>::first_chunk_mut);
    match place {
        Some(place) => {
            *place = id.to_le_bytes();
            true
        }
        None => false,
    }
}
