//! The ERR packet.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_err_packet.html>

use crate::wire::{Reader, text};
use crate::{Capabilities, DecodeError, PacketWriter};

/// What stands between the code and the SQL state.
const STATE_MARKER: u8 = b'#';

/// Bytes of a message that servers send at most (`MYSQL_ERRMSG_SIZE`); a longer one is cut when it
/// is encoded, since clients have buffers of this size.
const MAX_MESSAGE: usize = 512;

/// Failure of a statement, a command or a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrPacket {
    /// MySQL's error code, for example 1045.
    pub code: u16,
    /// The class of the error in standard SQL; [`ErrPacket::GENERAL_STATE`] if none was sent.
    pub sql_state: [u8; 5],
    /// A sentence for people.
    pub message: String,
}

impl ErrPacket {
    /// The first byte of an ERR packet.
    pub const HEADER: u8 = 0xFF;
    /// The SQL state of errors that have no class of their own.
    pub const GENERAL_STATE: [u8; 5] = *b"HY000";

    /// Makes an error.
    pub fn new(code: u16, sql_state: [u8; 5], message: impl Into<String>) -> Self {
        Self {
            code,
            sql_state,
            message: message.into(),
        }
    }

    /// Reads the payload of an ERR packet. An error before the login has no SQL state.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        let code = Self::decode_code(&mut reader)?;
        let rest = reader.rest();
        let (sql_state, message) = match rest.split_first_chunk() {
            Some(([STATE_MARKER], stated)) => match stated.split_first_chunk() {
                Some((sql_state, message)) => (*sql_state, message),
                None => return Err(DecodeError::Truncated),
            },
            _ => (Self::GENERAL_STATE, rest),
        };
        Ok(Self {
            code,
            sql_state,
            message: text(message),
        })
    }

    /// Reads what comes before the texts.
    pub(crate) fn decode_code(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
        match reader.u8()? {
            Self::HEADER => reader.u16(),
            other => Err(DecodeError::UnexpectedHeader(other)),
        }
    }

    /// Appends the payload to `out`. The message is cut at 512 bytes, between characters.
    ///
    /// Without `PROTOCOL_41`, that is before the client has told its capabilities, there is no SQL
    /// state: clients would show it as a part of the message.
    pub fn encode(&self, out: &mut Vec<u8>, capabilities: Capabilities) {
        out.push(Self::HEADER);
        out.extend_from_slice(&self.code.to_le_bytes());
        if capabilities.contains(Capabilities::PROTOCOL_41) {
            out.push(STATE_MARKER);
            out.extend_from_slice(&self.sql_state);
        }
        let end = (0..=MAX_MESSAGE.min(self.message.len()))
            .rfind(|index| self.message.is_char_boundary(*index))
            .unwrap_or_default();
        out.extend(self.message.bytes().take(end));
    }

    /// Appends the whole packet to `out`. `sequence_id` becomes the one that comes next.
    pub fn write(&self, out: &mut Vec<u8>, sequence_id: &mut u8, capabilities: Capabilities) {
        let mut packet = PacketWriter::begin(out);
        self.encode(packet.payload(), capabilities);
        packet.finish(sequence_id);
    }
}
