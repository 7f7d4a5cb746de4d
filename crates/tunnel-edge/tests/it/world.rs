//! What a test stands on: an authority, a tunnel, edges and connectors, and how to wait for them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::{
    AccountTag, Address, IngressRule, SecretSlice, Service, Snapshot, Tunnel, TunnelId, Via,
};
use net::tls::Authority;
use net::{BoxStream, Dial, DialError, Drain};
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tunnel_connector::{Connector, ConnectorConfig, ConnectorStatus, DEFAULT_SERVER_NAME};
use tunnel_edge::{CERTIFICATE_NAMES, EdgeConfig, TunnelEdge, TunnelMonitor};
use tunnel_proto::Credentials;

/// Longest that anything in these tests may take; a busy machine needs a part of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) tunnel: TunnelId,
    pub(crate) secret: SecretSlice<u8>,
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
}

/// A running edge.
pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    pub(crate) monitor: TunnelMonitor,
    pub(crate) metrics: Registry,
    pub(crate) drain: Drain,
    dialer: Arc<dyn Dial>,
    tunnel: TunnelId,
    task: JoinHandle<()>,
}

/// A running connector.
pub(crate) struct Running {
    pub(crate) status: watch::Receiver<ConnectorStatus>,
    pub(crate) drain: Drain,
    task: JoinHandle<()>,
}

impl World {
    pub(crate) fn new() -> Self {
        let tunnel = Tunnel {
            id: TunnelId::random(),
            name: "office".to_owned(),
            account: AccountTag("acc".to_owned()),
            secret: vec![7; 32].into(),
        };
        Self {
            authority: Authority::ephemeral().unwrap(),
            tunnel: tunnel.id,
            secret: tunnel.secret.clone(),
            snapshots: watch::Sender::new(Arc::new(Snapshot::new([], [tunnel]))),
        }
    }

    /// An edge on a free port of loopback.
    pub(crate) fn edge(&self) -> Edge {
        self.edge_at("127.0.0.1:0".parse().unwrap())
    }

    /// An edge on this address. All edges of a world have the same reset key, as one that restarts.
    pub(crate) fn edge_at(&self, listen: SocketAddr) -> Edge {
        let mut metrics = Registry::default();
        let counted = tunnel_edge::Metrics::register(&mut metrics);
        let config = self.edge_config(listen);
        let edge = TunnelEdge::bind(config, self.snapshots.subscribe(), counted).unwrap();
        let drain = Drain::new();
        Edge {
            address: edge.local_addr(),
            monitor: edge.monitor(),
            metrics,
            dialer: edge.dialer(),
            tunnel: self.tunnel,
            task: tokio::spawn(edge.run(drain.guard())),
            drain,
        }
    }

    /// The address is free again when the stopped edge said goodbye to all its connections.
    pub(crate) async fn restarted_edge(&self, listen: SocketAddr) -> Edge {
        let free = async {
            while tokio::net::UdpSocket::bind(listen).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, free).await.unwrap();
        self.edge_at(listen)
    }

    fn edge_config(&self, listen: SocketAddr) -> EdgeConfig {
        let names = CERTIFICATE_NAMES.map(str::to_owned);
        let (certificate_chain, private_key) = self.authority.issue(&names).unwrap();
        EdgeConfig {
            listen,
            certificate_chain,
            private_key,
            reset_key: [9; 32],
            location: "test".to_owned(),
            max_connections: EdgeConfig::MAX_CONNECTIONS,
        }
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials {
            account: AccountTag("acc".to_owned()),
            tunnel: self.tunnel,
            secret: self.secret.clone(),
            endpoint: None,
        }
    }

    pub(crate) fn connector_config(
        &self,
        edge: SocketAddr,
        services: &[Address],
    ) -> ConnectorConfig {
        ConnectorConfig {
            edges: vec![address(edge)],
            credentials: self.credentials(),
            roots_pem: self.authority.certificate_pem().to_owned(),
            server_name: DEFAULT_SERVER_NAME.to_owned(),
            connections: ConnectorConfig::CONNECTIONS,
            ingress: services
                .iter()
                .map(|service| IngressRule {
                    service: Service::Tcp(service.clone()),
                })
                .collect(),
            grace_period: ConnectorConfig::GRACE_PERIOD,
        }
    }

    /// A connector that serves `services` and dials `edge`.
    pub(crate) fn connector(&self, edge: SocketAddr, services: &[Address]) -> Running {
        run(self.connector_config(edge, services))
    }

    /// An edge with one connector whose connections are all up.
    pub(crate) async fn pair(&self, services: &[Address]) -> (Edge, Running) {
        let edge = self.edge();
        let connector = self.connector(edge.address, services);
        edge.wait_for(4).await;
        (edge, connector)
    }
}

pub(crate) fn run(config: ConnectorConfig) -> Running {
    let connector = Connector::new(config, tunnel_connector::Metrics::default()).unwrap();
    let drain = Drain::new();
    Running {
        status: connector.status(),
        task: tokio::spawn(connector.run(drain.guard())),
        drain,
    }
}

pub(crate) fn address(of: SocketAddr) -> Address {
    Address::new(of.ip().to_string(), of.port())
}

impl Edge {
    pub(crate) async fn dial(&self, to: &Address) -> Result<BoxStream, DialError> {
        let via = Via::Tunnel(self.tunnel);
        timeout(PATIENCE, self.dialer.dial(via, to)).await.unwrap()
    }

    /// Waits until this many connections of the tunnel take flows.
    pub(crate) async fn wait_for(&self, connections: usize) {
        timeout(PATIENCE, self.monitor.wait_for(self.tunnel, connections))
            .await
            .expect("the connections are registered");
    }

    /// Waits until a condition of the tunnel's status holds.
    pub(crate) async fn until(&self, what: impl Fn(&tunnel_edge::TunnelStatus) -> bool) {
        let mut changes = self.monitor.changes();
        let holds = async {
            while !what(&self.monitor.status(self.tunnel)) {
                changes.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, holds)
            .await
            .expect("the status is reached");
    }

    /// The value of a metric as scrapers see it.
    pub(crate) fn metric(&self, line: &str) -> Option<u64> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics).unwrap();
        let value = text.lines().find_map(|found| found.strip_prefix(line))?;
        value.trim().parse().ok()
    }

    /// Stops at once, as when its process ends in good order.
    pub(crate) async fn stop(self) -> SocketAddr {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.address
    }
}

impl Running {
    /// Waits until a condition of the connector's status holds.
    pub(crate) async fn until(&mut self, what: impl FnMut(&ConnectorStatus) -> bool) {
        let reached = timeout(PATIENCE, self.status.wait_for(what)).await;
        drop(reached.expect("the status is reached").unwrap());
    }

    /// Stops at once, as when its process ends in good order.
    pub(crate) async fn stop(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}
