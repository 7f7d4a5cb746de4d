//! A client that takes bytes as they are, to compare those of two servers.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use e2e::Endpoint;
use mysql_client::log_in;
use mysql_proto::{
    AuthSwitchRequest, Capabilities, ChangeUserRequest, ClientConfig, Command, ErrPacket, Greeting,
    HEADER_LEN, MAX_PAYLOAD, NONCE_LEN, OkPacket, PacketHeader, PacketReader, ResponseState,
    ResponseTracker, caching_sha2, native_password, write_command, write_packet,
};
use net::{BoxStream, Rewind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than anything that a working path makes anybody wait for.
const PATIENCE: Duration = Duration::from_secs(60);

/// `utf8mb4_general_ci`.
pub(crate) const COLLATION: u8 = 45;

/// Asks for another answer amid `COM_CHANGE_USER`.
const AUTH_SWITCH: u8 = 0xFE;
const AUTH_MORE_DATA: u8 = 0x01;

/// What the statement `LOAD DATA LOCAL INFILE` is given, whatever file it names.
const FILE: &[u8] = b"1\tone\n2\ttwo\n";

/// A connection that is logged in.
pub(crate) struct Wire {
    stream: BoxStream,
    nonce: [u8; NONCE_LEN],
    pub(crate) capabilities: Capabilities,
    pub(crate) id: u32,
}

impl Wire {
    /// Logs in with these capabilities beside the usual ones.
    pub(crate) async fn open(endpoint: &Endpoint, capabilities: Capabilities) -> Result<Self> {
        Self::open_in(endpoint, capabilities, COLLATION).await
    }

    /// The same with this collation.
    pub(crate) async fn open_in(
        endpoint: &Endpoint,
        capabilities: Capabilities,
        collation: u8,
    ) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", endpoint.port)).await?;
        let (greeting, read) = greeting(&mut stream).await?;
        // Whoever leaves it out means MariaDB's own capabilities.
        let is_common = u32::try_from(capabilities.bits()).is_ok();
        let long_password = is_common.then_some(Capabilities::LONG_PASSWORD);
        let config = ClientConfig {
            user: endpoint.user.clone(),
            password: endpoint.password.clone().into_bytes(),
            database: Some(endpoint.database.clone()),
            collation,
            capabilities: capabilities
                | long_password.unwrap_or_default()
                | Capabilities::LONG_FLAG
                | Capabilities::PROTOCOL_41
                | Capabilities::TRANSACTIONS
                | Capabilities::MULTI_RESULTS
                | Capabilities::PS_MULTI_RESULTS
                | Capabilities::PLUGIN_AUTH,
            attributes: Vec::new(),
            tls: false,
            transport_is_private: true,
        };
        let logged_in = log_in(Box::new(Rewind::new(read, stream)), config, None).await?;
        Ok(Self {
            stream: logged_in.stream,
            nonce: greeting.nonce,
            capabilities: logged_in.capabilities,
            id: greeting.connection_id,
        })
    }

    /// Sends a command and takes its whole response, as it came.
    pub(crate) async fn ask(&mut self, command: Command, argument: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        write_command(&mut bytes, command, argument);
        self.send(&bytes).await?;
        let mut tracker = ResponseTracker::new(command, self.capabilities);
        let mut response = Vec::new();
        let mut part = vec![0; 1 << 16];
        loop {
            let count = timeout(PATIENCE, self.stream.read(&mut part)).await??;
            ensure!(count > 0, "closed amid a response");
            response.extend_from_slice(&part[..count]);
            match tracker.feed(&part[..count])?.state {
                ResponseState::Done => return Ok(response),
                ResponseState::Incomplete => {}
                ResponseState::AwaitLocalInfile => {
                    let mut next = tracker.next_sequence_id().context("amid a packet")?;
                    let mut file = Vec::new();
                    write_packet(&mut file, &mut next, FILE);
                    write_packet(&mut file, &mut next, &[]);
                    self.send(&file).await?;
                }
            }
        }
    }

    /// Sends what may be no command at all, and takes what comes back first.
    pub(crate) async fn ask_raw(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.send(bytes).await?;
        let mut part = vec![0; 1 << 10];
        let count = timeout(PATIENCE, self.stream.read(&mut part)).await??;
        part.truncate(count);
        Ok(part)
    }

    /// Runs a statement; without query attributes, where there is room for them.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Vec<u8>> {
        self.query_with(sql, &[]).await
    }

    /// Sends a command, and does not wait for its response.
    pub(crate) async fn send_only(&mut self, command: Command, argument: &[u8]) -> Result<()> {
        let mut packet = Vec::new();
        write_command(&mut packet, command, argument);
        self.send(&packet).await
    }

    /// Sends a `LOAD DATA LOCAL`, and waits until it is asked for the file.
    pub(crate) async fn begin_load(&mut self, sql: &str) -> Result<()> {
        const ASKS_FOR_FILE: u8 = 0xFB;
        self.send_only(Command::QUERY, sql.as_bytes()).await?;
        let mut told = [0; HEADER_LEN + 1];
        timeout(PATIENCE, self.stream.read_exact(&mut told)).await??;
        ensure!(told[HEADER_LEN] == ASKS_FOR_FILE, "{told:?}");
        Ok(())
    }

    /// Waits until the other side ends.
    pub(crate) async fn end(&mut self) -> Result<()> {
        let mut told = Vec::new();
        timeout(PATIENCE, self.stream.read_to_end(&mut told)).await??;
        Ok(())
    }

    /// Sends these queries at once, ends its direction, and waits for the other's end.
    pub(crate) async fn send_and_end(&mut self, texts: &[&str]) -> Result<()> {
        let mut packets = Vec::new();
        for sql in texts {
            write_command(&mut packets, Command::QUERY, sql.as_bytes());
        }
        self.stream.write_all(&packets).await?;
        self.stream.shutdown().await?;
        self.end().await
    }

    /// Runs a statement that may not be UTF-8.
    pub(crate) async fn query_bytes(&mut self, sql: &[u8]) -> Result<Vec<u8>> {
        ensure!(!self.has_attributes(), "nothing is in front of it");
        self.ask(Command::QUERY, sql).await
    }

    /// Runs a statement with these query attributes, where there is room for them.
    pub(crate) async fn query_with(
        &mut self,
        sql: &str,
        attributes: &[(&str, &str)],
    ) -> Result<Vec<u8>> {
        let mut argument = Vec::new();
        if self.has_attributes() {
            argument.extend([u8::try_from(attributes.len())?, 1]);
            if !attributes.is_empty() {
                put_parameters(&mut argument, &[], attributes, true)?;
            }
        }
        argument.extend_from_slice(sql.as_bytes());
        self.ask(Command::QUERY, &argument).await
    }

    /// Prepares a statement. Gives its id, and the response with 0 in that id's place.
    pub(crate) async fn prepare(&mut self, sql: &str) -> Result<(u32, Vec<u8>)> {
        let mut response = self.ask(Command::STMT_PREPARE, sql.as_bytes()).await?;
        let place = response.get_mut(HEADER_LEN..).context("a short response")?;
        if place.first() != Some(&OkPacket::HEADER) {
            bail!("not prepared: {response:?}");
        }
        let id = place.get_mut(1..5).context("a short response")?;
        let number = u32::from_le_bytes(id.try_into()?);
        id.fill(0);
        Ok((number, response))
    }

    /// Executes a statement with strings for parameters, and query attributes where there is room.
    pub(crate) async fn execute(
        &mut self,
        id: u32,
        parameters: &[&[u8]],
        attributes: &[(&str, &str)],
    ) -> Result<Vec<u8>> {
        const PARAMETER_COUNT_AVAILABLE: u8 = 8;
        let has_attributes = self.has_attributes();
        let attributes = if has_attributes { attributes } else { &[] };
        let count = parameters.len() + attributes.len();
        let mut argument = id.to_le_bytes().to_vec();
        let flags = if attributes.is_empty() {
            0
        } else {
            PARAMETER_COUNT_AVAILABLE
        };
        argument.extend([flags, 1, 0, 0, 0]);
        if has_attributes && count > 0 {
            argument.push(u8::try_from(count)?);
        }
        if count > 0 {
            put_parameters(&mut argument, parameters, attributes, has_attributes)?;
        }
        self.ask(Command::STMT_EXECUTE, &argument).await
    }

    /// `COM_CHANGE_USER`. The server's last word.
    pub(crate) async fn change_user(
        &mut self,
        endpoint: &Endpoint,
        password: &str,
    ) -> Result<Bytes> {
        let password = password.as_bytes();
        let request = ChangeUserRequest {
            user: endpoint.user.clone(),
            auth_response: native_password::scramble(password, &self.nonce),
            database: Some(endpoint.database.clone()),
            collation: Some(COLLATION.into()),
            auth_plugin: Some(native_password::NAME.to_owned()),
            connect_attributes: Vec::new(),
        };
        let mut payload = Vec::new();
        request.encode(&mut payload, self.capabilities);
        let mut packet = Vec::new();
        write_packet(&mut packet, &mut 0, &payload);
        self.send(&packet).await?;
        let mut reader = PacketReader::new(MAX_PAYLOAD);
        let mut input = BytesMut::new();
        loop {
            let Some(packet) = reader.next(&mut input)? else {
                let count = timeout(PATIENCE, self.stream.read_buf(&mut input)).await??;
                ensure!(count > 0, "closed amid a change of user");
                continue;
            };
            match packet.payload.first() {
                Some(&AUTH_SWITCH) => {
                    let switch = AuthSwitchRequest::decode(&packet.payload)?;
                    let nonce = switch.nonce().context("no nonce")?;
                    let answer = if switch.plugin == native_password::NAME {
                        native_password::scramble(password, &nonce)
                    } else {
                        caching_sha2::scramble(password, &nonce)
                    };
                    let mut bytes = Vec::new();
                    write_packet(&mut bytes, &mut packet.sequence_id.wrapping_add(1), &answer);
                    self.send(&bytes).await?;
                }
                Some(&AUTH_MORE_DATA) => {}
                _ => return Ok(packet.payload),
            }
        }
    }

    /// Waits until the server has closed, and gives what it said before. (MariaDB resets the
    /// connection of a client that said nothing for too long.)
    pub(crate) async fn closed(mut self) -> Result<Vec<u8>> {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await?;
        match read {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error.into()),
            _ => Ok(rest),
        }
    }

    fn has_attributes(&self) -> bool {
        let attributes = Capabilities::QUERY_ATTRIBUTES;
        self.capabilities.contains(attributes)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await??;
        Ok(self.stream.flush().await?)
    }
}

/// The error that a response is.
pub(crate) fn error_of(response: &[u8]) -> Result<ErrPacket> {
    let payload = response.get(HEADER_LEN..).context("a short response")?;
    Ok(ErrPacket::decode(payload)?)
}

/// Appends parameters and attributes, all strings, as a block; with names where `named`.
fn put_parameters(
    out: &mut Vec<u8>,
    parameters: &[&[u8]],
    attributes: &[(&str, &str)],
    named: bool,
) -> Result<()> {
    const STRING: [u8; 2] = [0xFD, 0];
    let count = parameters.len() + attributes.len();
    out.resize(out.len() + count.div_ceil(8), 0);
    out.push(1); // the types follow
    let unnamed = parameters.iter().map(|_| "");
    for name in unnamed.chain(attributes.iter().map(|(name, _)| *name)) {
        out.extend(STRING);
        if named {
            put_string(out, name.as_bytes())?;
        }
    }
    let values = attributes.iter().map(|(_, value)| value.as_bytes());
    for value in parameters.iter().copied().chain(values) {
        put_string(out, value)?;
    }
    Ok(())
}

fn put_string(out: &mut Vec<u8>, value: &[u8]) -> Result<()> {
    match u8::try_from(value.len()) {
        Ok(len) if len < 0xFB => out.push(len),
        _ => {
            out.push(0xFE);
            out.extend(u64::try_from(value.len())?.to_le_bytes());
        }
    }
    out.extend_from_slice(value);
    Ok(())
}

/// The greeting, and the bytes that it was read from.
async fn greeting(stream: &mut TcpStream) -> Result<(Greeting, Bytes)> {
    let mut bytes = BytesMut::new();
    loop {
        if let Some(header) = PacketHeader::decode(&bytes)
            && let Some(payload) = bytes.get(HEADER_LEN..HEADER_LEN + header.payload_len)
        {
            return Ok((Greeting::decode(payload)?, bytes.freeze()));
        }
        let count = timeout(PATIENCE, stream.read_buf(&mut bytes)).await??;
        ensure!(count > 0, "closed before the greeting");
    }
}
