//! The EOF packet.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_eof_packet.html>

use crate::wire::Reader;
use crate::{DecodeError, StatusFlags};

/// The end of column definitions or of rows, where `DEPRECATE_EOF` is not in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EofPacket {
    /// Warnings of the statement.
    pub warnings: u16,
    /// The session at this point.
    pub status: StatusFlags,
}

impl EofPacket {
    /// The first byte of an EOF packet.
    pub const HEADER: u8 = 0xFE;
    /// Bytes of its payload.
    pub const LEN: usize = 5;
    /// A payload that begins with [`EofPacket::HEADER`] and is this long or longer is a row, whose
    /// first value has a length of eight bytes.
    pub const ROW_LEN: usize = 9;

    /// Reads the payload of an EOF packet.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        match reader.u8()? {
            Self::HEADER => Ok(Self {
                warnings: reader.u16()?,
                status: StatusFlags::from_bits_retain(reader.u16()?),
            }),
            other => Err(DecodeError::UnexpectedHeader(other)),
        }
    }

    /// Appends the payload to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(Self::HEADER);
        out.extend_from_slice(&self.warnings.to_le_bytes());
        out.extend_from_slice(&self.status.bits().to_le_bytes());
    }
}
