//! The server role of the connection phase: what a client meets.
//!
//! ```text
//!            greeting()        input: SSLRequest          tls_established()
//!   Fresh ─────────────► Login ──────────────────► Tls ─────────────────────┐
//!                          │ ▲                                              │
//!                          │ └──────────────────────────────────────────────┘
//!                          │ input: login
//!                          ▼
//!                       Identified ── authenticate(): answer judged ───────► Judged
//!                          │                                                   ▲ │
//!                          │ authenticate(): other plugin                      │ │ accept() or
//!                          ▼                     input: answer                 │ │ refuse()
//!                       Switched ──────────────────────────────────────────────┘ ▼
//!                                                                             Finished
//! ```
//!
//! The server knows the password, so that it can check the scramble of `caching_sha2_password` at
//! once. It never needs the full authentication of that plugin, in which a client sends the
//! password itself, and does not have it.

use std::fmt;

use bytes::BytesMut;

use crate::auth::{AuthPlugin, Expected, FAST_AUTH_CONFIRMED, Known, Verdict};
use crate::handshake::{REQUIRED, SslRequest};
use crate::{
    Capabilities, ErrPacket, Greeting, HandshakeError, HandshakeResponse, NONCE_LEN, OkPacket,
    Packet, PacketReader, PacketWriter, StatusFlags,
};

/// Bytes of a packet of a client that has not logged in. A login has a few hundred; long tokens in
/// clear text or many connection attributes make a few thousand.
const LOGIN_PACKET_LIMIT: usize = 16 * 1024;

/// What the server role needs to know.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The version in the greeting.
    pub server_version: String,
    /// The connection's id, for `KILL`.
    pub connection_id: u32,
    /// Fresh random bytes, different for each connection. No byte may be 0, which ends the nonce
    /// for some clients.
    pub nonce: [u8; NONCE_LEN],
    /// What is offered; `SSL` offers TLS. What the handshake cannot do without is added.
    pub capabilities: Capabilities,
    /// The default collation.
    pub collation: u8,
    /// The plugin in the greeting. Clients that answer by `mysql_native_password` or
    /// `caching_sha2_password` are judged by that, whichever this is. Others are asked to switch to
    /// `caching_sha2_password` if it is this, else to `mysql_native_password`.
    pub default_plugin: AuthPlugin,
}

/// What the caller has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// Read more from the client.
    NeedInput,
    /// Do TLS as its server, then call [`ServerHandshake::tls_established`]. What is left of the
    /// input belongs to TLS.
    StartTls,
    /// [`ServerHandshake::login`] tells the user: find the password, and call
    /// [`ServerHandshake::authenticate`].
    Identify,
    /// The client knows the password: call [`ServerHandshake::accept`] or
    /// [`ServerHandshake::refuse`].
    Authenticated,
    /// The client does not know the password, or the user is unknown: call
    /// [`ServerHandshake::refuse`].
    Denied,
}

/// The server role. One value serves one connection.
pub struct ServerHandshake {
    config: ServerConfig,
    reader: PacketReader,
    state: State,
    /// Of the next packet that is written.
    sequence_id: u8,
    is_tls: bool,
    login: Option<HandshakeResponse>,
}

/// See the diagram at the top of the file.
enum State {
    Fresh,
    Login,
    Tls,
    Identified,
    Switched(Expected),
    Judged,
    Finished,
}

impl ServerHandshake {
    /// Begins a handshake.
    pub fn new(mut config: ServerConfig) -> Self {
        config.capabilities |= REQUIRED;
        Self {
            config,
            reader: PacketReader::new(LOGIN_PACKET_LIMIT),
            state: State::Fresh,
            sequence_id: 0,
            is_tls: false,
            login: None,
        }
    }

    /// Appends the greeting to `out`. To be called first, and once.
    pub fn greeting(&mut self, out: &mut Vec<u8>) {
        let greeting = Greeting {
            server_version: self.config.server_version.clone(),
            connection_id: self.config.connection_id,
            nonce: self.config.nonce,
            capabilities: self.config.capabilities,
            collation: self.config.collation,
            status: StatusFlags::AUTOCOMMIT,
            auth_plugin: self.config.default_plugin.name().to_owned(),
        };
        self.write(out, |payload| greeting.encode(payload));
        self.state = State::Login;
    }

    /// Takes what was read from the client from the front of `bytes`; what is to be sent is
    /// appended to `out`. Call it again after each [`ServerEvent::NeedInput`], when there are more
    /// bytes.
    pub fn input(
        &mut self,
        bytes: &mut BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<ServerEvent, HandshakeError> {
        if !matches!(self.state, State::Login | State::Switched(_)) {
            return Err(HandshakeError::OutOfOrder);
        }
        let Some(packet) = self.reader.next(bytes)? else {
            return Ok(ServerEvent::NeedInput);
        };
        // Clients differ in how they count after TLS and after a switch: follow them.
        self.sequence_id = packet.sequence_id.wrapping_add(1);
        match std::mem::replace(&mut self.state, State::Judged) {
            State::Switched(expected) => Ok(self.judge(&expected, &packet.payload, out)),
            _ => self.login_packet(&packet),
        }
    }

    /// Tells that TLS was done, after [`ServerEvent::StartTls`].
    pub fn tls_established(&mut self) {
        if matches!(self.state, State::Tls) {
            self.is_tls = true;
            self.state = State::Login;
        }
    }

    /// Checks the client's answer, after [`ServerEvent::Identify`]. `None`: there is no such user,
    /// which the client learns neither from the packets nor from the time that they take.
    ///
    /// [`ServerEvent::NeedInput`]: the client was asked to switch to another plugin, and its answer
    /// comes by [`ServerHandshake::input`].
    pub fn authenticate(
        &mut self,
        password: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<ServerEvent, HandshakeError> {
        let (State::Identified, Some(login)) = (&self.state, &self.login) else {
            return Err(HandshakeError::OutOfOrder);
        };
        let named = Known::named(login.auth_plugin.as_deref());
        let plugin = named.unwrap_or_else(|| Known::fallback(&self.config.default_plugin));
        let expected = Expected::new(plugin, password, &self.config.nonce);
        // libmysqlclient shows the nonce of the greeting's plugin to no other: a client that lacks
        // that plugin names its own, answers nothing, and waits to be asked.
        let unanswered = plugin.trim(&login.auth_response).is_empty()
            && named != Known::of(&self.config.default_plugin);
        if named.is_some() && !unanswered {
            let response = login.auth_response.clone();
            self.state = State::Judged;
            return Ok(self.judge(&expected, &response, out));
        }
        let request = plugin.switch_request(&self.config.nonce);
        self.write(out, |payload| request.encode(payload));
        self.state = State::Switched(expected);
        Ok(ServerEvent::NeedInput)
    }

    /// Ends the handshake with an OK packet, after [`ServerEvent::Authenticated`]. Commands follow.
    pub fn accept(&mut self, ok: &OkPacket, out: &mut Vec<u8>) {
        let capabilities = self.capabilities();
        self.write(out, |payload| ok.encode(payload, capabilities, false));
        self.state = State::Finished;
    }

    /// Ends the handshake with an error, at any time. The caller closes the connection.
    pub fn refuse(&mut self, error: &ErrPacket, out: &mut Vec<u8>) {
        let capabilities = self.capabilities();
        self.write(out, |payload| error.encode(payload, capabilities));
        self.state = State::Finished;
    }

    /// Who wants to log in; known from [`ServerEvent::Identify`] on.
    pub fn login(&self) -> Option<&HandshakeResponse> {
        self.login.as_ref()
    }

    /// What is in force: the capabilities of the login and ours. Empty before the login.
    pub fn capabilities(&self) -> Capabilities {
        self.login.as_ref().map_or(Capabilities::empty(), |login| {
            login.capabilities & self.config.capabilities
        })
    }

    /// True if the client has begun TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    fn login_packet(&mut self, packet: &Packet) -> Result<ServerEvent, HandshakeError> {
        if !self.is_tls && SslRequest::is_one(&packet.payload) {
            if !self.config.capabilities.contains(Capabilities::SSL) {
                return Err(HandshakeError::TlsNotOffered);
            }
            self.state = State::Tls;
            return Ok(ServerEvent::StartTls);
        }
        self.login = Some(HandshakeResponse::decode(&packet.payload)?);
        self.state = State::Identified;
        Ok(ServerEvent::Identify)
    }

    /// A right scramble of `caching_sha2_password` is confirmed at once, since its client waits for
    /// that before it takes an OK packet, or an ERR packet.
    fn judge(&mut self, expected: &Expected, response: &[u8], out: &mut Vec<u8>) -> ServerEvent {
        match expected.judge(response) {
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

/// Without what was expected.
impl fmt::Debug for ServerHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandshake")
            .field("config", &self.config)
            .field("is_tls", &self.is_tls)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
