//! A byte stream with two directions, whatever carries it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A byte stream that can be read and written: TCP, TLS, or a flow through a tunnel.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug {
    /// True when what carries the stream is about to go, and waits only for its streams to end: a
    /// connector that drains. Whoever keeps the stream idle should close it.
    fn is_leaving(&self) -> bool {
        false
    }

    /// True unless there is something to read, or the stream has ended or failed, as far as can be
    /// told without waiting. What is there to read may be lost: nobody should have sent it.
    fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(self)
            .poll_read(&mut context, &mut buffer)
            .is_pending()
    }
}

/// Any [`Duplex`]. One virtual call per read or write, which is nothing beside the system call.
pub type BoxStream = Box<dyn Duplex>;

impl Duplex for BoxStream {
    fn is_leaving(&self) -> bool {
        (**self).is_leaving()
    }

    fn is_quiet(&mut self) -> bool {
        (**self).is_quiet()
    }
}

impl Duplex for TcpStream {
    /// Costs no system call while it is quiet: the runtime knows when there is something to read.
    fn is_quiet(&mut self) -> bool {
        let read = self.try_read(&mut [0]);
        matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl Duplex for tokio::io::DuplexStream {}

impl<S: Duplex> Duplex for tokio_rustls::client::TlsStream<S> {
    fn is_leaving(&self) -> bool {
        self.get_ref().0.is_leaving()
    }
}

impl<S: Duplex> Duplex for tokio_rustls::server::TlsStream<S> {
    fn is_leaving(&self) -> bool {
        self.get_ref().0.is_leaving()
    }
}

impl<S: Duplex> Duplex for Rewind<S> {
    fn is_leaving(&self) -> bool {
        self.stream.is_leaving()
    }
}

/// A stream of which some bytes were read already: they are read again before the rest.
#[derive(Debug)]
pub struct Rewind<S> {
    read: Bytes,
    stream: S,
}

impl<S> Rewind<S> {
    /// Puts `read` before what `stream` gives.
    pub fn new(read: Bytes, stream: S) -> Self {
        Self { read, stream }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewind<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewind<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn rewind_gives_the_first_bytes_again() {
        let mut stream = Rewind::new(Bytes::from_static(b"client"), &b"hello"[..]);
        let mut first = [0; 3];
        stream.read_exact(&mut first).await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!((&first, &rest[..]), (b"cli", &b"enthello"[..]));
    }
}
