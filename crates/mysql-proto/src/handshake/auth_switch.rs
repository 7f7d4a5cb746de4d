//! The request to authenticate by another plugin.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_auth_switch_request.html>

use crate::wire::{Reader, put_nul_bytes, text};
use crate::{DecodeError, NONCE_LEN};

/// Begins a request to switch; alone, the request for a password of before MySQL 4.1.
pub(crate) const AUTH_SWITCH: u8 = 0xFE;

/// Begins what a plugin of the server says to its twin in the client.
///
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_auth_more_data.html>
pub(crate) const AUTH_MORE_DATA: u8 = 0x01;

/// What a server says when it wants another plugin than the login has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthSwitchRequest {
    /// The plugin's name.
    pub plugin: String,
    /// What the plugin begins with: a nonce and a NUL, or nothing.
    pub data: Vec<u8>,
}

impl AuthSwitchRequest {
    /// Reads the payload.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        match reader.u8()? {
            AUTH_SWITCH => Ok(Self {
                plugin: text(reader.nul_bytes()?),
                data: reader.rest().to_vec(),
            }),
            other => Err(DecodeError::UnexpectedHeader(other)),
        }
    }

    /// The first 20 bytes of `data`.
    pub fn nonce(&self) -> Result<[u8; NONCE_LEN], DecodeError> {
        Reader::new(&self.data).array()
    }

    /// Appends the payload to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(AUTH_SWITCH);
        put_nul_bytes(out, self.plugin.as_bytes());
        out.extend_from_slice(&self.data);
    }
}
