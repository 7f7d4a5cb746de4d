//! One connection to an origin, logged in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use mysql_proto::{
    Capabilities, Command, PacketHeader, ResponseState, ResponseTracker, write_command,
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
}

impl OriginConn {
    pub(super) fn new(stream: BoxStream, capabilities: Capabilities) -> Self {
        Self {
            stream,
            capabilities,
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
        }
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
        if self.stream.is_leaving() {
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

    /// Runs a statement of our own that gives no rows.
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), OriginLoss> {
        self.ask(Command::QUERY, sql.as_bytes()).await.map(drop)
    }

    /// Runs a query of our own that gives one number. `None`: the origin answered otherwise.
    pub(crate) async fn query_number(&mut self, sql: &str) -> Result<Option<u64>, OriginLoss> {
        let response = self.ask(Command::QUERY, sql.as_bytes()).await?;
        let row = payloads(&response).nth(self.packets_before_rows());
        Ok(row
            .and_then(|row| row.split_first())
            .and_then(|(_length, digits)| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok()))
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
    async fn ask(&mut self, command: Command, argument: &[u8]) -> Result<Vec<u8>, OriginLoss> {
        let mut packet = Vec::with_capacity(argument.len() + 8);
        write_command(&mut packet, command, argument);
        self.send(&packet).await.map_err(|error| error.source)?;
        let mut tracker = ResponseTracker::new(command, self.capabilities);
        let mut response = Vec::new();
        loop {
            let bytes = self.receive().await?;
            let fed = tracker.feed(bytes)?;
            response.extend_from_slice(bytes);
            match fed.state {
                ResponseState::Done => return Ok(response),
                ResponseState::Incomplete if response.len() <= MAX_OWN_RESPONSE => {}
                _ => {
                    let error = io::Error::other("the origin's answer is longer than it can be");
                    return Err(error.into());
                }
            }
        }
    }
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
