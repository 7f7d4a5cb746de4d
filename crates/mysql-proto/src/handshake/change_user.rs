//! `COM_CHANGE_USER`: a login on a connection that is logged in already.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_change_user.html>

use std::fmt;

use super::response41::{attributes, optional, put_attributes};
use crate::wire::{Reader, put_nul_bytes, text};
use crate::{Capabilities, Command, DecodeError};

/// Who wants to log in instead, and with what.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeUserRequest {
    /// The user. What is not UTF-8 is U+FFFD.
    pub user: String,
    /// The answer to the nonce, as `auth_plugin` forms it. May be the password itself.
    pub auth_response: Vec<u8>,
    /// The database to go on in. `None`: none, whatever it was before.
    pub database: Option<String>,
    /// The collation of the session. `None`: the server's default.
    pub collation: Option<u16>,
    /// The plugin that made `auth_response`. `None`: the client knows no plugins, and means
    /// `mysql_native_password`.
    pub auth_plugin: Option<String>,
    /// What the client tells of itself; at most 64 pairs.
    pub connect_attributes: Vec<(String, String)>,
}

impl ChangeUserRequest {
    /// Reads the payload, from the command's byte on. `capabilities`: those in force. What follows
    /// the database may be missing, in old clients, from any field on.
    pub fn decode(payload: &[u8], capabilities: Capabilities) -> Result<Self, DecodeError> {
        let has = |capability| capabilities.contains(capability);
        let mut reader = Reader::new(payload);
        match reader.u8()? {
            byte if byte == Command::CHANGE_USER.0 => {}
            other => return Err(DecodeError::UnexpectedHeader(other)),
        }
        let user = text(reader.nul_bytes()?);
        let auth_response = if has(Capabilities::SECURE_CONNECTION) {
            let len = reader.u8()?;
            reader.bytes(usize::from(len))?
        } else {
            reader.nul_bytes()?
        };
        let auth_response = auth_response.to_vec();
        let database = text(reader.nul_bytes_or_rest());
        let collation = if reader.is_empty() {
            None
        } else {
            Some(reader.u16()?)
        };
        let auth_plugin = optional(&mut reader, has(Capabilities::PLUGIN_AUTH))?;
        let connect_attributes = if has(Capabilities::CONNECT_ATTRS) && !reader.is_empty() {
            attributes(reader.lenenc_bytes()?)?
        } else {
            Vec::new()
        };
        Ok(Self {
            user,
            auth_response,
            database: (!database.is_empty()).then_some(database),
            collation,
            auth_plugin,
            connect_attributes,
        })
    }

    /// Appends the payload to `out`, as a client with `capabilities` sends it. An answer over 255
    /// bytes is cut, which the form cannot carry.
    pub fn encode(&self, out: &mut Vec<u8>, capabilities: Capabilities) {
        let has = |capability| capabilities.contains(capability);
        out.push(Command::CHANGE_USER.0);
        put_nul_bytes(out, self.user.as_bytes());
        if has(Capabilities::SECURE_CONNECTION) {
            let len = u8::try_from(self.auth_response.len()).unwrap_or(u8::MAX);
            out.push(len);
            out.extend(self.auth_response.iter().take(usize::from(len)));
        } else {
            put_nul_bytes(out, &self.auth_response);
        }
        put_nul_bytes(out, self.database.as_deref().unwrap_or_default().as_bytes());
        let Some(collation) = self.collation else {
            return;
        };
        out.extend_from_slice(&collation.to_le_bytes());
        if has(Capabilities::PLUGIN_AUTH) {
            let plugin = self.auth_plugin.as_deref().unwrap_or_default();
            put_nul_bytes(out, plugin.as_bytes());
        }
        if has(Capabilities::CONNECT_ATTRS) {
            put_attributes(out, &self.connect_attributes);
        }
    }
}

/// Without `auth_response`.
impl fmt::Debug for ChangeUserRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeUserRequest")
            .field("user", &self.user)
            .field("database", &self.database)
            .field("collation", &self.collation)
            .field("auth_plugin", &self.auth_plugin)
            .field("connect_attributes", &self.connect_attributes)
            .finish_non_exhaustive()
    }
}
