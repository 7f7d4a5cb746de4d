//! The public side: store, snapshot, tunnels, pools, MySQL clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::Router;
use config::EdgeConfig;
use control_store::Store;
use domain::{ExposeSecret, Hyperdrive, SecretString, Snapshot, Tunnel};
use mysql_proxy::{Hyperdrives, Mutant, MySqlListener, ProxyConfig};
use net::tls::Authority;
use net::{Drain, listen};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use telemetry::{CheckState, Readiness, Registry};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use tunnel_edge::{CERTIFICATE_NAMES, TunnelEdge, TunnelMonitor};

use crate::admin::Admin;
use crate::certificates;
use crate::dialers::Dialers;
use crate::housekeeping::Housekeeping;
use crate::purge;

/// The name under which the store keeps the key of QUIC's stateless resets.
const RESET_KEY: &str = "quic-stateless-reset";

/// Longest that the tunnel edge may take to close once no client is left.
const TUNNEL_DRAIN: Duration = Duration::from_secs(5);

/// An edge that has its addresses and waits to be started.
#[derive(Debug)]
pub struct EdgeRole {
    config: EdgeConfig,
    snapshot: watch::Sender<Arc<Snapshot>>,
    authority: Authority,
    listener: MySqlListener,
    mysql_address: SocketAddr,
    hyperdrives: Hyperdrives,
    tunnel: Option<TunnelEdge>,
    monitor: Option<TunnelMonitor>,
    admin: Option<Admin>,
    housekeeping: Housekeeping,
}

/// An edge that serves.
#[derive(Debug)]
pub(crate) struct RunningEdge {
    // Kept so that the engines' receivers stay open.
    _snapshot: watch::Sender<Arc<Snapshot>>,
    drain_timeout: Duration,
    sessions: Drain,
    tunnels: Drain,
    hyperdrives: Hyperdrives,
    meeting: JoinHandle<()>,
    admin: Option<JoinHandle<()>>,
    // Likewise, for its tasks.
    _housekeeping: Housekeeping,
}

/// What the store makes of a configuration: ids, secrets and passwords that the file leaves out are
/// made on the first call and stay.
pub fn stored_snapshot(config: &EdgeConfig) -> Result<(Store, Snapshot)> {
    let mut store = Store::open(&config.state_dir)?;
    let snapshot = store.declare(&config.hyperdrives, &config.tunnels)?;
    Ok((store, snapshot))
}

impl EdgeRole {
    pub(crate) fn build(config: EdgeConfig, mutant: Mutant) -> Result<Self> {
        let (mut store, snapshot) = stored_snapshot(&config)?;
        let (snapshot, snapshots) = watch::channel(Arc::new(snapshot));
        let authority = Authority::open(&config.state_dir)?;
        let mut registry = telemetry::registry(env!("CARGO_PKG_VERSION"));

        let tunnel = config
            .tunnel_listen
            .map(|address| {
                let metrics = tunnel_edge::Metrics::register(&mut registry);
                let config = tunnel_config(address, &authority, &mut store)?;
                anyhow::Ok(TunnelEdge::bind(config, snapshots.clone(), metrics)?)
            })
            .transpose()?;
        let monitor = tunnel.as_ref().map(TunnelEdge::monitor);

        let metrics = mysql_proxy::Metrics::register(&mut registry);
        let dialers = Arc::new(Dialers::new(tunnel.as_ref().map(TunnelEdge::dialer)));
        let housekeeping = Housekeeping::start().context("cannot start a thread")?;
        let hyperdrives = Hyperdrives::new(
            snapshots,
            dialers,
            metrics.clone(),
            housekeeping.handle(),
            mutant,
        );
        let listener = listen(config.listen)
            .with_context(|| format!("cannot listen on edge.listen = {}", config.listen))?;
        let proxy = ProxyConfig {
            server_version: config.server_version.clone(),
            max_clients: config.max_clients,
            login_timeout: config.login_timeout,
            tls: certificates::mysql_tls(&config.tls, &authority, config.listen)?,
            mutant,
        };
        let listener = MySqlListener::new(listener, proxy, hyperdrives.clone(), metrics);
        let routes = purge::routes(Arc::new(hyperdrives.clone()));
        let admin = admin(&config, registry, &snapshot, monitor.as_ref(), routes)?;
        Ok(Self {
            mysql_address: listener.local_addr()?,
            config,
            snapshot,
            authority,
            listener,
            hyperdrives,
            tunnel,
            monitor,
            admin,
            housekeeping,
        })
    }

    pub(crate) fn start(self) -> RunningEdge {
        let (sessions, tunnels) = (Drain::new(), Drain::new());
        info!(
            mysql = %self.mysql_address,
            hyperdrives = self.config.hyperdrives.len(),
            "Edge serves MySQL clients"
        );
        tokio::spawn(self.listener.run(sessions.guard()));
        if let Some(tunnel) = self.tunnel {
            tokio::spawn(tunnel.run(tunnels.guard()));
        }
        let hyperdrives = self.hyperdrives.clone();
        let meeting = tokio::spawn(async move { hyperdrives.meet_origins().await });
        let draining = sessions.draining();
        let admin = self.admin.map(|admin| admin.start(draining));
        RunningEdge {
            _snapshot: self.snapshot,
            drain_timeout: self.config.drain_timeout,
            sessions,
            tunnels,
            hyperdrives: self.hyperdrives,
            meeting,
            admin,
            _housekeeping: self.housekeeping,
        }
    }

    /// Where MySQL clients connect.
    pub fn mysql_address(&self) -> SocketAddr {
        self.mysql_address
    }

    /// Where connectors connect, if tunnels are served.
    pub fn tunnel_address(&self) -> Option<SocketAddr> {
        self.tunnel.as_ref().map(TunnelEdge::local_addr)
    }

    /// Where `/metrics` and `/ready` are, if served.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    /// The certificate of the local authority, which connectors trust.
    pub fn authority_pem(&self) -> String {
        self.authority.certificate_pem().to_owned()
    }

    /// The pools, to look at.
    pub fn hyperdrives(&self) -> &Hyperdrives {
        &self.hyperdrives
    }

    /// Who is connected to the tunnels, if any are served.
    pub fn tunnels(&self) -> Option<&TunnelMonitor> {
        self.monitor.as_ref()
    }

    /// The configuration in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// The tunnel of this name.
    pub fn tunnel(&self, name: &str) -> Result<Arc<Tunnel>> {
        let snapshot = self.snapshot.borrow();
        let mut tunnels = snapshot.tunnels();
        tunnels
            .find(|tunnel| tunnel.name == name)
            .map(Arc::clone)
            .ok_or_else(|| anyhow!("no tunnel has the name `{name}`"))
    }

    /// What to paste into a client of this hyperdrive. Holds its local password.
    pub fn connection_string(&self, hyperdrive: &Hyperdrive) -> SecretString {
        connection_string(hyperdrive, self.mysql_address)
    }
}

impl RunningEdge {
    /// Lets sessions finish, closes the pools, then the tunnels.
    pub(crate) async fn drain(self) {
        self.meeting.abort();
        if !self.sessions.drain(self.drain_timeout).await {
            warn!(
                limit = ?self.drain_timeout,
                "Cut sessions off that did not finish in time"
            );
        }
        // Idle connections of the pools are flows of the tunnels.
        self.hyperdrives.close();
        self.tunnels.drain(TUNNEL_DRAIN).await;
        if let Some(admin) = self.admin {
            admin.abort();
        }
    }
}

/// The connection string of a hyperdrive on an edge that listens on `address`.
pub fn connection_string(hyperdrive: &Hyperdrive, address: SocketAddr) -> SecretString {
    let host = if address.ip().is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        address.ip()
    };
    let address = SocketAddr::new(host, address.port());
    let credentials = &hyperdrive.credentials;
    SecretString::from(format!(
        "mysql://{}:{}@{address}/{}",
        encoded(&credentials.user),
        encoded(credentials.password.expose_secret()),
        encoded(hyperdrive.origin.database.as_deref().unwrap_or_default()),
    ))
}

/// A part of a URL: everything but the unreserved characters is percent-encoded
/// (RFC 3986, section 2.3).
fn encoded(part: &str) -> PercentEncode<'_> {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(part, RESERVED)
}

fn tunnel_config(
    listen: SocketAddr,
    authority: &Authority,
    store: &mut Store,
) -> Result<tunnel_edge::EdgeConfig> {
    let names = CERTIFICATE_NAMES.map(str::to_owned);
    let (certificate_chain, private_key) = authority.issue(&names)?;
    let reset_key = store.edge_key(RESET_KEY)?;
    Ok(tunnel_edge::EdgeConfig {
        listen,
        certificate_chain,
        private_key,
        reset_key: reset_key
            .expose_secret()
            .try_into()
            .context("the store's key for stateless resets is not of 32 bytes")?,
        location: "tidegate".to_owned(),
        max_connections: tunnel_edge::EdgeConfig::MAX_CONNECTIONS,
    })
}

/// `/metrics`, `/ready`, and these routes. The edge is ready while each of its tunnels has a
/// connector.
fn admin(
    config: &EdgeConfig,
    registry: Registry,
    snapshot: &watch::Sender<Arc<Snapshot>>,
    monitor: Option<&TunnelMonitor>,
    routes: Router,
) -> Result<Option<Admin>> {
    let Some(address) = config.admin_listen else {
        return Ok(None);
    };
    let mut readiness = Readiness::new();
    let snapshot = snapshot.borrow();
    for tunnel in snapshot.tunnels() {
        let Some(monitor) = monitor.cloned() else {
            continue;
        };
        let id = tunnel.id;
        readiness.add(format!("tunnel {}", tunnel.name), move || {
            match monitor.status(id).connections() {
                0 => CheckState::NotReady("no connector is connected".to_owned()),
                _ => CheckState::Ready,
            }
        });
    }
    Admin::listen(address, "edge.admin_listen", registry, readiness, routes).map(Some)
}
