//! The client's end of a session: commands come in, bytes go out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::FutureExt;
use mysql_proto::{
    AttributedQuery, Capabilities, Command, ErrPacket, HEADER_LEN, MAX_PAYLOAD, OkPacket,
    PacketHeader, StatusFlags,
};
use net::BoxStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::error::SessionEnd;
use crate::registry::Entry;

/// What an idle client costs: room for its next command. Statements are mostly shorter, and a
/// longer one grows the buffer for as long as it lasts.
const IDLE_BUFFER: usize = 2 * 1024;

/// A buffer larger than this is not kept for the next command.
const LARGE_BUFFER: usize = 64 * 1024;

/// What is read at a time of a packet that is only passed on.
const PART_BUFFER: usize = 16 * 1024;

/// Longest that a client may neither take a byte of its response nor send one of its command, if
/// its session has set no longer `net_write_timeout` or `net_read_timeout`.
/// <https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html>
const PROGRESS_LIMIT: Duration = Duration::from_secs(60);

/// The sequence id of the first packet of a response.
const FIRST_RESPONSE: u8 = 1;

/// A client's connection, after its login.
#[derive(Debug)]
pub(crate) struct Downstream {
    stream: BoxStream,
    /// Bytes that came and were not used yet: begins at a packet.
    input: BytesMut,
    /// Those in front that are of the command under way.
    in_hand: usize,
    capabilities: Capabilities,
    /// Where others tell that the session has to end.
    entry: Arc<Entry>,
    /// At least [`PROGRESS_LIMIT`].
    progress_limit: Duration,
}

/// The first packet of a command, whole and still in the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandPacket {
    pub(crate) command: Command,
    /// Header and payload, in bytes.
    len: usize,
    /// False: the command goes on in further packets, because it is 16 MiB or longer.
    pub(crate) is_whole: bool,
}

/// What the buffer holds of the next command.
enum Buffered {
    Whole(CommandPacket),
    /// At least this many bytes are missing.
    Missing(usize),
}

impl Downstream {
    pub(crate) fn new(
        stream: BoxStream,
        input: BytesMut,
        capabilities: Capabilities,
        entry: &Arc<Entry>,
    ) -> Self {
        Self {
            stream,
            input,
            in_hand: 0,
            capabilities,
            entry: Arc::clone(entry),
            progress_limit: PROGRESS_LIMIT,
        }
    }

    /// The capabilities in force towards the client.
    pub(crate) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Waits for the next command. Cancel-safe: what came so far stays in the buffer.
    pub(crate) async fn next_command(&mut self) -> Result<CommandPacket, SessionEnd> {
        loop {
            let room = match self.buffered_command()? {
                Buffered::Whole(packet) => {
                    self.in_hand = packet.len;
                    return Ok(packet);
                }
                Buffered::Missing(count) => count,
            };
            // Nobody waits for an idle client, but one that stops amid a command keeps its buffer.
            let count = if self.input.is_empty() {
                self.fill(room).await.map_err(SessionEnd::Downstream)?
            } else {
                progress(self.progress_limit, self.fill(room)).await?
            };
            if count == 0 {
                return Err(SessionEnd::ClientLeft);
            }
        }
    }

    fn buffered_command(&self) -> Result<Buffered, SessionEnd> {
        let Some(header) = PacketHeader::decode(&self.input) else {
            return Ok(Buffered::Missing(IDLE_BUFFER));
        };
        if header.sequence_id != 0 {
            return Err(SessionEnd::OutOfOrder);
        }
        if header.payload_len == 0 {
            // As servers read it: they do not know that command either.
            return Ok(Buffered::Whole(CommandPacket {
                command: Command::SLEEP,
                len: HEADER_LEN,
                is_whole: true,
            }));
        }
        let len = HEADER_LEN + header.payload_len;
        let missing = len.saturating_sub(self.input.len());
        match self.input.get(HEADER_LEN) {
            Some(&command) if missing == 0 => Ok(Buffered::Whole(CommandPacket {
                command: Command(command),
                len,
                is_whole: header.payload_len < MAX_PAYLOAD,
            })),
            // What a header promises is not yet there: the buffer grows as it comes.
            _ => Ok(Buffered::Missing(missing.min(LARGE_BUFFER))),
        }
    }

    /// Reads what has come, with room for `room` bytes. 0: the client has ended its direction.
    async fn fill(&mut self, room: usize) -> io::Result<usize> {
        // Reuses what is there when it is empty, which is nearly always.
        self.input.reserve(room);
        if self.input.is_empty() && self.input.capacity() > LARGE_BUFFER.max(room) {
            // A large command is over: its buffer goes.
            self.input = BytesMut::with_capacity(room);
        }
        count_at_end(self.stream.read_buf(&mut self.input).await)
    }

    /// Waits, within a command, until the client leaves or somebody ends its session, and keeps
    /// what it sends meanwhile. Cancel-safe.
    ///
    /// One that has sent more commands and ended its direction has not left: a server runs them.
    pub(crate) async fn ended(&mut self) -> SessionEnd {
        let end = tokio::select! {
            biased;
            end = left(&mut self.stream, &mut self.input) => end,
            () = self.entry.ended() => SessionEnd::Killed,
        };
        if matches!(end, SessionEnd::ClientLeft) && self.has_more_commands() {
            self.entry.ended().await;
            return SessionEnd::Killed;
        }
        end
    }

    /// True when a whole command has come behind the one under way that does anything but close.
    fn has_more_commands(&self) -> bool {
        let mut behind = self.input.get(self.in_hand..).unwrap_or_default();
        while let Some(header) = PacketHeader::decode(behind) {
            let end = HEADER_LEN + header.payload_len;
            let Some(packet) = behind.get(HEADER_LEN..end) else {
                return false;
            };
            match packet.first().map(|command| Command(*command)) {
                Some(Command::QUIT | Command::STMT_CLOSE) => {}
                _ => return true,
            }
            behind = behind.get(end..).unwrap_or_default();
        }
        false
    }

    /// Header and payload of a command, as they came.
    pub(crate) fn packet(&self, packet: CommandPacket) -> &[u8] {
        self.input.get(..packet.len).unwrap_or_default()
    }

    /// The payload of a command, from the command's byte on, to change it in its place.
    pub(crate) fn payload_mut(&mut self, packet: CommandPacket) -> &mut [u8] {
        self.input
            .get_mut(HEADER_LEN..packet.len)
            .unwrap_or_default()
    }

    /// The payload of a command, from the command's byte on.
    pub(crate) fn payload(&self, packet: CommandPacket) -> &[u8] {
        self.packet(packet).get(HEADER_LEN..).unwrap_or_default()
    }

    /// The statement of a `COM_QUERY`, without what attributes are in front of it; those must have
    /// been found readable.
    pub(crate) fn sql(&self, packet: CommandPacket) -> &[u8] {
        if self.capabilities.contains(Capabilities::QUERY_ATTRIBUTES) {
            let query = AttributedQuery::parse(self.payload(packet));
            return query.map_or(&[], |query| query.statement());
        }
        self.argument(packet)
    }

    /// What follows the command's byte.
    pub(crate) fn argument(&self, packet: CommandPacket) -> &[u8] {
        self.packet(packet)
            .get(HEADER_LEN + 1..)
            .unwrap_or_default()
    }

    /// Passes over a command that has been dealt with.
    pub(crate) fn consume(&mut self, packet: CommandPacket) {
        self.input.advance(packet.len.min(self.input.len()));
        self.in_hand = 0;
    }

    /// Waits for the next packet, or part of one, within a command: the rest of a long command, or
    /// the data of a `LOAD DATA LOCAL`. Gives at most what is left of one packet.
    pub(crate) async fn next_part(&mut self, left: usize) -> Result<&[u8], SessionEnd> {
        while self.input.is_empty() || (left == 0 && self.input.len() < HEADER_LEN) {
            let room = left.clamp(IDLE_BUFFER, PART_BUFFER);
            let entry = Arc::clone(&self.entry);
            let count = tokio::select! {
                biased;
                count = progress(self.progress_limit, self.fill(room)) => count?,
                () = entry.ended() => return Err(SessionEnd::Killed),
            };
            if count == 0 {
                return Err(SessionEnd::ClientLeft);
            }
        }
        let wanted = if left == 0 { HEADER_LEN } else { left };
        let len = wanted.min(self.input.len());
        Ok(self.input.get(..len).unwrap_or_default())
    }

    /// Passes over `count` bytes of what [`Downstream::next_part`] gave.
    pub(crate) fn consume_part(&mut self, count: usize) {
        self.input.advance(count.min(self.input.len()));
    }

    /// The session has another entry.
    pub(crate) fn set_entry(&mut self, entry: &Arc<Entry>) {
        self.entry = Arc::clone(entry);
    }

    /// What came and was not used yet.
    pub(crate) fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// The session wants to be waited for so long, or as long as usual.
    pub(crate) fn set_net_timeout(&mut self, wanted: Duration) {
        self.progress_limit = wanted.max(PROGRESS_LIMIT);
    }

    /// Reads more of it. The caller bounds the time.
    pub(crate) async fn read_more(&mut self) -> Result<(), SessionEnd> {
        match self.fill(IDLE_BUFFER).await {
            Ok(0) => Err(SessionEnd::ClientLeft),
            Ok(_) => Ok(()),
            Err(error) => Err(SessionEnd::Downstream(error)),
        }
    }

    /// Sends bytes of a response. A client that takes none of them for [`PROGRESS_LIMIT`], or for
    /// what [`Downstream::set_net_timeout`] has set, is cut: it keeps an origin connection from
    /// everybody else.
    pub(crate) async fn send(&mut self, mut bytes: &[u8]) -> Result<(), SessionEnd> {
        while !bytes.is_empty() {
            match progress(self.progress_limit, self.stream.write(bytes)).await? {
                0 => return Err(SessionEnd::ClientLeft),
                count => bytes = bytes.get(count..).unwrap_or_default(),
            }
        }
        progress(self.progress_limit, self.stream.flush()).await
    }

    /// Sends a response as far as that needs no wait. Gives how much of it was taken, if the rest
    /// is for [`Downstream::send`]; which may be nothing, where only the flush has to wait.
    pub(crate) fn send_at_once(&mut self, bytes: &[u8]) -> Result<Option<usize>, SessionEnd> {
        let sent = match self.stream.write(bytes).now_or_never() {
            None => 0,
            Some(Ok(0)) if !bytes.is_empty() => return Err(SessionEnd::ClientLeft),
            Some(Ok(count)) => count,
            Some(Err(error)) => return Err(SessionEnd::Downstream(error)),
        };
        if sent < bytes.len() {
            return Ok(Some(sent));
        }
        match self.stream.flush().now_or_never() {
            None => Ok(Some(sent)),
            Some(Ok(())) => Ok(None),
            Some(Err(error)) => Err(SessionEnd::Downstream(error)),
        }
    }

    /// Answers a command with an OK of our own.
    pub(crate) async fn send_ok(&mut self, status: StatusFlags) -> Result<(), SessionEnd> {
        let ok = OkPacket {
            status,
            ..OkPacket::default()
        };
        let mut packet = Vec::new();
        ok.write(&mut packet, &mut { FIRST_RESPONSE }, self.capabilities);
        self.send(&packet).await
    }

    /// Answers a command with an error of our own, or ends its response with one: `sequence_id` is
    /// that of the next packet.
    pub(crate) async fn send_error(
        &mut self,
        sequence_id: Option<u8>,
        error: &ErrPacket,
    ) -> Result<(), SessionEnd> {
        let mut sequence_id = sequence_id.unwrap_or(FIRST_RESPONSE);
        let mut packet = Vec::new();
        error.write(&mut packet, &mut sequence_id, self.capabilities);
        self.send(&packet).await
    }
}

/// How much was read: nothing at the end of the stream. A TLS client that ends its direction need
/// not say so within TLS (`close_notify`), and hardly any does; where a packet ends, those of MySQL
/// tell by themselves.
fn count_at_end(read: io::Result<usize>) -> io::Result<usize> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        other => other,
    }
}

/// What a client takes or sends within this time. Mostly there is nothing to wait for, and
/// then no clock is read and no timer is made.
async fn progress<T>(
    limit: Duration,
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, SessionEnd> {
    let mut step = std::pin::pin!(step);
    let done = match step.as_mut().now_or_never() {
        Some(done) => done,
        None => match timeout(limit, step).await {
            Ok(done) => done,
            Err(_) => return Err(SessionEnd::Stalled),
        },
    };
    done.map_err(SessionEnd::Downstream)
}

/// Waits until a client leaves, and keeps what it sends meanwhile. Cancel-safe.
async fn left(stream: &mut BoxStream, input: &mut BytesMut) -> SessionEnd {
    while input.len() < LARGE_BUFFER {
        input.reserve(IDLE_BUFFER);
        match count_at_end(stream.read_buf(input).await) {
            Ok(0) => return SessionEnd::ClientLeft,
            Ok(_) => {}
            Err(error) => return SessionEnd::Downstream(error),
        }
    }
    // It has sent far ahead: the rest waits in its socket, and so does its end.
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use domain::HyperdriveId;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;
    use crate::registry::{Facts, Registry};

    fn downstream(stream: impl net::Duplex + 'static) -> Downstream {
        let facts = Facts {
            user: "app".into(),
            hyperdrive: HyperdriveId::random(),
            peer: "127.0.0.1:1".parse().unwrap(),
            program: "test".into(),
        };
        let entry = Arc::new(Registry::new()).reserve().enter(facts, None);
        let entry = entry.unwrap_or_else(|_| panic!("nobody else is there"));
        let capabilities = Capabilities::empty();
        Downstream::new(Box::new(stream), BytesMut::new(), capabilities, &entry)
    }

    /// A TLS stream whose peer ends TCP without a word.
    #[derive(Debug)]
    struct Cut(tokio::io::DuplexStream);

    impl net::Duplex for Cut {}

    impl AsyncRead for Cut {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let before = buffer.filled().len();
            let read = Pin::new(&mut self.0).poll_read(context, buffer);
            match read {
                Poll::Ready(Ok(())) if buffer.filled().len() == before => {
                    Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
                }
                other => other,
            }
        }
    }

    impl AsyncWrite for Cut {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn commands_ahead_of_an_end_without_a_word_are_served() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut downstream = downstream(Cut(server));
        let ping = [1, 0, 0, 0, Command::PING.0];
        client.write_all(&[ping, ping].concat()).await.unwrap();
        drop(client);
        let first = downstream.next_command().await.unwrap();
        // Amid the first there is another.
        let ended = timeout(2 * PROGRESS_LIMIT, downstream.ended()).await;
        assert!(ended.is_err(), "{ended:?}");
        downstream.consume(first);
        let second = downstream.next_command().await.unwrap();
        let ended = downstream.ended().await;
        assert!(matches!(ended, SessionEnd::ClientLeft), "{ended:?}");
        downstream.consume(second);
        let end = downstream.next_command().await;
        assert!(matches!(end, Err(SessionEnd::ClientLeft)), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_amid_a_command_is_cut_and_an_idle_one_is_not() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut downstream = downstream(server);
        let idle = timeout(100 * PROGRESS_LIMIT, downstream.next_command()).await;
        assert!(idle.is_err());
        // It promises 5 bytes.
        client.write_all(&[5, 0, 0, 0, 3, b'D']).await.unwrap();
        let stopped = timeout(2 * PROGRESS_LIMIT, downstream.next_command()).await;
        assert!(
            matches!(stopped, Ok(Err(SessionEnd::Stalled))),
            "{stopped:?}"
        );
    }
}
