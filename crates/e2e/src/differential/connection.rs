//! A client that hides nothing: it logs in, sends commands, and takes packets as they are.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use mysql_client::{LoginError, log_in};
use mysql_proto::{
    Capabilities, ClientConfig, Command, ErrPacket, Greeting, HEADER_LEN, MAX_PAYLOAD, NONCE_LEN,
    PacketHeader, PacketReader, write_command, write_packet,
};
use net::{BoxStream, Rewind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::reply::{CLOSED, Reply, Status};
use super::step::Login;
use crate::Endpoint;

/// Longer than any lock or queue of a working path makes anybody wait.
const PATIENCE: Duration = Duration::from_secs(40);

/// The longest reply of any program is far below.
const PACKET_LIMIT: usize = 64 * 1024 * 1024;

/// What every login asks for; the rest is the program's.
const ALWAYS: Capabilities = Capabilities::LONG_PASSWORD
    .union(Capabilities::LONG_FLAG)
    .union(Capabilities::PROTOCOL_41)
    .union(Capabilities::TRANSACTIONS)
    .union(Capabilities::SECURE_CONNECTION)
    .union(Capabilities::MULTI_RESULTS)
    .union(Capabilities::PS_MULTI_RESULTS)
    .union(Capabilities::PLUGIN_AUTH)
    .union(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA);

/// What the edge offers although its origin may not. MariaDB leaves `LONG_PASSWORD` out to say that
/// it has capabilities of its own; TiDB the others, of which nothing is seen after the login.
const OF_THE_SERVER: Capabilities = Capabilities::LONG_PASSWORD
    .union(Capabilities::IGNORE_SPACE)
    .union(Capabilities::PS_MULTI_RESULTS)
    .union(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA);

/// A connection that is logged in.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BoxStream,
    input: BytesMut,
    reader: PacketReader,
    /// Of the next packet that the server sends.
    sequence_id: u8,
    pub(super) capabilities: Capabilities,
    /// The id in the greeting.
    pub(super) id: u32,
    pub(super) nonce: [u8; NONCE_LEN],
}

impl Connection {
    /// Logs in. The reply says how that went; there is a connection only where it went well.
    pub(super) async fn open(endpoint: &Endpoint, login: &Login) -> (Option<Self>, Reply) {
        match tokio::time::timeout(PATIENCE, Self::log_in(endpoint, login)).await {
            Ok(Ok((connection, status))) => {
                let noticed = connection.capabilities.difference(OF_THE_SERVER);
                let reply = Reply::LoggedIn(noticed, status);
                (Some(connection), reply)
            }
            Ok(Err(error)) => match error.downcast::<Refused>() {
                Ok(Refused(packet)) => (None, Reply::Error(packet)),
                Err(error) => (None, Reply::lost(&error)),
            },
            Err(_) => (None, Reply::Lost("no answer to the login".to_owned())),
        }
    }

    async fn log_in(endpoint: &Endpoint, login: &Login) -> Result<(Self, Status)> {
        let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port)).await?;
        stream.set_nodelay(true)?;
        let (greeting, read) = greeting(&mut stream).await?;
        let config = ClientConfig {
            user: endpoint.user.clone(),
            password: endpoint.password.clone().into_bytes(),
            database: login.database.clone(),
            collation: login.collation,
            capabilities: ALWAYS | Capabilities::from_bits_retain(login.capabilities),
            attributes: Vec::new(),
            tls: false,
            transport_is_private: true,
        };
        let stream = Box::new(Rewind::new(read, stream));
        let logged_in = match log_in(stream, config, None).await {
            Ok(logged_in) => logged_in,
            Err(LoginError::Refused(packet)) => bail!(Refused(packet)),
            Err(error) => return Err(error.into()),
        };
        let connection = Self {
            stream: logged_in.stream,
            input: BytesMut::new(),
            reader: PacketReader::new(PACKET_LIMIT),
            sequence_id: 0,
            capabilities: logged_in.capabilities,
            id: greeting.connection_id,
            nonce: greeting.nonce,
        };
        Ok((connection, Status(logged_in.status)))
    }

    /// Sends a command.
    pub(super) async fn send(&mut self, command: Command, argument: &[u8]) -> Result<()> {
        let mut packet = Vec::with_capacity(argument.len() + HEADER_LEN + 1);
        write_command(&mut packet, command, argument);
        self.stream.write_all(&packet).await?;
        self.stream.flush().await?;
        let parts = u8::try_from((argument.len() + 1) / MAX_PAYLOAD)?;
        self.sequence_id = parts + 1;
        Ok(())
    }

    /// Sends what is neither a command nor its continuation: an answer to a question of the server.
    pub(super) async fn answer(&mut self, payload: &[u8]) -> Result<()> {
        let mut packet = Vec::new();
        write_packet(&mut packet, &mut self.sequence_id, payload);
        self.stream.write_all(&packet).await?;
        Ok(self.stream.flush().await?)
    }

    /// The next packet of a reply, which has to have the next sequence id.
    pub(super) async fn packet(&mut self) -> Result<Bytes> {
        loop {
            if let Some(packet) = self.reader.next(&mut self.input)? {
                let parts = u8::try_from(packet.payload.len() / MAX_PAYLOAD)?;
                let expected = self.sequence_id.wrapping_add(parts);
                ensure!(
                    packet.sequence_id == expected,
                    "packet {} came where {expected} was due",
                    packet.sequence_id
                );
                self.sequence_id = expected.wrapping_add(1);
                return Ok(packet.payload);
            }
            let read = self.stream.read_buf(&mut self.input);
            let count = tokio::time::timeout(PATIENCE, read)
                .await
                .with_context(|| format!("nothing came for {} s", PATIENCE.as_secs()))??;
            ensure!(count > 0, CLOSED);
        }
    }

    /// Waits for the first bytes of a reply, and takes nothing of it.
    pub(super) async fn begin_reply(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.input);
        let count = tokio::time::timeout(PATIENCE, read).await??;
        ensure!(count > 0, CLOSED);
        Ok(())
    }

    /// Bytes that came without being asked for, between two commands.
    pub(super) fn is_idle(&self) -> bool {
        self.input.is_empty()
    }

    /// Leaves with a word, and waits until the server has closed.
    pub(super) async fn quit(mut self) -> Result<()> {
        self.send(Command::QUIT, &[]).await?;
        let mut rest = [0; 64];
        while tokio::time::timeout(PATIENCE, self.stream.read(&mut rest)).await?? > 0 {}
        Ok(())
    }
}

/// The greeting, and the bytes that it was read from.
async fn greeting(stream: &mut TcpStream) -> Result<(Greeting, Bytes)> {
    let mut bytes = BytesMut::new();
    loop {
        if let Some(header) = PacketHeader::decode(&bytes)
            && let Some(payload) = bytes.get(HEADER_LEN..HEADER_LEN + header.payload_len)
        {
            if payload.first() == Some(&ErrPacket::HEADER) {
                bail!(Refused(ErrPacket::decode(payload)?));
            }
            return Ok((Greeting::decode(payload)?, bytes.freeze()));
        }
        ensure!(
            stream.read_buf(&mut bytes).await? > 0,
            "closed before the greeting"
        );
    }
}

/// A login that was refused.
#[derive(Debug)]
struct Refused(ErrPacket);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Refused {}
