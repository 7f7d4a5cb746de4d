//! The server role of `COM_CHANGE_USER`: a login within a connection.
//!
//! ```text
//!           authenticate(): the answer is right
//!   Asked ──────────────────────────────────────► Judged ── accept() or refuse() ──► done
//!     │                                             ▲
//!     │ authenticate(): it is not                   │
//!     └──────────────► Switched ────────────────────┘
//!                               input: answer
//! ```
//!
//! Which nonce a client answers is its own affair: mysql2 takes that of the greeting,
//! libmysqlclient the last that it was shown, or it answers nothing and waits to be asked. So an
//! answer that does not fit is no failure yet: the client is asked to answer a fresh nonce, which
//! servers do too.

use std::fmt;

use bytes::BytesMut;

use crate::auth::{AuthPlugin, Expected, FAST_AUTH_CONFIRMED, Known, Verdict};
use crate::{
    Capabilities, ChangeUserRequest, ErrPacket, HandshakeError, NONCE_LEN, OkPacket, PacketReader,
    PacketWriter, ServerEvent,
};

/// Bytes of the answer to a request to switch: a scramble has at most 32, and nobody who is asked
/// for one sends more than a password.
const ANSWER_LIMIT: usize = 1024;

/// The response to a command begins with it.
const FIRST_RESPONSE: u8 = 1;

/// What the role needs to know of the connection.
#[derive(Clone, Debug)]
pub struct ChangeUserConfig {
    /// The capabilities in force.
    pub capabilities: Capabilities,
    /// The nonce of the greeting.
    pub nonce: [u8; NONCE_LEN],
    /// Random bytes of this command, as those of the greeting: no byte may be 0.
    pub fresh_nonce: [u8; NONCE_LEN],
    /// What clients with an unknown plugin are asked to switch to, as in the greeting.
    pub default_plugin: AuthPlugin,
}

/// The server role of one `COM_CHANGE_USER`.
///
/// The events are those of a login, without [`ServerEvent::StartTls`] and
/// [`ServerEvent::Identify`]: find the password of [`ChangeUser::request`]'s user, and call
/// [`ChangeUser::authenticate`] first.
pub struct ChangeUser {
    config: ChangeUserConfig,
    request: ChangeUserRequest,
    reader: PacketReader,
    /// Of the next packet that is written.
    sequence_id: u8,
    /// What is awaited, after a request to switch.
    expected: Option<Expected>,
}

impl ChangeUser {
    /// Begins the exchange that `request` has asked for.
    pub fn new(request: ChangeUserRequest, config: ChangeUserConfig) -> Self {
        Self {
            config,
            request,
            reader: PacketReader::new(ANSWER_LIMIT),
            sequence_id: FIRST_RESPONSE,
            expected: None,
        }
    }

    /// Who wants to log in.
    pub fn request(&self) -> &ChangeUserRequest {
        &self.request
    }

    /// Checks the client's answer. `None`: there is no such user, which the client learns neither
    /// from the packets nor from the time that they take.
    ///
    /// [`ServerEvent::NeedInput`]: the client was asked for another answer, which comes by
    /// [`ChangeUser::input`].
    pub fn authenticate(&mut self, password: Option<&[u8]>, out: &mut Vec<u8>) -> ServerEvent {
        let can_switch = self.config.capabilities.contains(Capabilities::PLUGIN_AUTH);
        let named = Known::named(self.request.auth_plugin.as_deref());
        if let Some(plugin) = named {
            let expected = Expected::new(plugin, password, &self.config.nonce);
            let verdict = expected.judge(&self.request.auth_response);
            if verdict != Verdict::Wrong || !can_switch {
                return self.tell(verdict, out);
            }
        }
        let plugin = named.unwrap_or_else(|| Known::fallback(&self.config.default_plugin));
        let fresh = self.config.fresh_nonce;
        self.expected = Some(Expected::new(plugin, password, &fresh));
        let request = plugin.switch_request(&fresh);
        self.write(out, |payload| request.encode(payload));
        ServerEvent::NeedInput
    }

    /// Takes what was read from the client from the front of `bytes`, after
    /// [`ServerEvent::NeedInput`].
    pub fn input(
        &mut self,
        bytes: &mut BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<ServerEvent, HandshakeError> {
        let Some(expected) = &self.expected else {
            return Err(HandshakeError::OutOfOrder);
        };
        let Some(packet) = self.reader.next(bytes)? else {
            return Ok(ServerEvent::NeedInput);
        };
        let verdict = expected.judge(&packet.payload);
        self.expected = None;
        self.sequence_id = packet.sequence_id.wrapping_add(1);
        Ok(self.tell(verdict, out))
    }

    /// Ends the exchange with an OK packet, after [`ServerEvent::Authenticated`].
    pub fn accept(&mut self, ok: &OkPacket, out: &mut Vec<u8>) {
        let capabilities = self.config.capabilities;
        self.write(out, |payload| ok.encode(payload, capabilities, false));
    }

    /// Ends the exchange with an error, at any time. Servers close the connection then.
    pub fn refuse(&mut self, error: &ErrPacket, out: &mut Vec<u8>) {
        let capabilities = self.config.capabilities;
        self.write(out, |payload| error.encode(payload, capabilities));
    }

    fn tell(&mut self, verdict: Verdict, out: &mut Vec<u8>) -> ServerEvent {
        match verdict {
            Verdict::Wrong => return ServerEvent::Denied,
            Verdict::Right => {}
            Verdict::RightToConfirm => {
                self.write(out, |payload| {
                    payload.extend_from_slice(&FAST_AUTH_CONFIRMED);
                });
            }
        }
        ServerEvent::Authenticated
    }

    fn write(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut packet = PacketWriter::begin(out);
        write(packet.payload());
        packet.finish(&mut self.sequence_id);
    }
}

/// Without what is expected.
impl fmt::Debug for ChangeUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeUser")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
