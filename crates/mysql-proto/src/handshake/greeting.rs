//! The greeting, which a server sends first (protocol version 10).
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html>

use crate::wire::{Reader, put_nul_bytes, text};
use crate::{Capabilities, DecodeError, NONCE_LEN, StatusFlags};

/// The only protocol version that servers of this century speak.
const VERSION: u8 = 10;

/// Bytes of the first part of the nonce; the second part has the rest.
const NONCE_HEAD: usize = 8;

/// The length of the nonce with its NUL, as it is announced.
const NONCE_LEN_WITH_NUL: u8 = 21;

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// For people, and for clients that guess features from it.
    pub server_version: String,
    /// The id of the connection, for `KILL`.
    pub connection_id: u32,
    /// What passwords are scrambled with.
    pub nonce: [u8; NONCE_LEN],
    /// What the server can do.
    pub capabilities: Capabilities,
    /// The server's default collation, the low byte of its id.
    pub collation: u8,
    /// The status before the login.
    pub status: StatusFlags,
    /// The plugin that `nonce` is meant for; empty if the server knows no plugins.
    pub auth_plugin: String,
}

impl Greeting {
    /// Reads the payload of a greeting.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        match reader.u8()? {
            VERSION => {}
            other => return Err(DecodeError::UnsupportedVersion(other)),
        }
        let server_version = text(reader.nul_bytes()?);
        let connection_id = reader.u32()?;
        let nonce_head: [u8; NONCE_HEAD] = reader.array()?;
        reader.u8()?; // filler
        let low = reader.u16()?;
        let collation = reader.u8()?;
        let status = StatusFlags::from_bits_retain(reader.u16()?);
        let high = reader.u16()?;
        let nonce_len = usize::from(reader.u8()?);
        reader.array::<6>()?; // filler
        let common = u32::from(low) | (u32::from(high) << 16);
        let capabilities = Capabilities::from_wire(common, reader.u32()?);
        if !capabilities.contains(Capabilities::PROTOCOL_41 | Capabilities::SECURE_CONNECTION) {
            return Err(DecodeError::OldProtocol);
        }
        let nonce_tail = reader.array::<{ NONCE_LEN - NONCE_HEAD }>()?;
        // Its NUL, and whatever a server has beyond the 20 bytes that all plugins use.
        let beyond = nonce_len.saturating_sub(NONCE_LEN).max(1);
        reader.bytes(beyond)?;
        let auth_plugin = if capabilities.contains(Capabilities::PLUGIN_AUTH) {
            text(reader.nul_bytes_or_rest())
        } else {
            String::new()
        };
        Ok(Self {
            server_version,
            connection_id,
            nonce: join(nonce_head, nonce_tail),
            capabilities,
            collation,
            status,
            auth_plugin,
        })
    }

    /// Appends the payload to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let ([cap0, cap1, cap2, cap3], of_mariadb) = self.capabilities.to_wire();
        let (nonce_head, nonce_tail) = self
            .nonce
            .split_first_chunk::<NONCE_HEAD>()
            .unwrap_or((&[0; NONCE_HEAD], &[]));
        out.push(VERSION);
        put_nul_bytes(out, self.server_version.as_bytes());
        out.extend_from_slice(&self.connection_id.to_le_bytes());
        out.extend_from_slice(nonce_head);
        out.extend_from_slice(&[0, cap0, cap1, self.collation]);
        out.extend_from_slice(&self.status.bits().to_le_bytes());
        out.extend_from_slice(&[cap2, cap3, NONCE_LEN_WITH_NUL]);
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&of_mariadb);
        out.extend_from_slice(nonce_tail);
        out.push(0);
        if self.capabilities.contains(Capabilities::PLUGIN_AUTH) {
            put_nul_bytes(out, self.auth_plugin.as_bytes());
        }
    }
}

fn join(head: [u8; NONCE_HEAD], tail: [u8; NONCE_LEN - NONCE_HEAD]) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    for (place, byte) in nonce.iter_mut().zip(head.into_iter().chain(tail)) {
        *place = byte;
    }
    nonce
}
