//! The client role of the connection phase: what an origin meets.
//!
//! ```text
//!             input: greeting, no TLS wanted
//!   Greeting ─────────────────────────────────────────► Answer ◄────────────┐
//!      │                                                 │ ▲ │              │
//!      │ input: greeting    tls_established()            │ │ │ input: 01 04 │ encrypted_password()
//!      └──────────────► Tls ─────────────────────────────┼─┘ │ or a switch  │
//!                                                        │   ▼              │
//!                    input: OK or ERR                    │  PublicKey ──► Encrypt
//!   Finished ◄───────────────────────────────────────────┘      input: key
//! ```
//!
//! In `Answer` a request to switch the plugin is answered at once, and `01 04` over TLS too: both
//! stay in `Answer`. Only a password that must go to the server itself, and has no TLS, waits for
//! the server's key (`caching_sha2_password` after `01 04`, `sha256_password` after a switch).

mod answer;

use std::fmt;

use answer::Answer;
use bytes::BytesMut;

use crate::auth::{AuthPlugin, caching_sha2};
use crate::handshake::{AUTH_MORE_DATA, AUTH_SWITCH, AuthSwitchRequest, REQUIRED, SslRequest};
use crate::{
    Capabilities, ErrPacket, Greeting, HandshakeError, HandshakeResponse, NONCE_LEN, OkPacket,
    Packet, PacketReader, PacketWriter,
};

/// Bytes of a packet of a server during the login: the longest are a public key, and an OK packet
/// that tells of the session's state.
const LOGIN_PACKET_LIMIT: usize = 64 * 1024;

/// The longest packet that the login says we take: no row is longer anywhere (1 GiB).
const MAX_PACKET_SIZE: u32 = 1 << 30;

/// What the client role needs to know.
#[derive(Clone)]
pub struct ClientConfig {
    /// The user.
    pub user: String,
    /// The password; empty for none.
    pub password: Vec<u8>,
    /// The database to begin in.
    pub database: Option<String>,
    /// The collation of the session, the low byte of its id; 45 is `utf8mb4_general_ci`.
    pub collation: u8,
    /// What is wanted; what the server has too will be in force. What follows from the other fields
    /// (`SSL`, `CONNECT_WITH_DB`, `CONNECT_ATTRS`) and what the handshake cannot do without is
    /// set by the handshake.
    pub capabilities: Capabilities,
    /// What is told to the server of us. Left out if the server takes no attributes.
    pub attributes: Vec<(String, String)>,
    /// Use TLS, and fail if the server has none.
    pub tls: bool,
    /// Nobody can come between us and the server although there is no TLS: loopback, a Unix socket,
    /// a tunnel. Then a password may be sent that is encrypted with the key that the server has
    /// sent.
    pub transport_is_private: bool,
}

/// What the caller has to do next.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// Send what was written, and read more from the server.
    NeedInput,
    /// Send what was written, do TLS as its client, then call [`ClientHandshake::tls_established`].
    StartTls,
    /// Encrypt `message` by RSA (OAEP, SHA-1) with `public_key_pem`, and call
    /// [`ClientHandshake::encrypted_password`].
    EncryptPassword {
        /// The server's key: `-----BEGIN PUBLIC KEY-----`, a `SubjectPublicKeyInfo`.
        public_key_pem: String,
        /// As secret as the password.
        message: Vec<u8>,
    },
    /// The login is done; commands may follow.
    Done(OkPacket),
    /// The server refuses, be it the login or any connection (1040, 1129, 1130).
    Refused(ErrPacket),
}

/// The client role. One value serves one connection.
pub struct ClientHandshake {
    config: ClientConfig,
    reader: PacketReader,
    state: State,
    /// Of the next packet that is written.
    sequence_id: u8,
    is_tls: bool,
    greeting: Option<Greeting>,
    capabilities: Capabilities,
    /// In force now: of the greeting, or of the last request to switch.
    plugin: AuthPlugin,
    nonce: [u8; NONCE_LEN],
}

/// See the diagram at the top of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Tls,
    Answer,
    PublicKey,
    Encrypt,
    Finished,
}

impl ClientHandshake {
    /// Begins a handshake.
    pub fn new(config: ClientConfig) -> Self {
        Self {
            config,
            reader: PacketReader::new(LOGIN_PACKET_LIMIT),
            state: State::Greeting,
            sequence_id: 0,
            is_tls: false,
            greeting: None,
            capabilities: Capabilities::empty(),
            plugin: AuthPlugin::NativePassword,
            nonce: [0; NONCE_LEN],
        }
    }

    /// Takes what was read from the server from the front of `bytes`; what is to be sent is
    /// appended to `out`. Call it again after each [`ClientEvent::NeedInput`], when there are more
    /// bytes.
    pub fn input(
        &mut self,
        bytes: &mut BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<ClientEvent, HandshakeError> {
        // The server may say several things in a row, for example 01 03 and OK.
        loop {
            if !matches!(
                self.state,
                State::Greeting | State::Answer | State::PublicKey
            ) {
                return Err(HandshakeError::OutOfOrder);
            }
            let Some(packet) = self.reader.next(bytes)? else {
                return Ok(ClientEvent::NeedInput);
            };
            self.sequence_id = packet.sequence_id.wrapping_add(1);
            let event = self.packet(&packet, out)?;
            if event != ClientEvent::NeedInput {
                return Ok(event);
            }
        }
    }

    /// Tells that TLS was done, after [`ClientEvent::StartTls`], and appends the login to `out`.
    pub fn tls_established(&mut self, out: &mut Vec<u8>) {
        if self.state == State::Tls {
            self.is_tls = true;
            self.write_login(out);
        }
    }

    /// Takes what was asked by [`ClientEvent::EncryptPassword`], and appends it to `out`.
    pub fn encrypted_password(&mut self, mut encrypted: Vec<u8>, out: &mut Vec<u8>) {
        if self.state == State::Encrypt {
            self.write(out, |payload| payload.append(&mut encrypted));
            self.state = State::Answer;
        }
    }

    /// What the server has said of itself.
    pub fn greeting(&self) -> Option<&Greeting> {
        self.greeting.as_ref()
    }

    /// What is in force: what is wanted and what the server has. Empty before the greeting.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn packet(
        &mut self,
        packet: &Packet,
        out: &mut Vec<u8>,
    ) -> Result<ClientEvent, HandshakeError> {
        let payload = &*packet.payload;
        match (self.state, payload.first().copied()) {
            (_, Some(ErrPacket::HEADER)) => {
                let error = ErrPacket::decode(payload)?;
                self.state = State::Finished;
                Ok(ClientEvent::Refused(error))
            }
            (State::Greeting, _) => self.greeting_packet(payload, out),
            (State::Answer, Some(OkPacket::HEADER)) => {
                let ok = OkPacket::decode(payload, self.capabilities)?;
                self.state = State::Finished;
                Ok(ClientEvent::Done(ok))
            }
            (State::Answer, Some(AUTH_SWITCH)) => self.switch(payload, out),
            (State::Answer, Some(AUTH_MORE_DATA)) => self.more_data(payload, out),
            (State::PublicKey, Some(AUTH_MORE_DATA)) => self.public_key(payload),
            (_, first) => Err(unexpected(first)),
        }
    }

    fn greeting_packet(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<ClientEvent, HandshakeError> {
        let greeting = Greeting::decode(payload)?;
        self.capabilities = self.negotiate(greeting.capabilities)?;
        self.nonce = greeting.nonce;
        // The login must name a plugin. A server that wants another than these two asks to switch:
        // the password itself is never in the login.
        self.plugin = match AuthPlugin::from_name(&greeting.auth_plugin) {
            AuthPlugin::CachingSha2Password => AuthPlugin::CachingSha2Password,
            _ => AuthPlugin::NativePassword,
        };
        self.greeting = Some(greeting);
        if !self.config.tls {
            self.write_login(out);
            return Ok(ClientEvent::NeedInput);
        }
        let request = SslRequest {
            capabilities: self.capabilities,
            max_packet_size: MAX_PACKET_SIZE,
            collation: self.config.collation,
        };
        self.write(out, |payload| request.encode(payload));
        self.state = State::Tls;
        Ok(ClientEvent::StartTls)
    }

    fn negotiate(&self, server: Capabilities) -> Result<Capabilities, HandshakeError> {
        if self.config.tls && !server.contains(Capabilities::SSL) {
            return Err(HandshakeError::TlsUnavailable);
        }
        let has_database = self.config.database.is_some();
        if has_database && !server.contains(Capabilities::CONNECT_WITH_DB) {
            return Err(HandshakeError::MissingCapability("CONNECT_WITH_DB"));
        }
        let mut wanted =
            self.config.capabilities | REQUIRED | Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA;
        wanted.set(Capabilities::SSL, self.config.tls);
        wanted.set(Capabilities::CONNECT_WITH_DB, has_database);
        let has_attributes = !self.config.attributes.is_empty();
        wanted.set(Capabilities::CONNECT_ATTRS, has_attributes);
        Ok(wanted & server)
    }

    fn write_login(&mut self, out: &mut Vec<u8>) {
        let login = HandshakeResponse {
            capabilities: self.capabilities,
            max_packet_size: MAX_PACKET_SIZE,
            collation: self.config.collation,
            user: self.config.user.clone(),
            auth_response: answer::scramble(&self.plugin, &self.config.password, &self.nonce),
            database: self.config.database.clone(),
            auth_plugin: Some(self.plugin.name().to_owned()),
            connect_attributes: self.config.attributes.clone(),
            zstd_level: 0,
        };
        self.write(out, |payload| login.encode(payload));
        self.state = State::Answer;
    }

    fn switch(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<ClientEvent, HandshakeError> {
        if payload.len() == 1 {
            return Err(HandshakeError::OldPassword);
        }
        let request = AuthSwitchRequest::decode(payload)?;
        let plugin = AuthPlugin::from_name(&request.plugin);
        let answer = answer::to_switch(&plugin, &request, &self.config, self.is_tls)?;
        // Some have none, or another one that is of no use later.
        self.nonce = request.nonce().unwrap_or_default();
        self.plugin = plugin;
        self.write_answer(answer, out);
        Ok(ClientEvent::NeedInput)
    }

    /// What `caching_sha2_password` says after the scramble.
    fn more_data(
        &mut self,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<ClientEvent, HandshakeError> {
        match (&self.plugin, payload) {
            (AuthPlugin::CachingSha2Password, [_, caching_sha2::FAST_AUTH_SUCCESS]) => {}
            (AuthPlugin::CachingSha2Password, [_, caching_sha2::FULL_AUTH]) => {
                let key = caching_sha2::REQUEST_PUBLIC_KEY;
                let answer = answer::secret(&self.config, self.is_tls, key)?;
                self.write_answer(answer, out);
            }
            _ => return Err(HandshakeError::UnexpectedPacket(AUTH_MORE_DATA)),
        }
        Ok(ClientEvent::NeedInput)
    }

    fn write_answer(&mut self, answer: Answer, out: &mut Vec<u8>) {
        match answer {
            Answer::Response(mut response) => {
                self.write(out, |payload| payload.append(&mut response));
            }
            Answer::PublicKeyRequest(request) => {
                self.write(out, |payload| payload.push(request));
                self.state = State::PublicKey;
            }
        }
    }

    fn public_key(&mut self, payload: &[u8]) -> Result<ClientEvent, HandshakeError> {
        let pem = payload.get(1..).unwrap_or_default();
        let public_key_pem = std::str::from_utf8(pem)
            .map_err(|_| HandshakeError::BadPublicKey)?
            .to_owned();
        self.state = State::Encrypt;
        Ok(ClientEvent::EncryptPassword {
            public_key_pem,
            message: caching_sha2::obfuscate(&self.config.password, &self.nonce),
        })
    }

    fn write(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut packet = PacketWriter::begin(out);
        write(packet.payload());
        packet.finish(&mut self.sequence_id);
    }
}

fn unexpected(first: Option<u8>) -> HandshakeError {
    first.map_or(
        HandshakeError::Decode(crate::DecodeError::Truncated),
        HandshakeError::UnexpectedPacket,
    )
}

/// Without the password.
impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("user", &self.user)
            .field("database", &self.database)
            .field("capabilities", &self.capabilities)
            .field("tls", &self.tls)
            .field("transport_is_private", &self.transport_is_private)
            .finish_non_exhaustive()
    }
}

/// Without the password.
impl fmt::Debug for ClientEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedInput => f.write_str("NeedInput"),
            Self::StartTls => f.write_str("StartTls"),
            Self::EncryptPassword { .. } => f.write_str("EncryptPassword"),
            Self::Done(ok) => f.debug_tuple("Done").field(ok).finish(),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
        }
    }
}

impl fmt::Debug for ClientHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandshake")
            .field("config", &self.config)
            .field("state", &self.state)
            .field("is_tls", &self.is_tls)
            .field("greeting", &self.greeting)
            .finish_non_exhaustive()
    }
}
