//! Who is connected, for people and for whoever waits for a tunnel.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use domain::{ConnIndex, ConnectorId, TunnelId};
use tokio::sync::watch;

use crate::registration::Shared;
use crate::registry::Registered;

/// Tells who is connected to an edge. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TunnelMonitor {
    shared: Arc<Shared>,
}

/// One tunnel, as seen from this edge.
#[derive(Clone, Debug, Default)]
pub struct TunnelStatus {
    /// Its connectors here, by id. Empty: the tunnel is down on this edge.
    pub connectors: Vec<ConnectorStatus>,
}

/// One connector process.
#[derive(Clone, Debug)]
pub struct ConnectorStatus {
    /// Chosen by the process when it started.
    pub id: ConnectorId,
    /// Its release.
    pub version: String,
    /// Its platform, as `linux_amd64`.
    pub arch: String,
    /// What it can do.
    pub features: Vec<String>,
    /// Its rules as it told them, JSON.
    pub configuration: Option<Arc<str>>,
    /// Its connections, by index.
    pub connections: Vec<ConnectionStatus>,
}

/// One connection of a connector.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionStatus {
    /// Which of the connector's connections.
    pub index: ConnIndex,
    /// Where it comes from.
    pub remote: SocketAddr,
    /// When it registered.
    pub since: SystemTime,
    /// Flows through it now.
    pub open_flows: usize,
    /// True: its connector is leaving, and no new flow takes it.
    pub draining: bool,
    /// The measured round trip.
    pub rtt: Duration,
}

impl TunnelMonitor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// One tunnel now.
    pub fn status(&self, tunnel: TunnelId) -> TunnelStatus {
        TunnelStatus::of(&self.shared.registry.listed(Some(tunnel)))
    }

    /// All tunnels that have a connection now.
    pub fn statuses(&self) -> BTreeMap<TunnelId, TunnelStatus> {
        let mut by_tunnel = BTreeMap::<_, Vec<_>>::new();
        for registered in self.shared.registry.listed(None) {
            by_tunnel
                .entry(registered.tunnel)
                .or_default()
                .push(registered);
        }
        by_tunnel
            .iter()
            .map(|(tunnel, connections)| (*tunnel, TunnelStatus::of(connections)))
            .collect()
    }

    /// A number that changes whenever a connection comes, tells its rules, begins to drain, or
    /// goes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.registry.changes()
    }

    /// Waits until the tunnel has at least `connections` connections that take flows. Has no limit
    /// of its own. Cancel-safe; for progress, read [`TunnelMonitor::status`] after each of
    /// [`TunnelMonitor::changes`].
    pub async fn wait_for(&self, tunnel: TunnelId, connections: usize) {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if self.status(tunnel).connections() >= connections || changes.changed().await.is_err()
            {
                return;
            }
        }
    }
}

impl TunnelStatus {
    /// Connections that take flows.
    pub fn connections(&self) -> usize {
        self.connectors
            .iter()
            .flat_map(|connector| &connector.connections)
            .filter(|connection| !connection.draining)
            .count()
    }

    fn of(registered: &[Arc<Registered>]) -> Self {
        let mut connectors = BTreeMap::<ConnectorId, ConnectorStatus>::new();
        for connection in registered {
            connectors
                .entry(connection.connector_id())
                .or_insert_with(|| ConnectorStatus::of(connection))
                .add(connection);
        }
        Self {
            connectors: connectors.into_values().collect(),
        }
    }
}

impl ConnectorStatus {
    fn of(registered: &Registered) -> Self {
        let connector = registered.connector.clone();
        Self {
            id: connector.id,
            version: connector.version,
            arch: connector.arch,
            features: connector.features,
            configuration: None,
            connections: Vec::new(),
        }
    }

    fn add(&mut self, registered: &Registered) {
        if self.configuration.is_none() {
            self.configuration = registered.configuration();
        }
        self.connections.push(ConnectionStatus {
            index: registered.index,
            remote: registered.remote(),
            since: registered.since,
            open_flows: registered.open_flows(),
            draining: registered.is_draining(),
            rtt: registered.connection.rtt(),
        });
        self.connections.sort_by_key(|connection| connection.index);
    }
}
