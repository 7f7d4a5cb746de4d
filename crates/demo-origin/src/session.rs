//! One session: a thread with a SQLite connection of its own. Packets go in, chunks of responses
//! come out.

mod binary_rows;
mod columns;
mod execute;
mod failure;
mod open;
mod outlet;
mod parameters;
mod prepared;
mod rows;
mod run;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mysql_proto::{Capabilities, Packet};
use rusqlite::InterruptHandle;
use tokio::sync::{mpsc, oneshot};

use crate::origin::Shared;
use outlet::Outlet;
pub(crate) use outlet::{CHUNKS_IN_FLIGHT, Chunk};
use run::Worker;

/// Bytes of a command, and of a row: what `@@max_allowed_packet` says.
pub(crate) const MAX_PACKET: usize = 16 * 1024 * 1024;

/// What the login settled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login {
    pub(crate) connection_id: u32,
    pub(crate) capabilities: Capabilities,
    /// The client named the database; otherwise none is selected.
    pub(crate) has_database: bool,
}

/// Why a session cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
    #[error("cannot open the database: {0}")]
    Open(#[source] rusqlite::Error),
    #[error("session's thread has ended")]
    Ended,
}

/// The async end of a session. Dropping it interrupts the statement in progress, rolls back an open
/// transaction, and ends the thread.
pub(crate) struct Session {
    commands: mpsc::Sender<Packet>,
    chunks: mpsc::Receiver<Chunk>,
    interrupt: InterruptHandle,
    closing: Arc<AtomicBool>,
}

impl Session {
    /// Starts the thread and opens the database.
    pub(crate) async fn start(shared: Arc<Shared>, login: Login) -> Result<Self, SessionError> {
        // The client waits for each response, so one command is all there is.
        let (commands, received) = mpsc::channel(1);
        let (sender, chunks) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let (ready, opened) = oneshot::channel();
        let closing = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&closing);
        std::thread::Builder::new()
            .name(format!("demo-sql-{}", login.connection_id))
            .spawn(move || match Worker::open(shared, login, flag) {
                Ok(worker) => {
                    if ready.send(Ok(worker.interrupt_handle())).is_ok() {
                        serve(worker, received, &sender);
                    }
                }
                // Nobody listens any more: the client has gone.
                Err(error) => drop(ready.send(Err(error))),
            })
            .map_err(SessionError::Thread)?;
        let interrupt = opened
            .await
            .map_err(|_| SessionError::Ended)?
            .map_err(SessionError::Open)?;
        Ok(Self {
            commands,
            chunks,
            interrupt,
            closing,
        })
    }

    /// Gives a command to the thread. Its response comes by [`Session::chunk`].
    pub(crate) async fn ask(&self, packet: Packet) -> Result<(), SessionError> {
        self.commands
            .send(packet)
            .await
            .map_err(|_| SessionError::Ended)
    }

    /// The next piece of the response. Cancel-safe.
    pub(crate) async fn chunk(&mut self) -> Result<Chunk, SessionError> {
        self.chunks.recv().await.ok_or(SessionError::Ended)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.interrupt.interrupt();
    }
}

/// The thread: one command after the other, until the connection's task is gone.
fn serve(mut worker: Worker, mut commands: mpsc::Receiver<Packet>, chunks: &mpsc::Sender<Chunk>) {
    while let Some(packet) = commands.blocking_recv() {
        let mut outlet = Outlet::new(chunks);
        if worker.answer(&packet, &mut outlet).is_err() || outlet.finish().is_err() {
            return;
        }
    }
}
