//! The edge itself: accepts connectors until it is drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::Snapshot;
use net::{Dial, DrainGuard};
use quinn::{Endpoint, Incoming};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{debug, info};

use crate::dial::TunnelDialer;
use crate::failures::Failures;
use crate::registration::Shared;
use crate::registry::{CLOSE, Registry};
use crate::rpc::RpcThread;
use crate::{EdgeConfig, Error, Metrics, TunnelMonitor, connection, transport};

/// Most connections that are not registered yet. Each costs a handshake and some kilobytes.
const MAX_UNREGISTERED: usize = 1024;

/// With fewer places than this left, a connector must first prove its address by another round
/// trip (RFC 9000, section 8.1.2): a flood from forged addresses ends there.
const PROVE_ADDRESS_BELOW: usize = MAX_UNREGISTERED - 64;

/// Longest that closing the connections may take: three probes at a round trip of 300 ms.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// An edge for tunnels: accepts connectors, and dials through them.
#[derive(Debug)]
pub struct TunnelEdge {
    endpoint: Endpoint,
    local_addr: SocketAddr,
    shared: Arc<Shared>,
    rpc: RpcThread,
    max_connections: usize,
}

impl TunnelEdge {
    /// Takes the UDP address. Must be called in a tokio runtime; nobody is served before
    /// [`TunnelEdge::run`].
    pub fn bind(
        config: EdgeConfig,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            registry: Registry::new(metrics.clone()),
            snapshots,
            failures: Failures::default(),
            metrics,
            location: config.location.clone(),
        });
        let (listen, max_connections) = (config.listen, config.max_connections);
        let endpoint = transport::open(config)?;
        let local_addr = endpoint.local_addr().map_err(|source| Error::Listen {
            address: listen,
            source,
        })?;
        Ok(Self {
            endpoint,
            local_addr,
            shared,
            rpc: RpcThread::start()?,
            max_connections,
        })
    }

    /// The UDP address, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Dials through the tunnels. Works as long as the edge runs.
    pub fn dialer(&self) -> Arc<dyn Dial> {
        Arc::new(TunnelDialer::new(self.shared.clone()))
    }

    /// Tells who is connected.
    pub fn monitor(&self) -> TunnelMonitor {
        TunnelMonitor::new(self.shared.clone())
    }

    /// Serves connectors until `drain` begins; then takes no new connection, waits until no flow is
    /// open, and closes all. Dialling works until the end, so drain the sessions first.
    ///
    /// Dropping the future closes everything at once.
    pub async fn run(self, drain: DrainGuard) {
        let close = CloseAll(self.endpoint.clone());
        let mut connections = JoinSet::new();
        info!(address = %self.local_addr, "Edge accepts connectors");
        tokio::select! {
            () = self.accept(&mut connections) => {}
            () = self.follow_snapshots() => {}
            () = drain.draining().started() => {}
        }
        // Whoever comes now gets no answer, and goes to another edge.
        self.endpoint.set_server_config(None);
        self.shared.registry.no_flows().await;
        drop(close);
        let _closed_in_time = timeout(CLOSE_LIMIT, self.endpoint.wait_idle()).await;
        debug!(address = %self.local_addr, "Edge for connectors is closed");
    }

    async fn accept(&self, connections: &mut JoinSet<()>) {
        let unregistered = Arc::new(Semaphore::new(MAX_UNREGISTERED));
        loop {
            tokio::select! {
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.admit(incoming, &unregistered, connections),
                    None => return,
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
    }

    fn admit(
        &self,
        incoming: Incoming,
        unregistered: &Arc<Semaphore>,
        connections: &mut JoinSet<()>,
    ) {
        let remote = incoming.remote_address();
        let places = unregistered.available_permits();
        if places < PROVE_ADDRESS_BELOW && incoming.may_retry() {
            if incoming.retry().is_err() {
                debug!(%remote, "Cannot ask a connector to prove its address");
            }
            return;
        }
        let full = self.endpoint.open_connections() > self.max_connections;
        let blocked = !self.shared.failures.allows(remote.ip(), Instant::now());
        match unregistered.clone().try_acquire_owned() {
            Ok(place) if !full && !blocked => {
                let (shared, rpc) = (self.shared.clone(), self.rpc.clone());
                connections.spawn(connection::serve(incoming, place, shared, rpc));
            }
            _ => {
                debug!(%remote, full, blocked, "Refused a connector before its handshake");
                incoming.refuse();
            }
        }
    }

    /// Never ends: with the last snapshot the edge serves on.
    async fn follow_snapshots(&self) {
        let mut snapshots = self.shared.snapshots.clone();
        while snapshots.changed().await.is_ok() {
            let snapshot = snapshots.borrow_and_update().clone();
            self.shared.registry.keep_configured(&snapshot);
        }
        std::future::pending::<()>().await;
    }
}

/// Closes the endpoint when it is dropped.
struct CloseAll(Endpoint);

impl Drop for CloseAll {
    fn drop(&mut self) {
        self.0.close(CLOSE, b"the edge is shutting down");
    }
}
