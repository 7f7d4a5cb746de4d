//! A flow through a tunnel, as a byte stream.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use net::Duplex;
use quinn::{ConnectionError, ReadError, RecvStream, SendStream, WriteError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tunnel_proto::feature;

use crate::registry::OpenFlow;

/// A flow through a tunnel. It behaves as a TCP connection does: what was written before it is
/// dropped is still delivered, and the other end then sees the end; a lost connection is
/// [`io::ErrorKind::ConnectionReset`].
pub(crate) struct Flow {
    open: OpenFlow,
    send: SendStream,
    recv: RecvStream,
    /// The first bytes of the origin, which came together with the connector's answer.
    early: Bytes,
    end: End,
}

/// How far the edge's direction has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is open.
    Open,
    /// It is shut down here, but a stock connector must not know: it would end the other direction.
    Held,
    /// The connector knows.
    Sent,
}

impl Flow {
    pub(crate) fn new(open: OpenFlow, send: SendStream, recv: RecvStream, early: Bytes) -> Self {
        Self {
            open,
            send,
            recv,
            early,
            end: End::Open,
        }
    }

    fn finish(&mut self) {
        self.end = End::Sent;
        // An error means that the connector stopped the direction before: it knows.
        let _known = self.send.finish();
    }
}

impl AsyncRead for Flow {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let flow = &mut *self;
        let before = buffer.filled().len();
        if flow.early.is_empty() {
            match flow.recv.poll_read_buf(context, buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(read_error(error))),
                Poll::Ready(Ok(())) => {}
            }
        } else {
            let length = flow.early.len().min(buffer.remaining());
            buffer.put_slice(&flow.early.split_to(length));
        }
        let read = buffer.filled().len() - before;
        flow.open.metrics().from_connector.inc_by(read as u64);
        if read == 0 && flow.end == End::Held && buffer.remaining() > 0 {
            flow.finish();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let flow = &mut *self;
        if flow.end != End::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = std::task::ready!(Pin::new(&mut flow.send).poll_write(context, bytes))
            .map_err(write_error)?;
        flow.open.metrics().to_connector.inc_by(written as u64);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // QUIC sends as soon as it may.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.end == End::Open {
            if self.open.through().connector.has(feature::HALF_CLOSE) {
                self.finish();
            } else {
                self.end = End::Held;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Duplex for Flow {
    fn is_leaving(&self) -> bool {
        self.open.through().is_draining()
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("tunnel", &self.open.through().tunnel)
            .field("connector", &self.open.through().connector_id())
            .field("index", &self.open.through().index)
            .finish_non_exhaustive()
    }
}

fn read_error(error: ReadError) -> io::Error {
    match error {
        ReadError::ConnectionLost(reason) => lost(&reason),
        other => other.into(),
    }
}

fn write_error(error: WriteError) -> io::Error {
    match error {
        WriteError::ConnectionLost(reason) => lost(&reason),
        other => other.into(),
    }
}

fn lost(reason: &ConnectionError) -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionReset,
        format!("the connection to the connector was lost: {reason}"),
    )
}
