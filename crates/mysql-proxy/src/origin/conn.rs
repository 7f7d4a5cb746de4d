//! One connection to an origin, logged in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use mysql_client::LoggedIn;
use mysql_proto::{
    Capabilities, Command, PacketHeader, ResponseState, ResponseTracker, Summary, write_command,
};
use net::BoxStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::error::OriginLoss;

/// What is read from an origin at a time. It holds most responses whole; a bulk result moves in
/// pieces of this size, and the client's own pace is what bounds it.
const READ_BUFFER: usize = 16 * 1024;

/// Longest response to a question of our own: one row with one number.
const MAX_OWN_RESPONSE: usize = 4 * 1024;

/// A connection to an origin, logged in and between two commands while nobody uses it.
#[derive(Debug)]
pub struct OriginConn {
    stream: BoxStream,
    capabilities: Capabilities,
    buffer: Box<[u8]>,
    insert_id: InsertId,
    /// True between two commands. False while one is under way, and for good when a response was
    /// left unread or was longer than it should be: nobody can tell what it will say next.
    settled: bool,
}

impl OriginConn {
    pub(super) fn new(logged_in: LoggedIn) -> Self {
        Self {
            stream: logged_in.stream,
            capabilities: logged_in.capabilities,
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            insert_id: InsertId::default(),
            settled: true,
        }
    }

    /// What `LAST_INSERT_ID()` gives on it.
    pub(crate) fn insert_id(&self) -> InsertId {
        self.insert_id
    }

    /// A statement may have changed what `LAST_INSERT_ID()` gives; its OK packet said `told`.
    pub(crate) fn note_insert_id(&mut self, told: u64) {
        self.insert_id.is_news = true;
        self.insert_id.told_known |= told == self.insert_id.known;
    }

    /// Makes `LAST_INSERT_ID()` give `value`. False: it does not.
    ///
    /// `LAST_INSERT_ID(n)` sets what the next call without an argument gives, on MySQL, MariaDB and
    /// TiDB (where the variable of that name cannot be set), though not to 0 on TiDB:
    /// <https://dev.mysql.com/doc/refman/8.4/en/information-functions.html#function_last-insert-id>
    pub(crate) async fn set_insert_id(&mut self, value: u64) -> Result<bool, OriginLoss> {
        let sql = format!("DO LAST_INSERT_ID({value})");
        let answer = self.ask(Command::QUERY, sql.as_bytes()).await?;
        if answer.summary.error.is_some() {
            return Ok(false);
        }
        if value == 0 {
            return Ok(self.ask_insert_id().await? == Some(0));
        }
        self.insert_id = InsertId::known(value);
        Ok(true)
    }

    /// Asks what `LAST_INSERT_ID()` gives. `None`: the origin gave no number.
    pub(crate) async fn ask_insert_id(&mut self) -> Result<Option<u64>, OriginLoss> {
        let answer = self.ask(Command::QUERY, b"SELECT LAST_INSERT_ID()").await?;
        let row = payloads(&answer.bytes).nth(self.packets_before_rows());
        let value = row
            .and_then(|row| row.split_first())
            .and_then(|(_length, digits)| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok());
        if let Some(value) = value {
            self.insert_id = InsertId::known(value);
        }
        Ok(value)
    }

    /// A command is about to be sent: only [`OriginConn::end_command`] makes the connection fit for
    /// another, so that whoever is interrupted leaves one that is closed.
    pub(crate) fn begin_command(&mut self) {
        self.settled = false;
    }

    /// The whole response was read, and nothing else.
    pub(crate) fn end_command(&mut self) {
        self.settled = true;
    }

    /// True between two commands.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    /// The capabilities in force on it.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The stream itself, for copying both ways.
    pub(crate) fn stream(&mut self) -> &mut BoxStream {
        &mut self.stream
    }

    /// Sends bytes. The count of those that left is in the error's place when it fails, because a
    /// command of which nothing left may be tried elsewhere.
    pub(crate) async fn send(&mut self, mut bytes: &[u8]) -> Result<(), SendError> {
        let mut sent = false;
        while !bytes.is_empty() {
            match self.stream.write(bytes).await {
                Ok(0) => return Err(SendError::new(sent, io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    sent = true;
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(error) => return Err(SendError::new(sent, error)),
            }
        }
        // TLS and tunnels may keep bytes back until they are told; TCP does nothing here.
        self.stream
            .flush()
            .await
            .map_err(|error| SendError::new(true, error))
    }

    /// Reads what has come. Never empty: the end of the stream is an error, since it can only come
    /// amid something.
    pub(crate) async fn receive(&mut self) -> io::Result<&[u8]> {
        let count = self.stream.read(&mut self.buffer).await?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the origin closed the connection",
            ));
        }
        Ok(self.buffer.get(..count).unwrap_or_default())
    }

    /// True unless the stream has ended, failed, or said something unasked while nobody used it, or
    /// what carries it is about to go. Costs no system call: the runtime knows when there is
    /// something to read.
    pub(super) fn is_usable(&mut self) -> bool {
        if !self.settled || self.stream.is_leaving() {
            return false;
        }
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream)
            .poll_read(&mut context, &mut buffer)
            .is_pending()
    }

    /// Says goodbye if that can be done without waiting, so that the origin does not count an
    /// aborted connection.
    pub(super) fn quit(mut self) {
        let mut packet = Vec::new();
        write_command(&mut packet, Command::QUIT, &[]);
        let mut context = Context::from_waker(Waker::noop());
        let mut stream = Pin::new(&mut self.stream);
        if let Poll::Ready(Ok(_)) = stream.as_mut().poll_write(&mut context, &packet) {
            // Whether it leaves does not matter any more.
            let _pending = stream.poll_shutdown(&mut context);
        }
    }

    /// A column count, one column definition, and an EOF where that is in use.
    fn packets_before_rows(&self) -> usize {
        if self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
            2
        } else {
            3
        }
    }

    /// Sends a command of our own and gathers its response, which must be small.
    async fn ask(&mut self, command: Command, argument: &[u8]) -> Result<Answer, OriginLoss> {
        let mut packet = Vec::with_capacity(argument.len() + 8);
        write_command(&mut packet, command, argument);
        self.begin_command();
        self.send(&packet).await.map_err(|error| error.source)?;
        let mut tracker = ResponseTracker::new(command, self.capabilities);
        let mut answer = Vec::new();
        loop {
            let bytes = self.receive().await?;
            let fed = tracker.feed(bytes)?;
            let is_all = fed.consumed == bytes.len();
            answer.extend_from_slice(bytes);
            match fed.state {
                ResponseState::Done if is_all => {
                    self.end_command();
                    return Ok(Answer {
                        bytes: answer,
                        summary: *tracker.summary(),
                    });
                }
                ResponseState::Incomplete if answer.len() <= MAX_OWN_RESPONSE => {}
                _ => {
                    let error = io::Error::other("the origin's answer is longer than it can be");
                    return Err(error.into());
                }
            }
        }
    }
}

/// What `LAST_INSERT_ID()` gives on a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InsertId {
    /// What it gave when nobody had changed it yet.
    pub(crate) known: u64,
    /// A statement may have changed it since.
    pub(crate) is_news: bool,
    /// An OK packet has told the known value since: if the connection gives that still, a statement
    /// has made it anew.
    pub(crate) told_known: bool,
}

impl InsertId {
    fn known(value: u64) -> Self {
        Self {
            known: value,
            ..Self::default()
        }
    }
}

/// The response to a question of our own.
struct Answer {
    bytes: Vec<u8>,
    summary: Summary,
}

/// A command did not leave whole.
#[derive(Debug)]
pub(crate) struct SendError {
    /// True when some of it left, so that it may run.
    pub(crate) sent: bool,
    /// Why.
    pub(crate) source: io::Error,
}

impl SendError {
    fn new(sent: bool, source: io::Error) -> Self {
        Self { sent, source }
    }
}

/// The payloads of whole packets, one after the other.
fn payloads(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let header = PacketHeader::decode(bytes)?;
        let (_, rest) = bytes.split_at_checked(mysql_proto::HEADER_LEN)?;
        let (payload, rest) = rest.split_at_checked(header.payload_len)?;
        bytes = rest;
        Some(payload)
    })
}
