//! The compressed protocol as a stream around a stream.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use net::Duplex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Algorithm;
use super::continuation::Continuation;
use super::decoder::Decoder;
use super::encoder::encode;

/// What is read of the stream at a time. On the stack: a client that waits costs no buffer.
const READ_BUFFER: usize = 4 * 1024;

/// The content of one packet, as servers have it (`net_buffer_length`): it is what a flush makes a
/// client wait for, and what is kept of a response. What is within ends where it ends.
const CONTENT: usize = 16 * 1024;

/// The most that a header can say.
const MAX_CONTENT: usize = 0xff_ffff;

/// A stream whose other end speaks the compressed protocol.
///
/// What is written is held back until there are 16 KiB of it, or it is flushed: a flush makes one
/// packet. No packet within is split, unless it is of 16 MiB, as servers split none: the client of
/// Connector/Python reads a packet from two at most. So a response to such a client may take 16 MiB
/// of memory.
///
/// Sequence ids follow those of the client: its command begins at 0, the response goes on after the
/// last that was read. So a client that sends a command before it has the response to the last may
/// find other ids in that response than a server would give.
pub(crate) struct Compressed<S> {
    stream: S,
    algorithm: Algorithm,
    /// Bytes that came and are not decoded yet.
    received: BytesMut,
    decoder: Decoder,
    continuation: Continuation,
    /// Content that is not in a packet yet.
    content: Vec<u8>,
    /// Follows the packets within it.
    written: Continuation,
    /// Packets that are made.
    packets: Vec<u8>,
    /// Bytes of them that are sent.
    sent: usize,
    /// Of the next packet that is sent.
    sequence_id: u8,
}

impl<S> Compressed<S> {
    /// Puts the compressed protocol on `stream`; `received` is what was read of it already.
    pub(crate) fn new(stream: S, received: BytesMut, algorithm: Algorithm) -> Self {
        Self {
            stream,
            algorithm,
            received,
            decoder: Decoder::new(algorithm),
            continuation: Continuation::default(),
            content: Vec::new(),
            written: Continuation::default(),
            packets: Vec::new(),
            sent: 0,
            sequence_id: 0,
        }
    }

    /// True if a packet has come in part, or has come whole and still has content to give.
    fn is_amid_packet(&self) -> bool {
        !self.received.is_empty() || !self.decoder.is_between_packets()
    }

    /// Takes content out of what has come. Returns how much; 0: more has to come.
    fn unpack(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
        let output = buffer.initialize_unfilled();
        let count = self.decoder.decode(&mut self.received, output)?;
        if self.received.is_empty() {
            self.received = BytesMut::new();
        }
        if count > 0 {
            self.continuation
                .number(output.get_mut(..count).unwrap_or_default());
            self.sequence_id = self.decoder.sequence_id().wrapping_add(1);
            buffer.advance(count);
        }
        Ok(count)
    }

    /// True when what was held back has to go.
    fn is_full(&self) -> bool {
        let len = self.content.len();
        len >= MAX_CONTENT || (len >= CONTENT && self.written.missing() == 0)
    }

    /// How much more may be held back, and be it up to the next bound of a packet.
    fn room(&self) -> usize {
        let len = self.content.len();
        match CONTENT.checked_sub(len) {
            Some(room) if room > 0 => room,
            _ => self.written.missing().min(MAX_CONTENT - len),
        }
    }

    /// Makes a packet of the content that was held back.
    fn pack(&mut self) -> io::Result<()> {
        if self.content.is_empty() {
            return Ok(());
        }
        let content = std::mem::take(&mut self.content);
        encode(
            self.algorithm,
            self.sequence_id,
            &content,
            &mut self.packets,
        )?;
        self.sequence_id = self.sequence_id.wrapping_add(1);
        Ok(())
    }
}

impl<S: AsyncWrite + Unpin> Compressed<S> {
    /// Sends the packets that are made.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self
            .packets
            .get(self.sent..)
            .filter(|rest| !rest.is_empty())
        {
            let count = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
        }
        // The next response may be long in coming: nothing is kept for it.
        self.packets = Vec::new();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Compressed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.is_amid_packet() && this.unpack(buffer)? > 0 {
                return Poll::Ready(Ok(()));
            }
            let mut bytes = [0; READ_BUFFER];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(if this.is_amid_packet() {
                    Err(io::ErrorKind::UnexpectedEof.into())
                } else {
                    Ok(())
                });
            }
            this.received.extend_from_slice(read.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Compressed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.is_full() {
            ready!(this.poll_send(context))?;
            this.pack()?;
        }
        let count = bytes.len().min(this.room());
        let (taken, _) = bytes.split_at_checked(count).unwrap_or_default();
        let start = this.content.len();
        this.content.extend_from_slice(taken);
        this.written
            .number(this.content.get_mut(start..).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Amid a packet nobody can use what there is of it.
        if this.written.missing() == 0 {
            this.pack()?;
        }
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.pack()?;
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl<S: Duplex> Duplex for Compressed<S> {
    fn is_leaving(&self) -> bool {
        self.stream.is_leaving()
    }
}

/// Without what a client has said.
impl<S: fmt::Debug> fmt::Debug for Compressed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressed")
            .field("stream", &self.stream)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
