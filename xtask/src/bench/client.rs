//! A client of our own, where sysbench asks nothing of the kind: connects, logs in, asks, leaves.

use anyhow::{Context, Result, bail, ensure};
use mysql_client::{LoggedIn, log_in};
use mysql_proto::{
    Capabilities, ClientConfig, Command, ResponseState, ResponseTracker, Summary, write_command,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::local;
use super::sysbench::Target;

/// Many answers of a point select.
const BUFFER: usize = 16 * 1024;

/// `utf8mb4_general_ci`.
const COLLATION: u8 = 45;

/// A client that is logged in.
#[derive(Debug)]
pub(super) struct Client {
    session: LoggedIn,
    buffer: Vec<u8>,
    /// The part of the buffer that was read, and not understood yet.
    filled: std::ops::Range<usize>,
}

impl Client {
    /// Connects and logs in, in a database if one is named.
    pub(super) async fn connect(target: Target, database: Option<&str>) -> Result<Self> {
        let stream = TcpStream::connect(local(target.port)).await?;
        stream.set_nodelay(true)?;
        let config = ClientConfig {
            user: target.user.to_owned(),
            password: target.password.as_bytes().to_vec(),
            database: database.map(str::to_owned),
            collation: COLLATION,
            capabilities: Capabilities::TRANSACTIONS | Capabilities::PLUGIN_AUTH,
            attributes: Vec::new(),
            tls: false,
            transport_is_private: true,
        };
        Ok(Self {
            session: log_in(Box::new(stream), config, None).await?,
            buffer: vec![0; BUFFER],
            filled: 0..0,
        })
    }

    /// Asks, and returns what was answered, byte for byte.
    pub(super) async fn ask(&mut self, query: &str) -> Result<(Summary, Vec<u8>)> {
        self.send([query]).await?;
        let mut bytes = Vec::new();
        let summary = self.answer(Some(&mut bytes)).await?;
        Ok((summary, bytes))
    }

    /// Asks one after the other without waiting in between.
    pub(super) async fn ask_all(&mut self, queries: &[String]) -> Result<()> {
        self.send(queries.iter().map(String::as_str)).await?;
        for _ in queries {
            self.answer(None).await?;
        }
        Ok(())
    }

    /// Leaves as a driver does that closes its connection.
    pub(super) async fn quit(mut self) -> Result<()> {
        let mut output = Vec::new();
        write_command(&mut output, Command::QUIT, b"");
        self.session.stream.write_all(&output).await?;
        Ok(())
    }

    async fn send<'a>(&mut self, queries: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut output = Vec::new();
        for query in queries {
            write_command(&mut output, Command::QUERY, query.as_bytes());
        }
        self.session.stream.write_all(&output).await?;
        Ok(())
    }

    /// Reads one answer, which must be no error.
    async fn answer(&mut self, mut bytes: Option<&mut Vec<u8>>) -> Result<Summary> {
        let mut tracker = ResponseTracker::new(Command::QUERY, self.session.capabilities);
        loop {
            if self.filled.is_empty() {
                let count = self.session.stream.read(&mut self.buffer).await?;
                ensure!(count > 0, "hung up amid the answer");
                self.filled = 0..count;
            }
            let read = self.buffer.get(self.filled.clone()).unwrap_or_default();
            let fed = tracker.feed(read)?;
            if let Some(bytes) = &mut bytes {
                bytes.extend_from_slice(read.get(..fed.consumed).context("more than there is")?);
            }
            self.filled.start += fed.consumed;
            if fed.state == ResponseState::Done {
                break;
            }
        }
        if let Some(code) = tracker.summary().error {
            bail!("the query failed with {code}");
        }
        Ok(*tracker.summary())
    }
}
