//! A client for a million statements: text and prepared ones, whose results are whole numbers.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use mysql_client::log_in;
use mysql_proto::{
    Capabilities, ClientConfig, Command, EofPacket, ErrPacket, OkPacket, PacketReader, StatusFlags,
    write_command, write_packet,
};
use net::BoxStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Endpoint;

/// Longer than any lock, queue or held packet makes anybody wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// No answer is near it.
const PACKET_LIMIT: usize = 4 * 1024 * 1024;

/// Begins a request for a file of the client's.
const INFILE: u8 = 0xFB;

/// NULL in a row of the text protocol.
const NULL: u8 = 0xFB;

/// `utf8mb4_general_ci`.
const COLLATION: u8 = 45;

const CAPABILITIES: Capabilities = Capabilities::LONG_PASSWORD
    .union(Capabilities::LONG_FLAG)
    .union(Capabilities::PROTOCOL_41)
    .union(Capabilities::TRANSACTIONS)
    .union(Capabilities::SECURE_CONNECTION)
    .union(Capabilities::MULTI_STATEMENTS)
    .union(Capabilities::MULTI_RESULTS)
    .union(Capabilities::PS_MULTI_RESULTS)
    .union(Capabilities::PLUGIN_AUTH)
    .union(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(Capabilities::LOCAL_FILES)
    .union(Capabilities::DEPRECATE_EOF);

/// The rows of a result; what is no number is 0.
pub(super) type Rows = Vec<Vec<i64>>;

/// A connection that is logged in.
#[derive(Debug)]
pub(super) struct Client {
    stream: BoxStream,
    input: BytesMut,
    output: Vec<u8>,
    reader: PacketReader,
    prepared: HashMap<String, u32>,
}

/// A statement failed, and the connection is good.
#[derive(Debug)]
pub(super) struct Refused(pub(super) ErrPacket);

impl Client {
    /// Logs in.
    pub(super) async fn open(endpoint: &Endpoint, database: &str) -> Result<Self> {
        let opening = Self::log_in(endpoint, database);
        let opened = tokio::time::timeout(PATIENCE, opening).await;
        opened.context("no answer to the login")?
    }

    async fn log_in(endpoint: &Endpoint, database: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", endpoint.port)).await?;
        stream.set_nodelay(true)?;
        let config = ClientConfig {
            user: endpoint.user.clone(),
            password: endpoint.password.clone().into_bytes(),
            database: Some(database.to_owned()),
            collation: COLLATION,
            capabilities: CAPABILITIES,
            attributes: Vec::new(),
            tls: false,
            transport_is_private: true,
        };
        let logged_in = log_in(Box::new(stream), config, None).await?;
        ensure!(
            logged_in
                .capabilities
                .contains(Capabilities::DEPRECATE_EOF | Capabilities::LOCAL_FILES),
            "the server is too old for this test"
        );
        Ok(Self {
            stream: logged_in.stream,
            input: BytesMut::with_capacity(16 * 1024),
            output: Vec::with_capacity(1024),
            reader: PacketReader::new(PACKET_LIMIT),
            prepared: HashMap::new(),
        })
    }

    /// Runs a text of one or more statements; the rows are those of the last result that has some.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Rows> {
        let sending = self.run(Command::QUERY, sql.as_bytes(), b"");
        let sent = tokio::time::timeout(PATIENCE, sending).await;
        sent.with_context(|| format!("no answer: {sql}"))?
    }

    /// As [`Client::query`], and sends this content when the server asks for a file.
    pub(super) async fn load(&mut self, sql: &str, file: &[u8]) -> Result<Rows> {
        let sending = self.run(Command::QUERY, sql.as_bytes(), file);
        let sent = tokio::time::timeout(PATIENCE, sending).await;
        sent.with_context(|| format!("no answer: {sql}"))?
    }

    /// Runs a prepared statement, which is prepared when it is run first.
    pub(super) async fn execute(&mut self, sql: &str, values: &[i64]) -> Result<Rows> {
        let executing = self.run_prepared(sql, values);
        let executed = tokio::time::timeout(PATIENCE, executing).await;
        executed.with_context(|| format!("no answer: {sql}"))?
    }

    /// Sends a text without waiting for what comes of it, for a client that vanishes then.
    pub(super) async fn send_only(&mut self, sql: &str) -> Result<()> {
        self.send(Command::QUERY, sql.as_bytes()).await
    }

    async fn run_prepared(&mut self, sql: &str, values: &[i64]) -> Result<Rows> {
        let id = match self.prepared.get(sql) {
            Some(id) => *id,
            None => self.prepare(sql).await?,
        };
        let mut argument = Vec::with_capacity(64);
        argument.extend_from_slice(&id.to_le_bytes());
        argument.extend_from_slice(&[0, 1, 0, 0, 0]);
        if !values.is_empty() {
            argument.resize(argument.len() + values.len().div_ceil(8), 0);
            argument.push(1);
            for _ in values {
                argument.extend_from_slice(&[LONGLONG, 0]);
            }
            for value in values {
                argument.extend_from_slice(&value.to_le_bytes());
            }
        }
        self.run(Command::STMT_EXECUTE, &argument, b"").await
    }

    async fn prepare(&mut self, sql: &str) -> Result<u32> {
        self.send(Command::STMT_PREPARE, sql.as_bytes()).await?;
        let mut packet = self.packet().await?;
        refused(&packet)?;
        ensure!(packet.len() >= 9, "a short answer to a preparation");
        packet.advance(1);
        let id = packet.get_u32_le();
        let (columns, parameters) = (packet.get_u16_le(), packet.get_u16_le());
        for _ in 0..u32::from(columns) + u32::from(parameters) {
            self.packet().await?;
        }
        self.prepared.insert(sql.to_owned(), id);
        Ok(id)
    }

    async fn run(&mut self, command: Command, argument: &[u8], file: &[u8]) -> Result<Rows> {
        self.send(command, argument).await?;
        let mut rows = Vec::new();
        loop {
            let first = self.packet().await?;
            refused(&first)?;
            let status = match first.first() {
                Some(&OkPacket::HEADER) => OkPacket::decode(&first, CAPABILITIES)?.status,
                Some(&INFILE) => {
                    self.answer_with(file).await?;
                    continue;
                }
                _ => {
                    let is_binary = command == Command::STMT_EXECUTE;
                    let (status, result) = self.result(&first, is_binary).await?;
                    rows = result;
                    status
                }
            };
            if !status.contains(StatusFlags::MORE_RESULTS_EXISTS) {
                return Ok(rows);
            }
        }
    }

    async fn result(&mut self, first: &Bytes, is_binary: bool) -> Result<(StatusFlags, Rows)> {
        let columns = usize::from(*first.first().context("an empty packet")?);
        let mut types = Vec::with_capacity(columns);
        for _ in 0..columns {
            let definition = self.packet().await?;
            // The type is 6 bytes before the end: type, flags (2), decimals, filler (2).
            let at = definition.len().checked_sub(6).context("a short column")?;
            types.push(definition[at]);
        }
        let mut rows = Vec::new();
        loop {
            let packet = self.packet().await?;
            refused(&packet)?;
            if packet.first() == Some(&EofPacket::HEADER) {
                return Ok((OkPacket::decode(&packet, CAPABILITIES)?.status, rows));
            }
            rows.push(if is_binary {
                binary_row(packet, &types)?
            } else {
                text_row(packet, columns)?
            });
        }
    }

    async fn answer_with(&mut self, file: &[u8]) -> Result<()> {
        // The request was packet 1.
        let mut sequence_id = 2;
        self.output.clear();
        write_packet(&mut self.output, &mut sequence_id, file);
        write_packet(&mut self.output, &mut sequence_id, b"");
        self.flush().await
    }

    async fn send(&mut self, command: Command, argument: &[u8]) -> Result<()> {
        ensure!(
            self.input.is_empty(),
            "bytes came that nobody asked for: {:?}",
            self.input
        );
        self.output.clear();
        write_command(&mut self.output, command, argument);
        self.flush().await
    }

    async fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.output).await?;
        Ok(self.stream.flush().await?)
    }

    async fn packet(&mut self) -> Result<Bytes> {
        loop {
            if let Some(packet) = self.reader.next(&mut self.input)? {
                return Ok(packet.payload);
            }
            let count = self.stream.read_buf(&mut self.input).await?;
            ensure!(count > 0, "the connection was closed");
        }
    }
}

const LONG: u8 = 3;
const LONGLONG: u8 = 8;
const TINY: u8 = 1;
const SHORT: u8 = 2;

fn refused(packet: &Bytes) -> Result<()> {
    if packet.first() == Some(&ErrPacket::HEADER) {
        bail!(Refused(ErrPacket::decode(packet)?));
    }
    Ok(())
}

fn text_row(mut packet: Bytes, columns: usize) -> Result<Vec<i64>> {
    let mut row = Vec::with_capacity(columns);
    for _ in 0..columns {
        let value = match length(&mut packet)? {
            None => 0,
            Some(length) => {
                ensure!(packet.len() >= length, "a short row");
                let text = packet.split_to(length);
                let text = std::str::from_utf8(&text).ok();
                text.and_then(|text| text.parse().ok()).unwrap_or_default()
            }
        };
        row.push(value);
    }
    Ok(row)
}

/// The length of a value; `None` for NULL.
fn length(packet: &mut Bytes) -> Result<Option<usize>> {
    ensure!(packet.has_remaining(), "a short row");
    match packet.get_u8() {
        NULL => Ok(None),
        0xFC if packet.len() >= 2 => Ok(Some(usize::from(packet.get_u16_le()))),
        0xFD if packet.len() >= 3 => Ok(Some(usize::try_from(packet.get_uint_le(3))?)),
        length if length < NULL => Ok(Some(usize::from(length))),
        _ => bail!("a value that is too long"),
    }
}

fn binary_row(mut packet: Bytes, types: &[u8]) -> Result<Vec<i64>> {
    let nulls = (types.len() + 9) / 8;
    ensure!(packet.len() > nulls, "a short row");
    packet.advance(1);
    let nulls = packet.split_to(nulls);
    let mut row = Vec::with_capacity(types.len());
    for (place, column) in types.iter().enumerate() {
        let bit = place + 2;
        if nulls[bit / 8] & (1 << (bit % 8)) != 0 {
            row.push(0);
            continue;
        }
        row.push(match *column {
            LONGLONG if packet.len() >= 8 => packet.get_i64_le(),
            LONG if packet.len() >= 4 => packet.get_i32_le().into(),
            SHORT if packet.len() >= 2 => packet.get_i16_le().into(),
            TINY if !packet.is_empty() => packet.get_i8().into(),
            _ => {
                let length = length(&mut packet)?.unwrap_or_default();
                ensure!(packet.len() >= length, "a short row");
                packet.advance(length);
                0
            }
        });
    }
    Ok(row)
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.code, self.0.message)
    }
}

impl std::error::Error for Refused {}
