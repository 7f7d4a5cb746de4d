//! What an OK packet tells of the session's state (`CLIENT_SESSION_TRACK`).
//!
//! [`OkPacket::session_state`](crate::OkPacket) is a run of changes, each with its kind and its
//! data:
//!
//! ```text
//!   kind   data
//!   1      string<lenenc>, which holds further string<lenenc>
//! ```
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_ok_packet.html#sect_protocol_basic_ok_packet_sessinfo>

use crate::DecodeError;
use crate::wire::{Reader, put_lenenc_bytes};

/// What has changed. Kinds that have no name here are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateChangeKind(pub u8);

impl StateChangeKind {
    /// System variables: names and values.
    pub const SYSTEM_VARIABLES: Self = Self(0);
    /// The default database.
    pub const SCHEMA: Self = Self(1);
    /// Something of the session, be it what it may: `1`.
    pub const STATE_CHANGE: Self = Self(2);
    /// The ids of transactions that were committed.
    pub const GTIDS: Self = Self(3);
    /// The statements that would begin the open transaction again.
    pub const TRANSACTION_CHARACTERISTICS: Self = Self(4);
    /// What the open transaction has done, in eight letters.
    pub const TRANSACTION_STATE: Self = Self(5);
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange<'a> {
    /// What has changed.
    pub kind: StateChangeKind,
    /// What it is now, in the form of its kind.
    pub data: &'a [u8],
}

/// The changes in the block of an OK packet; an error ends them.
pub fn state_changes(block: &[u8]) -> impl Iterator<Item = Result<StateChange<'_>, DecodeError>> {
    let mut reader = Reader::new(block);
    std::iter::from_fn(move || {
        if reader.is_empty() {
            return None;
        }
        let change = StateChange::decode(&mut reader);
        if change.is_err() {
            reader.rest();
        }
        Some(change)
    })
}

impl<'a> StateChange<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: StateChangeKind(reader.u8()?),
            data: reader.lenenc_bytes()?,
        })
    }

    /// The block of an OK packet that tells of a default database and of nothing else.
    pub fn schema_block(database: &str) -> Vec<u8> {
        let mut data = Vec::with_capacity(database.len().saturating_add(1));
        put_lenenc_bytes(&mut data, database.as_bytes());
        let change = StateChange {
            kind: StateChangeKind::SCHEMA,
            data: &data,
        };
        let mut block = Vec::new();
        change.encode(&mut block);
        block
    }

    /// Appends the change to `block`.
    pub fn encode(&self, block: &mut Vec<u8>) {
        block.push(self.kind.0);
        put_lenenc_bytes(block, self.data);
    }

    /// The strings that the data is made of: name, value, name, value of system variables, and so
    /// on. Ends where they cannot be read. Not for `GTIDS`, whose first byte tells its form.
    pub fn strings(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut reader = Reader::new(self.data);
        std::iter::from_fn(move || reader.lenenc_bytes().ok())
    }
}
