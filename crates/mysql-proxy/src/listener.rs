//! Takes clients in: a session each, within the limits, until the drain.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use mysql_proto::{Capabilities, ErrPacket};
use net::{DrainGuard, prepare};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::config::ProxyConfig;
use crate::error::SessionEnd;
use crate::hyperdrives::Hyperdrives;
use crate::metrics::Metrics;
use crate::refusal;
use crate::session::{self, Login};

/// After an error such as "too many open files" a moment passes, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener for MySQL clients.
#[derive(Debug)]
pub struct MySqlListener {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// What all sessions of a listener share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ProxyConfig,
    pub(crate) hyperdrives: Hyperdrives,
    pub(crate) metrics: Metrics,
    clients: Arc<Semaphore>,
}

impl MySqlListener {
    /// Serves `hyperdrives` to the clients of `listener`.
    pub fn new(
        listener: TcpListener,
        config: ProxyConfig,
        hyperdrives: Hyperdrives,
        metrics: Metrics,
    ) -> Self {
        let clients = Arc::new(Semaphore::new(config.max_clients));
        Self {
            listener,
            shared: Arc::new(Shared {
                config,
                hyperdrives,
                metrics,
                clients,
            }),
        }
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes clients in until the drain begins. Each session holds a clone of `drain` and ends when
    /// it may: between two commands, outside a transaction.
    pub async fn run(self, drain: DrainGuard) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = drain.draining().started() => return,
            };
            match accepted {
                Ok((stream, peer)) => self.take_in(stream, peer, drain.clone()),
                Err(error) => {
                    warn!(%error, "Failed to accept a client");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn take_in(&self, stream: TcpStream, peer: SocketAddr, drain: DrainGuard) {
        let shared = Arc::clone(&self.shared);
        let Ok(place) = Arc::clone(&shared.clients).try_acquire_owned() else {
            let error = refusal::too_many_clients(shared.config.max_clients);
            shared.metrics.error(error.code);
            tokio::spawn(turn_away(stream, error));
            return;
        };
        tokio::spawn(async move {
            shared.metrics.sessions.inc();
            let end = serve(stream, peer, &shared, drain).await;
            shared.metrics.sessions.dec();
            drop(place);
            match end {
                SessionEnd::ClientLeft => debug!(%peer, "Session ended"),
                end => debug!(%peer, reason = %end, "Session ended"),
            }
        });
    }
}

/// Log in, then serve until the end. Boxed in two: the login's state is large and short-lived, and
/// must not stay with ten thousand idle sessions.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    drain: DrainGuard,
) -> SessionEnd {
    if let Err(error) = prepare(&stream) {
        return SessionEnd::Downstream(error);
    }
    let login = Login::new(shared, peer).run(Box::new(stream));
    let limit = shared.config.login_timeout;
    let session = match tokio::time::timeout(limit, Box::pin(login)).await {
        Ok(Ok(session)) => session,
        Ok(Err(end)) => return end,
        Err(_) => return SessionEnd::LoginTimeout,
    };
    shared.metrics.logins.inc();
    // Polled by a function of its own: the frame of one that also polls the login is so large that
    // each command would pay for it.
    session::run(session, drain).boxed().await
}

/// Tells a client why it cannot come in. It may not read that, so the wait is short.
async fn turn_away(mut stream: TcpStream, error: ErrPacket) {
    const PATIENCE: Duration = Duration::from_secs(1);
    let mut packet = Vec::new();
    error.write(&mut packet, &mut 0, Capabilities::empty());
    if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, stream.write_all(&packet)).await {
        debug!(%error, "Failed to turn a client away");
    }
}
