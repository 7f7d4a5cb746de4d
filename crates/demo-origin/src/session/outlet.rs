//! Where a response is written: chunks of it go to the connection's task as they fill.

use mysql_proto::ErrPacket;
use tokio::sync::mpsc;

/// Bytes from which on a chunk is sent. A typical response is one chunk; a bulk result moves in
/// pieces that one system call writes.
const CHUNK: usize = 32 * 1024;

/// Chunks that wait for the connection's task; then the thread waits, and SQLite with it.
pub(crate) const CHUNKS_IN_FLIGHT: usize = 4;

/// A piece of a response.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    /// The response is complete.
    pub(crate) is_last: bool,
}

/// The client has gone: nobody takes the response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// Why a command is not answered as it asks.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is answered by this error.
    Failed(ErrPacket),
    /// It is not answered at all.
    Gone,
}

impl From<ErrPacket> for Stop {
    fn from(error: ErrPacket) -> Self {
        Self::Failed(error)
    }
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Takes one response.
#[derive(Debug)]
pub(super) struct Outlet<'a> {
    bytes: Vec<u8>,
    chunks: &'a mpsc::Sender<Chunk>,
}

impl<'a> Outlet<'a> {
    pub(super) fn new(chunks: &'a mpsc::Sender<Chunk>) -> Self {
        Self {
            bytes: Vec::new(),
            chunks,
        }
    }

    /// Where packets are appended.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// To be called after each row: sends what there is, if it is enough.
    pub(super) fn flush_if_full(&mut self) -> Result<(), Gone> {
        if self.bytes.len() < CHUNK {
            return Ok(());
        }
        self.send(false)
    }

    /// Sends the rest. The response may be empty.
    pub(super) fn finish(mut self) -> Result<(), Gone> {
        self.send(true)
    }

    fn send(&mut self, is_last: bool) -> Result<(), Gone> {
        let bytes = std::mem::take(&mut self.bytes);
        self.chunks
            .blocking_send(Chunk { bytes, is_last })
            .map_err(|_| Gone)
    }
}
