//! The demo origin's listener and its life.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mysql_proto::ErrPacket;
use net::{Drain, Draining};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::{DemoConfig, DemoError, connection, sample};

/// What the greeting and `VERSION()` say. The leading number is what drivers guess features from.
pub const SERVER_VERSION: &str = "8.0.11-tidegate-demo-sqlite";

/// Connections at a time, each with a thread. MySQL's default.
const MAX_CONNECTIONS: usize = 151;

/// After a failed accept (no file descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running demo origin. Dropping it cuts all connections and removes the database.
#[derive(Debug)]
pub struct DemoOrigin {
    address: SocketAddr,
    drain: Option<Drain>,
    accepting: JoinHandle<()>,
    /// Removed when dropped.
    _folder: TempDir,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: DemoConfig,
    /// The database file.
    pub(crate) file: PathBuf,
}

impl DemoOrigin {
    /// Makes the sample database and listens on a free port of 127.0.0.1.
    ///
    /// It is ready when this returns.
    pub async fn start(config: DemoConfig) -> Result<Self, DemoError> {
        let folder = tempfile::Builder::new()
            .prefix("tidegate-demo-")
            .tempdir()
            .map_err(DemoError::Folder)?;
        let file = folder.path().join("demo.sqlite");
        sample::create(file.clone()).await?;
        let listener =
            net::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(DemoError::Listen)?;
        let address = listener.local_addr().map_err(DemoError::Listen)?;
        let drain = Drain::new();
        let guard = drain.guard();
        let shared = Arc::new(Shared { config, file });
        let accepting = tokio::spawn(async move {
            accept(listener, shared, guard.draining()).await;
            drop(guard);
        });
        Ok(Self {
            address,
            drain: Some(drain),
            accepting,
            _folder: folder,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connection, closes each existing one after its command in progress, and waits
    /// for that at most `limit`. False: the limit passed first, and the rest was cut.
    pub async fn drain(mut self, limit: Duration) -> bool {
        match self.drain.take() {
            Some(drain) => drain.drain(limit).await,
            None => true,
        }
    }
}

impl Drop for DemoOrigin {
    fn drop(&mut self) {
        // The task holds all connections, so they end with it.
        self.accepting.abort();
    }
}

/// Serves until the drain begins, then waits for the connections to end.
async fn accept(listener: TcpListener, shared: Arc<Shared>, draining: &Draining) {
    let mut connections = JoinSet::new();
    let mut last_id = 0u32;
    loop {
        tokio::select! {
            () = draining.started() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= MAX_CONNECTIONS => {
                    refuse(&stream);
                }
                Ok((stream, _)) => {
                    last_id = last_id.wrapping_add(1);
                    let (shared, draining) = (Arc::clone(&shared), draining.clone());
                    connections.spawn(connection::serve(stream, last_id, shared, draining));
                }
                Err(error) => {
                    tracing::warn!(%error, "demo origin cannot accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Says 1040 in place of the greeting. A new connection's send buffer has room for it.
fn refuse(stream: &TcpStream) {
    let error = ErrPacket::new(1040, *b"08004", "Too many connections to the demo origin");
    let mut out = Vec::new();
    error.write(&mut out, &mut 0, mysql_proto::Capabilities::empty());
    if let Err(error) = stream.try_write(&out) {
        tracing::debug!(%error, "demo origin cannot refuse politely");
    }
}
