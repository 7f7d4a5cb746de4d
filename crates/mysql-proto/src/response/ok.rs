//! The OK packet.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_ok_packet.html>

use crate::wire::{Reader, put_lenenc, put_lenenc_bytes, text};
use crate::{Capabilities, DecodeError, PacketWriter, StatusFlags};

/// Success: of a statement without rows, of a command, of a login; or the end of a result set where
/// `DEPRECATE_EOF` is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OkPacket {
    /// Rows that were changed, or found (`FOUND_ROWS`).
    pub affected_rows: u64,
    /// The first value that `AUTO_INCREMENT` gave to this statement; 0 if none.
    pub last_insert_id: u64,
    /// The session after the statement.
    pub status: StatusFlags,
    /// Warnings of the statement.
    pub warnings: u16,
    /// A sentence for people, for example `Rows matched: 1  Changed: 1  Warnings: 0`.
    pub info: String,
    /// Changes of the session's state, in their wire form: only with `SESSION_TRACK` and the status
    /// flag `SESSION_STATE_CHANGED`.
    pub session_state: Vec<u8>,
}

/// What comes before the texts of an OK packet: all that the tracker wants, without allocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub(super) affected_rows: u64,
    pub(super) last_insert_id: u64,
    pub(super) status: StatusFlags,
    pub(super) warnings: u16,
}

impl Figures {
    #[inline]
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            OkPacket::HEADER | OkPacket::EOF_HEADER => {}
            other => return Err(DecodeError::UnexpectedHeader(other)),
        }
        Ok(Self {
            affected_rows: reader.lenenc()?,
            last_insert_id: reader.lenenc()?,
            status: StatusFlags::from_bits_retain(reader.u16()?),
            warnings: reader.u16()?,
        })
    }
}

impl OkPacket {
    /// The first byte of an OK packet.
    pub const HEADER: u8 = 0x00;
    /// The first byte of an OK packet that ends a result set.
    pub const EOF_HEADER: u8 = 0xFE;

    /// Reads the payload of an OK packet, with either header.
    pub fn decode(payload: &[u8], capabilities: Capabilities) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        let figures = Figures::decode(&mut reader)?;
        let mut ok = Self {
            affected_rows: figures.affected_rows,
            last_insert_id: figures.last_insert_id,
            status: figures.status,
            warnings: figures.warnings,
            ..Self::default()
        };
        if reader.is_empty() {
            return Ok(ok);
        }
        ok.info = text(reader.lenenc_bytes()?);
        let state_changed = ok.status.contains(StatusFlags::SESSION_STATE_CHANGED);
        if capabilities.contains(Capabilities::SESSION_TRACK) && state_changed {
            ok.session_state = reader.lenenc_bytes()?.to_vec();
        }
        Ok(ok)
    }

    /// Appends the payload to `out`. `as_eof`: as the end of a result set.
    pub fn encode(&self, out: &mut Vec<u8>, capabilities: Capabilities, as_eof: bool) {
        out.push(if as_eof {
            Self::EOF_HEADER
        } else {
            Self::HEADER
        });
        put_lenenc(out, self.affected_rows);
        put_lenenc(out, self.last_insert_id);
        out.extend_from_slice(&self.status.bits().to_le_bytes());
        out.extend_from_slice(&self.warnings.to_le_bytes());
        let state_changed = self.status.contains(StatusFlags::SESSION_STATE_CHANGED)
            && capabilities.contains(Capabilities::SESSION_TRACK);
        if state_changed || !self.info.is_empty() {
            // The manual has `string<EOF>` where `SESSION_TRACK` is not in force; servers send, and
            // clients expect, a length in both cases.
            put_lenenc_bytes(out, self.info.as_bytes());
        }
        if state_changed {
            put_lenenc_bytes(out, &self.session_state);
        }
    }

    /// Appends the whole packet to `out`, as the answer to a command (not as the end of a result
    /// set). `sequence_id` becomes the one that comes next.
    pub fn write(&self, out: &mut Vec<u8>, sequence_id: &mut u8, capabilities: Capabilities) {
        let mut packet = PacketWriter::begin(out);
        self.encode(packet.payload(), capabilities, false);
        packet.finish(sequence_id);
    }
}
