//! One connection: login, then packets to the session's thread and its chunks back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use domain::ExposeSecret;
use mysql_proto::{
    AuthPlugin, Capabilities, Command, DecodeError, ErrPacket, HandshakeError, NONCE_LEN, OkPacket,
    Packet, PacketReader, ServerConfig, ServerEvent, ServerHandshake, StatusFlags,
};
use net::Draining;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::SERVER_VERSION;
use crate::origin::Shared;
use crate::session::{Login, MAX_PACKET, Session, SessionError};

/// A client that has not logged in after this long is cut. As MySQL's `connect_timeout`.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that says nothing for this long is cut: what `@@wait_timeout` says.
const IDLE_TIMEOUT: Duration = Duration::from_secs(28_800);

/// Bytes that are read ahead while a command is answered: a client that pipelines more has to wait.
const READ_AHEAD: usize = 64 * 1024;

/// `utf8mb4_general_ci`.
const COLLATION: u8 = 45;

/// What a client may use. No TLS: the demo origin listens on loopback only.
const CAPABILITIES: Capabilities = Capabilities::LONG_PASSWORD
    .union(Capabilities::FOUND_ROWS)
    .union(Capabilities::LONG_FLAG)
    .union(Capabilities::CONNECT_WITH_DB)
    .union(Capabilities::IGNORE_SPACE)
    .union(Capabilities::PROTOCOL_41)
    .union(Capabilities::INTERACTIVE)
    .union(Capabilities::TRANSACTIONS)
    .union(Capabilities::SECURE_CONNECTION)
    .union(Capabilities::MULTI_RESULTS)
    .union(Capabilities::PS_MULTI_RESULTS)
    .union(Capabilities::PLUGIN_AUTH)
    .union(Capabilities::CONNECT_ATTRS)
    .union(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(Capabilities::DEPRECATE_EOF);

/// Why a connection ended before its client said good-bye.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error(transparent)]
    Packet(#[from] DecodeError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("client was silent for too long")]
    Silent,
    #[error("client has gone")]
    Gone,
    #[error("login was refused")]
    Refused,
    #[error("no random numbers")]
    NoRandom,
}

/// Serves one client until it leaves or the drain begins.
pub(crate) async fn serve(stream: TcpStream, id: u32, shared: Arc<Shared>, draining: Draining) {
    if let Err(reason) = talk(stream, id, shared, draining).await {
        tracing::debug!(connection = id, %reason, "demo origin ends a connection");
    }
}

async fn talk(
    stream: TcpStream,
    id: u32,
    shared: Arc<Shared>,
    draining: Draining,
) -> Result<(), Ended> {
    net::prepare(&stream)?;
    let mut client = Client {
        stream,
        input: BytesMut::new(),
    };
    let login = tokio::time::timeout(LOGIN_TIMEOUT, client.log_in(id, &shared))
        .await
        .map_err(|_| Ended::Silent)??;
    let mut session = Session::start(shared, login).await?;
    let mut packets = PacketReader::new(MAX_PACKET);
    loop {
        let packet = tokio::select! {
            biased;
            () = draining.started() => return Ok(()),
            packet = client.packet(&mut packets) => packet?,
        };
        let command = packet.payload.first().copied().map(Command);
        if command == Some(Command::QUIT) {
            return Ok(());
        }
        session.ask(packet).await?;
        client.relay(&mut session).await?;
    }
}

/// The client's end of a connection.
struct Client {
    stream: TcpStream,
    input: BytesMut,
}

impl Client {
    async fn log_in(&mut self, id: u32, shared: &Shared) -> Result<Login, Ended> {
        let mut handshake = ServerHandshake::new(ServerConfig {
            server_version: SERVER_VERSION.to_owned(),
            connection_id: id,
            nonce: nonce()?,
            capabilities: CAPABILITIES,
            collation: COLLATION,
            default_plugin: AuthPlugin::NativePassword,
        });
        let mut out = Vec::new();
        handshake.greeting(&mut out);
        let mut event = ServerEvent::NeedInput;
        loop {
            match event {
                ServerEvent::NeedInput => {
                    self.send(&mut out).await?;
                    self.read().await?;
                    event = handshake.input(&mut self.input, &mut out)?;
                }
                ServerEvent::Identify => {
                    let user = handshake.login().map(|login| login.user.as_str());
                    let password = (user == Some(shared.config.user.as_str()))
                        .then(|| shared.config.password.expose_secret().as_bytes());
                    event = handshake.authenticate(password, &mut out)?;
                }
                // TLS is not offered, so that it is not asked for either.
                ServerEvent::StartTls => return Err(HandshakeError::TlsNotOffered.into()),
                ServerEvent::Authenticated | ServerEvent::Denied => break,
            }
        }
        let judged = judge(&handshake, event, id, shared);
        match &judged {
            Ok(_) => handshake.accept(&greeting_ok(), &mut out),
            Err(error) => handshake.refuse(error, &mut out),
        }
        self.send(&mut out).await?;
        judged.map_err(|_| Ended::Refused)
    }

    async fn packet(&mut self, packets: &mut PacketReader) -> Result<Packet, Ended> {
        loop {
            if let Some(packet) = packets.next(&mut self.input)? {
                return Ok(packet);
            }
            tokio::time::timeout(IDLE_TIMEOUT, self.read())
                .await
                .map_err(|_| Ended::Silent)??;
        }
    }

    /// Sends the session's chunks on until the response is complete. Notices when the client leaves
    /// meanwhile: then the statement is interrupted, by dropping the session.
    async fn relay(&mut self, session: &mut Session) -> Result<(), Ended> {
        loop {
            tokio::select! {
                chunk = session.chunk() => {
                    let mut chunk = chunk?;
                    self.send(&mut chunk.bytes).await?;
                    if chunk.is_last {
                        return Ok(());
                    }
                }
                read = self.stream.read_buf(&mut self.input), if self.input.len() < READ_AHEAD => {
                    if read? == 0 {
                        return Err(Ended::Gone);
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> Result<(), Ended> {
        if self.stream.read_buf(&mut self.input).await? == 0 {
            return Err(Ended::Gone);
        }
        Ok(())
    }

    async fn send(&mut self, out: &mut Vec<u8>) -> Result<(), Ended> {
        self.stream.write_all(out).await?;
        out.clear();
        Ok(())
    }
}

/// Whether the client may come in.
fn judge(
    handshake: &ServerHandshake,
    event: ServerEvent,
    id: u32,
    shared: &Shared,
) -> Result<Login, ErrPacket> {
    let user = handshake.login().map_or("", |login| login.user.as_str());
    if event != ServerEvent::Authenticated {
        return Err(ErrPacket::new(
            1045,
            *b"28000",
            format!("Access denied for user '{user}': wrong user or password of the demo origin"),
        ));
    }
    let database = handshake
        .login()
        .and_then(|login| login.database.as_deref());
    if let Some(other) = database.filter(|name| *name != shared.config.database) {
        return Err(unknown_database(other, shared));
    }
    Ok(Login {
        connection_id: id,
        capabilities: handshake.capabilities(),
        has_database: database.is_some(),
    })
}

/// There is one database.
pub(crate) fn unknown_database(name: &str, shared: &Shared) -> ErrPacket {
    let only = &shared.config.database;
    ErrPacket::new(
        1049,
        *b"42000",
        format!("Unknown database '{name}': the demo origin has only '{only}'"),
    )
}

fn greeting_ok() -> OkPacket {
    OkPacket {
        status: StatusFlags::AUTOCOMMIT,
        ..OkPacket::default()
    }
}

/// 20 random bytes of 7 bits without NUL and `$`, which some clients stumble over.
fn nonce() -> Result<[u8; NONCE_LEN], Ended> {
    let mut nonce = [0; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| Ended::NoRandom)?;
    Ok(nonce.map(|byte| match byte & 0x7F {
        0 => 1,
        b'$' => b'%',
        byte => byte,
    }))
}
