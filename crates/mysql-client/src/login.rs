//! The login itself: moves the handshake's bytes, does TLS and RSA when it asks for them.

use std::io;

use bytes::BytesMut;
use mysql_proto::{Capabilities, ClientConfig, ClientEvent, ClientHandshake, StatusFlags};
use net::BoxStream;
use net::tls::ClientTls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::LoginError;
use crate::rsa;

/// What is read at a time; a greeting and an OK fit several times.
const BUFFER: usize = 1024;

/// A connection that is logged in, between two commands.
#[derive(Debug)]
pub struct LoggedIn {
    /// The stream, with TLS where it was asked for.
    pub stream: BoxStream,
    /// The capabilities in force.
    pub capabilities: Capabilities,
    /// What the server offered in its greeting, wanted or not.
    pub offered: Capabilities,
    /// The session after the login: the server's defaults show here.
    pub status: StatusFlags,
    /// The version in the server's greeting.
    pub server_version: String,
    /// The server's default collation, as its greeting says.
    pub server_collation: u8,
    /// The connection's id at the server, for `KILL`.
    pub connection_id: u32,
}

/// Logs in over `stream`. `tls` is used when `config` asks for it.
///
/// Has no timeout of its own; dropping the future closes the stream.
pub async fn log_in(
    stream: BoxStream,
    config: ClientConfig,
    tls: Option<&ClientTls>,
) -> Result<LoggedIn, LoginError> {
    let mut login = Login {
        stream,
        handshake: ClientHandshake::new(config),
        input: BytesMut::with_capacity(BUFFER),
        output: Vec::new(),
    };
    loop {
        match login.handshake.input(&mut login.input, &mut login.output)? {
            ClientEvent::NeedInput => {
                login.flush().await?;
                login.read().await?;
            }
            ClientEvent::StartTls => {
                login.flush().await?;
                if let Some(tls) = tls {
                    login.stream = tls.connect(login.stream).await?;
                }
                login.handshake.tls_established(&mut login.output);
            }
            ClientEvent::EncryptPassword {
                public_key_pem,
                message,
            } => {
                let encrypted = rsa::encrypt(&public_key_pem, &message)?;
                login
                    .handshake
                    .encrypted_password(encrypted, &mut login.output);
            }
            ClientEvent::Done(ok) => return Ok(login.finish(ok.status)),
            ClientEvent::Refused(error) => return Err(LoginError::Refused(error)),
        }
    }
}

/// A login in progress.
struct Login {
    stream: BoxStream,
    handshake: ClientHandshake,
    input: BytesMut,
    output: Vec<u8>,
}

impl Login {
    async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.output).await?;
        self.stream.flush().await?;
        self.output.clear();
        Ok(())
    }

    async fn read(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.input).await? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            ));
        }
        Ok(())
    }

    fn finish(self, status: StatusFlags) -> LoggedIn {
        let greeting = self.handshake.greeting();
        LoggedIn {
            status,
            capabilities: self.handshake.capabilities(),
            offered: greeting.map_or(Capabilities::empty(), |greeting| greeting.capabilities),
            server_version: greeting
                .map(|greeting| greeting.server_version.clone())
                .unwrap_or_default(),
            server_collation: greeting.map_or(0, |greeting| greeting.collation),
            connection_id: greeting.map_or(0, |greeting| greeting.connection_id),
            stream: self.stream,
        }
    }
}
