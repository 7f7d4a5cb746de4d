//! The request for TLS: the first fields of a login, alone.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_ssl_request.html>

use crate::wire::Reader;
use crate::{Capabilities, DecodeError};

/// Bytes after the collation that have no meaning; behind them are MariaDB's capabilities.
const FILLER: usize = 19;

/// What a client says before it begins TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SslRequest {
    /// What the client can do; has `SSL`.
    pub capabilities: Capabilities,
    /// The longest packet that the client takes, in bytes.
    pub max_packet_size: u32,
    /// The collation of the session, the low byte of its id.
    pub collation: u8,
}

impl SslRequest {
    /// Bytes of the payload: a packet that is as short as this, with `SSL`, is no login.
    pub const LEN: usize = 32;

    /// True if `payload` is a request for TLS, and not a login.
    pub fn is_one(payload: &[u8]) -> bool {
        payload.len() == Self::LEN
            && Self::decode(payload)
                .is_ok_and(|request| request.capabilities.contains(Capabilities::SSL))
    }

    /// Reads the fields that this packet has in common with a login.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_from(&mut Reader::new(payload))
    }

    pub(super) fn decode_from(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // An old login has only two bytes of capabilities, and is short: look at those first.
        let low = reader.u16()?;
        if !Capabilities::from_bits_retain(low.into()).contains(Capabilities::PROTOCOL_41) {
            return Err(DecodeError::OldProtocol);
        }
        let high = reader.u16()?;
        let max_packet_size = reader.u32()?;
        let collation = reader.u8()?;
        reader.array::<FILLER>()?;
        let common = u32::from(low) | (u32::from(high) << 16);
        Ok(Self {
            capabilities: Capabilities::from_wire(common, reader.u32()?),
            max_packet_size,
            collation,
        })
    }

    /// Appends the payload to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (common, of_mariadb) = self.capabilities.to_wire();
        out.extend_from_slice(&common);
        out.extend_from_slice(&self.max_packet_size.to_le_bytes());
        out.push(self.collation);
        out.extend_from_slice(&[0; FILLER]);
        out.extend_from_slice(&of_mariadb);
    }
}
