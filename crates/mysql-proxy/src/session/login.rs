//! The login of a client: greeting, TLS, local credentials.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::rand;
use bytes::BytesMut;
use domain::ExposeSecret;
use mysql_proto::{
    AuthPlugin, Capabilities, ErrPacket, HandshakeError, NONCE_LEN, ServerConfig, ServerEvent,
    ServerHandshake,
};
use net::{BoxStream, Rewind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use super::Session;
use super::cached::AtOnce;
use super::commits::{Uncommitted, UnderLock};
use super::home::Home;
use super::logins::Logins;
use super::pins::Pins;
use super::previous::Previous;
use super::routines::Calling;
use crate::compression::{Algorithm, Compressed};
use crate::config::TlsMode;
use crate::downstream::Downstream;
use crate::error::SessionEnd;
use crate::hyperdrives::Served;
use crate::listener::Shared;
use crate::profile::offer;
use crate::refusal;
use crate::registry::{Facts, Place, Registered, TooManyOfUser};
use crate::statements::Statements;

/// What a login reads at a time; a client's answer is a few hundred bytes.
const LOGIN_BUFFER: usize = 1024;

/// `utf8mb4_general_ci`: the collation of the greeting before an origin is known. Every one knows
/// it, and clients send their own.
pub(super) const GREETING_COLLATION: u8 = 45;

/// Characters that are kept of a client's name for itself.
const MAX_PROGRAM: usize = 64;

/// A login in progress.
pub(crate) struct Login<'a> {
    shared: &'a Arc<Shared>,
    place: Place,
    peer: SocketAddr,
    handshake: ServerHandshake,
    nonce: [u8; NONCE_LEN],
    input: BytesMut,
    output: Vec<u8>,
}

impl<'a> Login<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>, peer: SocketAddr) -> Self {
        let place = shared.hyperdrives.registry().reserve();
        let config = &shared.config;
        let mut capabilities = offer(shared.hyperdrives.offered());
        capabilities.set(Capabilities::SSL, config.tls.server_config().is_some());
        let nonce = nonce();
        let server_version = shared
            .hyperdrives
            .server_version()
            .unwrap_or_else(|| config.server_version.clone());
        Self {
            shared,
            handshake: ServerHandshake::new(ServerConfig {
                server_version,
                connection_id: place.id(),
                nonce,
                capabilities,
                collation: shared
                    .hyperdrives
                    .server_collation()
                    .unwrap_or(GREETING_COLLATION),
                // One round trip with every driver; one that prefers caching_sha2 may use it as
                // well.
                default_plugin: AuthPlugin::NativePassword,
            }),
            place,
            nonce,
            peer,
            input: BytesMut::with_capacity(LOGIN_BUFFER),
            output: Vec::new(),
        }
    }

    /// Leads a client through its login. The caller bounds the time.
    pub(crate) async fn run(mut self, mut stream: BoxStream) -> Result<Session, SessionEnd> {
        self.handshake.greeting(&mut self.output);
        let mut served = None;
        let mut event = ServerEvent::NeedInput;
        loop {
            event = match event {
                ServerEvent::NeedInput => {
                    self.exchange(&mut stream).await?;
                    match self.handshake.input(&mut self.input, &mut self.output) {
                        Ok(event) => event,
                        Err(error) => return Err(self.refuse_handshake(&mut stream, error).await),
                    }
                }
                ServerEvent::StartTls => {
                    stream = self.secure(stream).await?;
                    ServerEvent::NeedInput
                }
                ServerEvent::Identify => {
                    served = self.identify(&mut stream).await?;
                    let password = served
                        .as_ref()
                        .map(|served: &Arc<Served>| &served.hyperdrive.credentials.password);
                    let password = password.map(|password| password.expose_secret().as_bytes());
                    self.handshake.authenticate(password, &mut self.output)?
                }
                ServerEvent::Authenticated => {
                    return match served {
                        Some(served) => self.admit(stream, served).await,
                        None => Err(self.refuse_unknown(&mut stream).await),
                    };
                }
                ServerEvent::Denied => {
                    return Err(match served {
                        Some(_) => self.refuse_password(&mut stream).await,
                        None => self.refuse_unknown(&mut stream).await,
                    });
                }
            };
        }
    }

    /// Sends what is to be sent and reads the answer.
    async fn exchange(&mut self, stream: &mut BoxStream) -> Result<(), SessionEnd> {
        self.flush(stream).await?;
        let count = stream
            .read_buf(&mut self.input)
            .await
            .map_err(SessionEnd::Downstream)?;
        if count == 0 {
            return Err(SessionEnd::ClientLeft);
        }
        Ok(())
    }

    async fn flush(&mut self, stream: &mut BoxStream) -> Result<(), SessionEnd> {
        stream
            .write_all(&self.output)
            .await
            .map_err(SessionEnd::Downstream)?;
        self.output.clear();
        stream.flush().await.map_err(SessionEnd::Downstream)
    }

    /// Does TLS. What came after the request for it, in the same segment, belongs to TLS already.
    async fn secure(&mut self, stream: BoxStream) -> Result<BoxStream, SessionEnd> {
        let Some(config) = self.shared.config.tls.server_config() else {
            return Err(SessionEnd::Protocol("TLS without an offer"));
        };
        let stream = Rewind::new(self.input.split().freeze(), stream);
        let stream = TlsAcceptor::from(Arc::clone(config))
            .accept(stream)
            .await
            .map_err(SessionEnd::Downstream)?;
        self.handshake.tls_established();
        Ok(Box::new(stream))
    }

    /// Finds the hyperdrive of the user. `None`: there is none, which is told after the password
    /// was asked for all the same.
    async fn identify(
        &mut self,
        stream: &mut BoxStream,
    ) -> Result<Option<Arc<Served>>, SessionEnd> {
        if matches!(self.shared.config.tls, TlsMode::Required(_)) && !self.handshake.is_tls() {
            let error = refusal::tls_required();
            return Err(self.refuse(stream, &error, "TLS is required").await);
        }
        match self.shared.hyperdrives.of_user(&self.user()) {
            None => Ok(None),
            Some(Ok(served)) => Ok(Some(served)),
            Some(Err(error)) => {
                warn!(user = self.user(), %error, "Failed to serve a hyperdrive");
                let error = refusal::broken_hyperdrive(&self.user(), &error);
                Err(self.refuse(stream, &error, "hyperdrive is broken").await)
            }
        }
    }

    fn user(&self) -> String {
        self.handshake
            .login()
            .map(|login| login.user.clone())
            .unwrap_or_default()
    }

    /// What others will see of the session.
    fn facts(&self, served: &Served) -> Facts {
        let login = self.handshake.login();
        Facts {
            user: self.user().into(),
            hyperdrive: served.hyperdrive.id,
            peer: self.peer,
            program: program(login.map_or(&[], |login| &login.connect_attributes)),
        }
    }

    async fn refuse_password(&mut self, stream: &mut BoxStream) -> SessionEnd {
        let error = refusal::wrong_password(&self.user());
        self.refuse(stream, &error, "wrong password").await
    }

    async fn refuse_unknown(&mut self, stream: &mut BoxStream) -> SessionEnd {
        let error = refusal::unknown_hyperdrive(&self.user());
        self.refuse(stream, &error, "unknown hyperdrive").await
    }

    /// What the client has sent is no login.
    async fn refuse_handshake(
        &mut self,
        stream: &mut BoxStream,
        error: HandshakeError,
    ) -> SessionEnd {
        match self
            .refuse(stream, &refusal::bad_handshake(), "bad handshake")
            .await
        {
            SessionEnd::LoginRefused(_) => SessionEnd::Handshake(error),
            end => end,
        }
    }

    async fn refuse(
        &mut self,
        stream: &mut BoxStream,
        error: &ErrPacket,
        reason: &'static str,
    ) -> SessionEnd {
        self.shared.metrics.error(error.code);
        self.handshake.refuse(error, &mut self.output);
        match self.flush(stream).await {
            Ok(()) => SessionEnd::LoginRefused(reason),
            Err(end) => end,
        }
    }

    /// Lets the client in. The origin is not asked, but for a database that it was never asked for:
    /// its connections are lent by statement.
    async fn admit(
        mut self,
        mut stream: BoxStream,
        served: Arc<Served>,
    ) -> Result<Session, SessionEnd> {
        let entry = match self
            .place
            .enter(self.facts(&served), served.limit_of_user())
        {
            Ok(entry) => entry,
            Err(TooManyOfUser { limit }) => {
                let error = refusal::too_many_of_user(&self.user(), limit);
                let refused = self.refuse(&mut stream, &error, "user has enough clients");
                return Err(refused.await);
            }
        };
        let capabilities = self.handshake.capabilities();
        let login = self.handshake.login();
        let collation = login.map_or(GREETING_COLLATION, |login| login.collation);
        let flavor = served.pool.connector().flavor();
        if let Some(error) = refusal::unfit_collation(collation, flavor) {
            return Err(self.refuse(&mut stream, &error, "character set").await);
        }
        let database = login.and_then(|login| login.database.clone());
        let home = Home::new(&served, capabilities, database, collation);
        let limit = self.shared.config.login_timeout;
        let refused = served.refused_database(home.database.as_deref(), limit);
        if let Some(error) = Box::pin(refused).await {
            return Err(self.refuse(&mut stream, &error, "unknown database").await);
        }
        let ok = home.greeting(&served, capabilities);
        self.handshake.accept(&ok, &mut self.output);
        self.flush(&mut stream).await?;
        let (stream, input) = self.compressed(stream, capabilities);
        Ok(Session {
            shared: Arc::clone(self.shared),
            downstream: Downstream::new(stream, input, capabilities, &entry),
            id: entry.id,
            resets: 0,
            nonce: self.nonce,
            registered: Registered::new(self.place, entry),
            response: None,
            writes_alone: false,
            shown: None,
            profile: Arc::new(home.profile(&served, capabilities)),
            state: served.pool.connector().states().share(home.state()),
            forces_escapes: false,
            is_status_sure: false,
            are_names_sure: true,
            writes_anything: false,
            calling: Calling::default(),
            defining: None,
            filling: None,
            at_once: AtOnce::default(),
            logins: Logins::default(),
            followed_since: None,
            lock_answer: None,
            in_flight: None,
            under_lock: UnderLock::default(),
            uncommitted: Uncommitted::default(),
            generation: served.pool.generation(),
            status: served.pool.connector().login_status(),
            home,
            served,
            held: None,
            pins: Pins::default(),
            statements: Statements::default(),
            previous: Previous::none(),
            insert_id: Some(0),
        })
    }

    /// The stream after the login, and what the client has sent ahead. Both are compressed from
    /// here on, if that was agreed on.
    fn compressed(
        &mut self,
        stream: BoxStream,
        capabilities: Capabilities,
    ) -> (BoxStream, BytesMut) {
        let input = std::mem::take(&mut self.input);
        let zstd_level = self.handshake.login().map_or(0, |login| login.zstd_level);
        match Algorithm::negotiated(capabilities, zstd_level) {
            None => (stream, input),
            Some(algorithm) => {
                let stream = Compressed::new(stream, input, algorithm);
                (Box::new(stream), BytesMut::new())
            }
        }
    }
}

/// A client's name for itself, of its connection attributes.
pub(super) fn program(attributes: &[(String, String)]) -> Box<str> {
    let of = |wanted| {
        let mut attributes = attributes.iter();
        attributes.find_map(|(name, value)| (name == wanted).then_some(value))
    };
    let program = of("program_name").or_else(|| of("_client_name"));
    program
        .map(|program| program.chars().take(MAX_PROGRAM).collect::<String>())
        .unwrap_or_default()
        .into()
}

/// Random bytes for the client to mix with its password: printable ASCII, since clients read them
/// as a string that ends with a NUL.
pub(super) fn nonce() -> [u8; NONCE_LEN] {
    const FIRST: u8 = b'!';
    const COUNT: u8 = b'~' - b'!' + 1;
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).expect("aws-lc fails to draw randomness only by aborting the process");
    nonce.map(|byte| FIRST + byte % COUNT)
}
