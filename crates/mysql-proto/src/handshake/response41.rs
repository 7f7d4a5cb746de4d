//! The login: what a client answers to the greeting.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_response.html>

use std::fmt;

use super::SslRequest;
use crate::wire::{Reader, put_lenenc_bytes, put_nul_bytes, text};
use crate::{Capabilities, DecodeError};

/// Connection attributes that are kept; clients send fewer than 20. The rest is left aside, so that
/// a login cannot make many small allocations.
const MAX_ATTRIBUTES: usize = 64;

/// Who wants to log in, and with what.
#[derive(Clone, PartialEq, Eq)]
pub struct HandshakeResponse {
    /// What the client can do.
    pub capabilities: Capabilities,
    /// The longest packet that the client takes, in bytes.
    pub max_packet_size: u32,
    /// The collation of the session, the low byte of its id.
    pub collation: u8,
    /// The user. What is not UTF-8 is U+FFFD.
    pub user: String,
    /// The answer to the nonce, as `auth_plugin` forms it. May be the password itself.
    pub auth_response: Vec<u8>,
    /// The database to begin in.
    pub database: Option<String>,
    /// The plugin that made `auth_response`. `None`: the client knows no plugins, and means
    /// `mysql_native_password`.
    pub auth_plugin: Option<String>,
    /// What the client tells of itself, for example `_client_name`; at most 64 pairs.
    pub connect_attributes: Vec<(String, String)>,
    /// The level that the client wants zstd to compress at, 1 to 22: only with
    /// `ZSTD_COMPRESSION_ALGORITHM`, else 0.
    pub zstd_level: u8,
}

impl HandshakeResponse {
    /// Reads the payload of a login.
    ///
    /// Database, plugin and attributes may be missing at the end although their capability is set:
    /// some clients do that, and servers bear it.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        let head = SslRequest::decode_from(&mut reader)?;
        let has = |capability| head.capabilities.contains(capability);
        let user = text(reader.nul_bytes()?);
        let auth_response = if has(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA) {
            reader.lenenc_bytes()?
        } else if has(Capabilities::SECURE_CONNECTION) {
            let len = reader.u8()?;
            reader.bytes(usize::from(len))?
        } else {
            reader.nul_bytes()?
        };
        let auth_response = auth_response.to_vec();
        let database = optional(&mut reader, has(Capabilities::CONNECT_WITH_DB))?;
        let auth_plugin = optional(&mut reader, has(Capabilities::PLUGIN_AUTH))?;
        let connect_attributes = if has(Capabilities::CONNECT_ATTRS) && !reader.is_empty() {
            attributes(reader.lenenc_bytes()?)?
        } else {
            Vec::new()
        };
        let zstd_level = if has(Capabilities::ZSTD_COMPRESSION_ALGORITHM) && !reader.is_empty() {
            reader.u8()?
        } else {
            0
        };
        Ok(Self {
            capabilities: head.capabilities,
            max_packet_size: head.max_packet_size,
            collation: head.collation,
            user,
            auth_response,
            database,
            auth_plugin,
            connect_attributes,
            zstd_level,
        })
    }

    /// Appends the payload to `out`. What `capabilities` does not announce is left out.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let has = |capability| self.capabilities.contains(capability);
        let head = SslRequest {
            capabilities: self.capabilities,
            max_packet_size: self.max_packet_size,
            collation: self.collation,
        };
        head.encode(out);
        put_nul_bytes(out, self.user.as_bytes());
        if has(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA) {
            put_lenenc_bytes(out, &self.auth_response);
        } else {
            let len = u8::try_from(self.auth_response.len()).unwrap_or(u8::MAX);
            out.push(len);
            out.extend(self.auth_response.iter().take(usize::from(len)));
        }
        if has(Capabilities::CONNECT_WITH_DB) {
            put_nul_bytes(out, self.database.as_deref().unwrap_or_default().as_bytes());
        }
        if has(Capabilities::PLUGIN_AUTH) {
            let plugin = self.auth_plugin.as_deref().unwrap_or_default();
            put_nul_bytes(out, plugin.as_bytes());
        }
        if has(Capabilities::CONNECT_ATTRS) {
            put_attributes(out, &self.connect_attributes);
        }
        if has(Capabilities::ZSTD_COMPRESSION_ALGORITHM) {
            out.push(self.zstd_level);
        }
    }
}

/// A `string<NUL>` that is there if `announced`, and if anything is left. Empty means none.
pub(super) fn optional(
    reader: &mut Reader<'_>,
    announced: bool,
) -> Result<Option<String>, DecodeError> {
    if !announced || reader.is_empty() {
        return Ok(None);
    }
    let string = reader.nul_bytes()?;
    Ok((!string.is_empty()).then(|| text(string)))
}

pub(super) fn attributes(bytes: &[u8]) -> Result<Vec<(String, String)>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut attributes = Vec::new();
    while !reader.is_empty() && attributes.len() < MAX_ATTRIBUTES {
        let key = text(reader.lenenc_bytes()?);
        attributes.push((key, text(reader.lenenc_bytes()?)));
    }
    Ok(attributes)
}

pub(super) fn put_attributes(out: &mut Vec<u8>, attributes: &[(String, String)]) {
    let mut block = Vec::new();
    for (key, value) in attributes {
        put_lenenc_bytes(&mut block, key.as_bytes());
        put_lenenc_bytes(&mut block, value.as_bytes());
    }
    put_lenenc_bytes(out, &block);
}

/// Without `auth_response`.
impl fmt::Debug for HandshakeResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeResponse")
            .field("capabilities", &self.capabilities)
            .field("max_packet_size", &self.max_packet_size)
            .field("collation", &self.collation)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("auth_plugin", &self.auth_plugin)
            .field("connect_attributes", &self.connect_attributes)
            .field("zstd_level", &self.zstd_level)
            .finish_non_exhaustive()
    }
}
