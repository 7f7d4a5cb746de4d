//! Who is registered: the connections through which each tunnel can be reached now.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use domain::{ConnIndex, ConnectorId, Snapshot, TunnelId};
use quinn::VarInt;
use tokio::sync::{Notify, watch};
use tunnel_proto::{ConnectorInfo, feature};

use crate::Metrics;

/// How connections are closed: always code 0, as cloudflared does, with a reason for the other log.
pub(crate) const CLOSE: VarInt = VarInt::from_u32(0);

/// A connection from which nothing arrived for this long is taken for dead when there is a reason
/// to ask: a live peer sends something every second.
const SILENCE: Duration = Duration::from_millis(1500);

/// No silence was noticed.
const NEVER: u64 = u64::MAX;

/// All registered connections.
#[derive(Debug)]
pub(crate) struct Registry {
    tunnels: Mutex<HashMap<TunnelId, Vec<Arc<Registered>>>>,
    /// Counts changes, so that others can wait for one.
    changes: watch::Sender<u64>,
    /// Flows that are open through all tunnels.
    flows: Arc<watch::Sender<usize>>,
    metrics: Metrics,
}

/// One registered connection of a connector.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) tunnel: TunnelId,
    pub(crate) connector: ConnectorInfo,
    pub(crate) index: ConnIndex,
    pub(crate) connection: quinn::Connection,
    pub(crate) since: SystemTime,
    /// The connector's own rules, as it told them: JSON, for people.
    configuration: Mutex<Option<Arc<str>>>,
    open: AtomicUsize,
    draining: AtomicBool,
    drained: Notify,
    suspected: Notify,
    /// Datagrams received when the connection was found silent, or [`NEVER`].
    silent_at: AtomicU64,
}

/// An open flow through a connection; counts while it lives.
#[derive(Debug)]
pub(crate) struct OpenFlow {
    through: Arc<Registered>,
    flows: Arc<watch::Sender<usize>>,
    metrics: Metrics,
}

/// What a flow demands of the connection that carries it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) tunnel: TunnelId,
    /// The destination is a name, which only connectors of ours resolve.
    pub(crate) by_name: bool,
}

/// Why no connection can carry a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// None is registered, or all that are were tried.
    NoConnection,
    /// The registered ones are stock connectors, which dial IP addresses only.
    NoNames,
}

impl Registry {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            tunnels: Mutex::default(),
            changes: watch::Sender::new(0),
            flows: Arc::new(watch::Sender::new(0)),
            metrics,
        }
    }

    /// Lists a connection, if `allowed` still says so under the lock. An older connection of the
    /// same connector with the same index is a zombie of a reconnect, and is closed. Those of other
    /// connectors are asked for a sign of life: this one may be their successor.
    pub(crate) fn add(&self, new: Arc<Registered>, allowed: impl FnOnce() -> bool) -> bool {
        let mut tunnels = self.lock();
        if !allowed() {
            return false;
        }
        let connections = tunnels.entry(new.tunnel).or_default();
        connections.retain(|old| {
            let replaced = old.connector.id == new.connector.id && old.index == new.index;
            if replaced {
                self.metrics.connections.dec();
                old.connection
                    .close(CLOSE, b"replaced by a newer connection");
            } else if old.connector.id != new.connector.id {
                old.suspected.notify_one();
            }
            !replaced
        });
        connections.push(new);
        self.metrics.connections.inc();
        drop(tunnels);
        self.changed();
        true
    }

    /// Takes a connection off the list.
    pub(crate) fn remove(&self, gone: &Arc<Registered>) {
        let mut tunnels = self.lock();
        if let Some(connections) = tunnels.get_mut(&gone.tunnel) {
            let before = connections.len();
            connections.retain(|listed| !Arc::ptr_eq(listed, gone));
            if connections.len() < before {
                self.metrics.connections.dec();
            }
            if connections.is_empty() {
                tunnels.remove(&gone.tunnel);
            }
        }
        drop(tunnels);
        self.changed();
    }

    /// No new flow through this connection; it ends when its last flow does.
    pub(crate) fn start_draining(&self, leaving: &Registered) {
        let tunnels = self.lock();
        // Sequential consistency, here and where a flow ends: one of the two must see the other,
        // or nobody would notice that the last flow is gone.
        leaving.draining.store(true, Ordering::SeqCst);
        if leaving.open.load(Ordering::SeqCst) == 0 {
            leaving.drained.notify_one();
        }
        drop(tunnels);
        self.changed();
    }

    /// Keeps what a connector told of its rules.
    pub(crate) fn configured(&self, by: &Registered, configuration: Arc<str>) {
        *by.lock_configuration() = Some(configuration);
        self.changed();
    }

    /// Closes the connections of tunnels that are no longer configured.
    pub(crate) fn keep_configured(&self, snapshot: &Snapshot) {
        for (tunnel, connections) in self.lock().iter() {
            if snapshot.tunnel(*tunnel).is_none() {
                for registered in connections {
                    registered
                        .connection
                        .close(CLOSE, b"the tunnel was removed");
                }
            }
        }
    }

    /// Chooses the connection with the fewest open flows, and counts the new one on it.
    pub(crate) fn pick(
        &self,
        wanted: Wanted,
        tried: &[Arc<Registered>],
    ) -> Result<OpenFlow, Unavailable> {
        let tunnels = self.lock();
        let usable = tunnels
            .get(&wanted.tunnel)
            .into_iter()
            .flatten()
            .filter(|registered| registered.is_usable())
            .filter(|registered| !tried.iter().any(|other| Arc::ptr_eq(other, registered)));
        let mut unavailable = Unavailable::NoConnection;
        let through = usable
            .inspect(|_| unavailable = Unavailable::NoNames)
            .filter(|registered| !wanted.by_name || registered.connector.has(feature::DIAL_BY_NAME))
            .min_by_key(|registered| (registered.is_silent(), registered.open_flows()))
            .cloned();
        let through = through.ok_or(unavailable)?;
        Ok(OpenFlow::new(through, self))
    }

    /// The connections of one tunnel, or of all.
    pub(crate) fn listed(&self, tunnel: Option<TunnelId>) -> Vec<Arc<Registered>> {
        let tunnels = self.lock();
        match tunnel {
            Some(tunnel) => tunnels.get(&tunnel).cloned().unwrap_or_default(),
            None => tunnels.values().flatten().cloned().collect(),
        }
    }

    /// A counter that moves when a connection comes, tells its rules, begins to drain, or goes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits until no flow is open.
    pub(crate) async fn no_flows(&self) {
        let mut flows = self.flows.subscribe();
        // The sender is this registry's own: it cannot be gone.
        drop(flows.wait_for(|open| *open == 0).await);
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TunnelId, Vec<Arc<Registered>>>> {
        // Nothing in here panics between two changes that belong together.
        self.tunnels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registered {
    pub(crate) fn new(
        tunnel: TunnelId,
        connector: ConnectorInfo,
        index: ConnIndex,
        connection: quinn::Connection,
    ) -> Self {
        Self {
            tunnel,
            connector,
            index,
            connection,
            since: SystemTime::now(),
            configuration: Mutex::default(),
            open: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            drained: Notify::new(),
            suspected: Notify::new(),
            silent_at: AtomicU64::new(NEVER),
        }
    }

    pub(crate) fn connector_id(&self) -> ConnectorId {
        self.connector.id
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    pub(crate) fn configuration(&self) -> Option<Arc<str>> {
        self.lock_configuration().clone()
    }

    fn lock_configuration(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.configuration
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open_flows(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Waits until the connection drains and has no flow left.
    pub(crate) async fn drained(&self) {
        self.drained.notified().await;
    }

    /// Waits until another connector registered for the same tunnel.
    pub(crate) async fn suspected(&self) {
        self.suspected.notified().await;
    }

    /// Waits until nothing arrived for [`SILENCE`]; may be long, or for ever.
    pub(crate) async fn silent(&self) {
        let patience = SILENCE.max(self.connection.rtt() * 3);
        loop {
            let before = self.received();
            tokio::time::sleep(patience).await;
            if self.received() == before {
                self.silent_at.store(before, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Whether nothing arrives within [`SILENCE`] from now.
    pub(crate) async fn stays_silent(&self) -> bool {
        let patience = SILENCE.max(self.connection.rtt() * 3);
        let before = self.received();
        tokio::time::sleep(patience).await;
        self.received() == before
    }

    fn is_usable(&self) -> bool {
        !self.is_draining() && self.connection.close_reason().is_none()
    }

    /// Found silent, and nothing arrived since.
    fn is_silent(&self) -> bool {
        let silent_at = self.silent_at.load(Ordering::Relaxed);
        silent_at != NEVER && silent_at == self.received()
    }

    fn received(&self) -> u64 {
        self.connection.stats().udp_rx.datagrams
    }
}

impl OpenFlow {
    /// Only under the registry's lock: draining and counting must not cross.
    fn new(through: Arc<Registered>, registry: &Registry) -> Self {
        through.open.fetch_add(1, Ordering::Relaxed);
        registry.flows.send_modify(|open| *open += 1);
        registry.metrics.flows_open.inc();
        Self {
            through,
            flows: registry.flows.clone(),
            metrics: registry.metrics.clone(),
        }
    }

    pub(crate) fn through(&self) -> &Arc<Registered> {
        &self.through
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl Drop for OpenFlow {
    fn drop(&mut self) {
        let left = self.through.open.fetch_sub(1, Ordering::SeqCst) - 1;
        if left == 0 && self.through.is_draining() {
            self.through.drained.notify_one();
        }
        self.flows.send_modify(|open| *open -= 1);
        self.metrics.flows_open.dec();
    }
}
