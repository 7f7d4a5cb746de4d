//! The connector itself: keeps all its connections up until it is drained.

use std::sync::Arc;
use std::time::Duration;

use domain::{Address, ConnIndex, ConnectorId};
use net::DrainGuard;
use quinn::ClientConfig;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tunnel_proto::{ConnectorInfo, Credentials, feature};

use crate::ingress::Ingress;
use crate::rpc::RpcThread;
use crate::slot::Slot;
use crate::status::StatusBoard;
use crate::{ConnectorConfig, ConnectorStatus, Error, Metrics, transport};

/// A connector: dials edges and serves the flows that they open.
#[derive(Debug)]
pub struct Connector {
    shared: Arc<Shared>,
    connections: u8,
}

/// What all connections of a connector share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) edges: Vec<Address>,
    pub(crate) server_name: String,
    pub(crate) client: ClientConfig,
    pub(crate) credentials: Credentials,
    pub(crate) info: ConnectorInfo,
    pub(crate) ingress: Ingress,
    pub(crate) grace_period: Duration,
    pub(crate) rpc: RpcThread,
    pub(crate) status: StatusBoard,
    pub(crate) metrics: Metrics,
}

impl Connector {
    /// Checks the configuration. Nothing is dialled before [`Connector::run`].
    pub fn new(config: ConnectorConfig, metrics: Metrics) -> Result<Self, Error> {
        if config.edges.is_empty() {
            return Err(Error::NoEdge);
        }
        if config.connections == 0 {
            return Err(Error::NoConnections);
        }
        let shared = Shared {
            client: transport::client_config(&config.roots_pem)?,
            edges: config.edges,
            server_name: config.server_name,
            credentials: config.credentials,
            info: info(),
            ingress: Ingress::new(config.ingress),
            grace_period: config.grace_period,
            rpc: RpcThread::start()?,
            status: StatusBoard::new(config.connections),
            metrics,
        };
        Ok(Self {
            shared: Arc::new(shared),
            connections: config.connections,
        })
    }

    /// This process's id, as edges show it.
    pub fn id(&self) -> ConnectorId {
        self.shared.info.id
    }

    /// How the connections are, from now on.
    pub fn status(&self) -> watch::Receiver<ConnectorStatus> {
        self.shared.status.subscribe()
    }

    /// Keeps the connections up until `drain` begins. Then each is unregistered, its flows go on
    /// for the grace period at most, and it is closed.
    ///
    /// Dropping the future closes everything at once.
    pub async fn run(self, drain: DrainGuard) {
        let mut slots = JoinSet::new();
        for index in 0..self.connections {
            let slot = Slot::new(ConnIndex(index), self.shared.clone());
            slots.spawn(slot.keep_up(drain.draining().clone()));
        }
        while slots.join_next().await.is_some() {}
    }
}

/// Who we are. Cloudflared's strings where the meaning is the same.
fn info() -> ConnectorInfo {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    ConnectorInfo {
        id: ConnectorId::random(),
        features: [
            feature::QUIC_EOF,
            feature::HALF_CLOSE,
            feature::DIAL_BY_NAME,
        ]
        .map(str::to_owned)
        .to_vec(),
        version: concat!("tidegate-", env!("CARGO_PKG_VERSION")).to_owned(),
        arch: format!("{}_{arch}", std::env::consts::OS),
    }
}
