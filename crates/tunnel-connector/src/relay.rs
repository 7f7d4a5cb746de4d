//! Moves a flow's bytes both ways, in one task, with half-close.
//!
//! Most flows are idle database connections, so a flow holds no buffer: each thread has one that
//! serves whichever flow it is polling, and a flow keeps only what its other side did not take.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use prometheus_client::metrics::counter::Counter;
use quinn::{RecvStream, SendStream, StoppedError, VarInt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::Metrics;

/// Read at once. A bulk result then costs one system call for some fifty packets.
const BUFFER: usize = 64 * 1024;

/// Streams are reset and stopped with this code, as cloudflared does.
const CUT: VarInt = VarInt::from_u32(0);

thread_local! {
    /// Its content means nothing between two polls.
    static BUFFER_OF_THREAD: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// One direction: reads, writes, and passes the end on.
struct Direction {
    /// What was read and not yet taken by the other side.
    kept: Vec<u8>,
    /// How much of it is written.
    written: usize,
    phase: Phase,
    bytes: Counter,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The source ended, and the other side is not told yet.
    Ending,
    Done,
}

/// Who broke a direction.
enum Broken {
    Source(io::Error),
    Sink(io::Error),
}

/// Relays until both directions have ended, or either peer is gone.
pub(crate) async fn run(
    mut send: SendStream,
    mut recv: RecvStream,
    mut origin: TcpStream,
    early: Vec<u8>,
    metrics: &Metrics,
) -> io::Result<()> {
    let (mut from_origin, mut to_origin) = origin.split();
    let mut inward = Direction::new(early, metrics.to_origin.clone());
    let mut outward = Direction::new(Vec::new(), metrics.from_origin.clone());
    let mut stopped: Option<Pin<Box<dyn Future<Output = Stopped> + Send>>> = None;
    let relayed = std::future::poll_fn(|context| {
        if inward.phase != Phase::Done {
            match inward.poll(context, &mut recv, &mut to_origin) {
                Poll::Ready(Err(Broken::Source(error))) => return Poll::Ready(Err(error)),
                // The origin reads no more; it may still have something to say.
                Poll::Ready(Err(Broken::Sink(_))) => {
                    inward.phase = Phase::Done;
                    let _ended = recv.stop(CUT);
                }
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        if outward.phase != Phase::Done
            && let Poll::Ready(Err(Broken::Source(error) | Broken::Sink(error))) =
                outward.poll(context, &mut from_origin, &mut send)
        {
            return Poll::Ready(Err(error));
        }
        match (inward.phase, outward.phase) {
            (Phase::Done, Phase::Done) => Poll::Ready(Ok(())),
            // An edge that dropped the flow ends its direction and stops ours. Without the second
            // we would wait for an origin that has nothing to say.
            (Phase::Done, _) => {
                let stopped = stopped.get_or_insert_with(|| Box::pin(send.stopped()));
                stopped.as_mut().poll(context).map(|_| Ok(()))
            }
            _ => Poll::Pending,
        }
    })
    .await;
    if relayed.is_err() {
        // An error means that the stream has ended anyway.
        let _ended = send.reset(CUT);
    }
    relayed
}

type Stopped = Result<Option<VarInt>, StoppedError>;

impl Direction {
    fn new(kept: Vec<u8>, bytes: Counter) -> Self {
        Self {
            kept,
            written: 0,
            phase: Phase::Open,
            bytes,
        }
    }

    /// Moves what can be moved now. Ready: the direction is done, or broken.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        source: &mut (impl AsyncRead + Unpin),
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<Result<(), Broken>> {
        loop {
            ready!(self.poll_write_kept(context, sink))?;
            if self.phase == Phase::Ending {
                ready!(Pin::new(&mut *sink).poll_shutdown(context)).map_err(Broken::Sink)?;
                self.phase = Phase::Done;
                return Poll::Ready(Ok(()));
            }
            ready!(
                BUFFER_OF_THREAD
                    .with_borrow_mut(|buffer| { self.poll_move(context, source, sink, buffer) })
            )?;
        }
    }

    /// Writes what an earlier poll could not.
    fn poll_write_kept(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<Result<(), Broken>> {
        while self.written < self.kept.len() {
            let rest = &self.kept[self.written..];
            let written = ready!(Pin::new(&mut *sink).poll_write(context, rest));
            let written = written.and_then(nonzero).map_err(Broken::Sink)?;
            self.bytes.inc_by(written as u64);
            self.written += written;
        }
        if self.written > 0 {
            // Gives the memory back: most flows never need it again.
            self.kept = Vec::new();
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once and writes it; what does not fit is kept. Ready: there may be more to move.
    fn poll_move(
        &mut self,
        context: &mut Context<'_>,
        source: &mut (impl AsyncRead + Unpin),
        sink: &mut (impl AsyncWrite + Unpin),
        buffer: &mut [u8],
    ) -> Poll<Result<(), Broken>> {
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(source).poll_read(context, &mut read)).map_err(Broken::Source)?;
        let read = read.filled();
        if read.is_empty() {
            self.phase = Phase::Ending;
            return Poll::Ready(Ok(()));
        }
        let written = match Pin::new(sink).poll_write(context, read) {
            Poll::Ready(written) => written.and_then(nonzero).map_err(Broken::Sink)?,
            Poll::Pending => 0,
        };
        self.bytes.inc_by(written as u64);
        self.kept = read[written..].to_vec();
        Poll::Ready(Ok(()))
    }
}

fn nonzero(written: usize) -> io::Result<usize> {
    if written == 0 {
        Err(io::ErrorKind::WriteZero.into())
    } else {
        Ok(written)
    }
}
