//! Opens connections to one origin: dial, TLS, log in.

use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use conn_pool::Connect;
use domain::{ExposeSecret, Origin, OriginTls};
use mysql_proto::{Capabilities, ClientConfig, ClientEvent, ClientHandshake};
use net::tls::ClientTls;
use net::{BoxStream, Dial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::debug;

use super::{OriginConn, rsa};
use crate::error::OriginError;
use crate::profile::Profile;

/// What a login reads at a time; a greeting and an OK fit several times.
const LOGIN_BUFFER: usize = 1024;

/// Opens connections to one origin.
#[derive(Debug)]
pub struct OriginConnector {
    origin: Origin,
    dial: Arc<dyn Dial>,
    tls: Option<ClientTls>,
    server_version: OnceLock<String>,
}

impl OriginConnector {
    /// Makes a connector; fails when the origin's TLS settings cannot work.
    pub fn new(origin: Origin, dial: Arc<dyn Dial>) -> Result<Self, OriginError> {
        let tls = ClientTls::new(&origin.tls, &origin.address.host)?;
        Ok(Self {
            origin,
            dial,
            tls,
            server_version: OnceLock::new(),
        })
    }

    /// The origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The version that the origin gave in its greeting, once there has been one.
    pub fn server_version(&self) -> Option<&str> {
        self.server_version.get().map(String::as_str)
    }

    /// Opens a connection and logs in. Has no timeout of its own.
    pub async fn open(&self, profile: &Profile) -> Result<OriginConn, OriginError> {
        let stream = self
            .dial
            .dial(self.origin.via, &self.origin.address)
            .await?;
        let conn = Login::new(self, profile, stream).run().await?;
        debug!(origin = %self.origin.address, "Opened an origin connection");
        Ok(conn)
    }

    fn client_config(&self, profile: &Profile) -> ClientConfig {
        ClientConfig {
            user: self.origin.user.clone(),
            password: self.origin.password.expose_secret().as_bytes().to_vec(),
            database: profile.database.clone(),
            collation: profile.collation,
            capabilities: profile.wanted(),
            attributes: vec![
                ("_client_name".to_owned(), "tidegate".to_owned()),
                (
                    "_client_version".to_owned(),
                    env!("CARGO_PKG_VERSION").to_owned(),
                ),
                ("program_name".to_owned(), "tidegate".to_owned()),
            ],
            tls: self.tls.is_some(),
            // Without TLS only what the configuration calls private is dialled: loopback, or an
            // origin behind a tunnel, whose flow is encrypted up to the connector.
            transport_is_private: self.origin.tls == OriginTls::Disabled,
        }
    }
}

impl Connect for OriginConnector {
    type Key = Arc<Profile>;
    type Conn = OriginConn;
    type Error = OriginError;

    async fn connect(&self, profile: &Arc<Profile>) -> Result<OriginConn, OriginError> {
        self.open(profile).await
    }

    fn is_alive(&self, conn: &mut OriginConn) -> bool {
        conn.is_usable()
    }

    fn close(&self, conn: OriginConn) {
        conn.quit();
    }
}

/// A login in progress.
struct Login<'a> {
    connector: &'a OriginConnector,
    profile: &'a Profile,
    stream: BoxStream,
    handshake: ClientHandshake,
    input: BytesMut,
    output: Vec<u8>,
}

impl<'a> Login<'a> {
    fn new(connector: &'a OriginConnector, profile: &'a Profile, stream: BoxStream) -> Self {
        Self {
            connector,
            profile,
            stream,
            handshake: ClientHandshake::new(connector.client_config(profile)),
            input: BytesMut::with_capacity(LOGIN_BUFFER),
            output: Vec::new(),
        }
    }

    async fn run(mut self) -> Result<OriginConn, OriginError> {
        loop {
            let event = self.handshake.input(&mut self.input, &mut self.output)?;
            match event {
                ClientEvent::NeedInput => {
                    self.flush().await?;
                    self.read().await?;
                }
                ClientEvent::StartTls => {
                    self.flush().await?;
                    self = self.secure().await?;
                }
                ClientEvent::EncryptPassword {
                    public_key_pem,
                    message,
                } => {
                    let encrypted = rsa::encrypt(&public_key_pem, &message)?;
                    self.handshake
                        .encrypted_password(encrypted, &mut self.output);
                }
                ClientEvent::Done(_) => return self.finish(),
                ClientEvent::Refused(error) => return Err(OriginError::Refused(error)),
            }
        }
    }

    async fn flush(&mut self) -> Result<(), OriginError> {
        self.stream.write_all(&self.output).await?;
        self.stream.flush().await?;
        self.output.clear();
        Ok(())
    }

    async fn read(&mut self) -> Result<(), OriginError> {
        if self.stream.read_buf(&mut self.input).await? == 0 {
            let error = std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "the origin closed the connection",
            );
            return Err(error.into());
        }
        Ok(())
    }

    async fn secure(mut self) -> Result<Self, OriginError> {
        if let Some(tls) = &self.connector.tls {
            self.stream = tls.connect(self.stream).await?;
        }
        self.handshake.tls_established(&mut self.output);
        Ok(self)
    }

    fn finish(self) -> Result<OriginConn, OriginError> {
        let capabilities = self.handshake.capabilities();
        if self
            .profile
            .capabilities
            .contains(Capabilities::DEPRECATE_EOF)
            && !capabilities.contains(Capabilities::DEPRECATE_EOF)
        {
            return Err(OriginError::MissingCapability("CLIENT_DEPRECATE_EOF"));
        }
        if let Some(greeting) = self.handshake.greeting() {
            self.connector
                .server_version
                .get_or_init(|| greeting.server_version.clone());
        }
        Ok(OriginConn::new(self.stream, capabilities))
    }
}
