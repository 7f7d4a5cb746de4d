//! Brings the path up in this process: an edge with one hyperdrive, whose origin is reached only
//! through a tunnel, and the connector at its other end.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use app::{App, ConnectorRole, EdgeRole};
use config::{Config, ConnectorConfig, ConnectorCredentials, EdgeConfig};
use domain::{
    Address, CachePolicy, DeclaredHyperdrive, DeclaredOrigin, DeclaredTunnel, DeclaredVia,
    ExposeSecret, Hyperdrive, IngressRule, Limits, OriginTls, PoolPolicy, SecretString, Service,
    Tunnel,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tunnel_connector::ConnectionState;
use tunnel_proto::Credentials;

use super::client::Target;
use super::diagnose::{PoolFacts, TunnelFacts};

/// Name of the hyperdrive, its local user, and its tunnel.
const NAME: &str = "demo";

/// Next to MySQL's own port, which a database of this machine may have. When it is taken, any.
const FRIENDLY_PORT: u16 = 3307;

/// Longest that a drain waits for clients, and then for flows: Ctrl-C should be quick.
const DRAIN: Duration = Duration::from_secs(5);

/// Longest that the connector may take to register all its connections. It takes milliseconds.
const REGISTRATION: Duration = Duration::from_secs(10);

/// What the path is made for.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// For the edge's store and authority.
    pub(super) folder: &'a FilePath,
    /// Where the edge listens; `None`: at the friendly port, else anywhere.
    pub(super) listen: Option<SocketAddr>,
    pub(super) pool_max: usize,
    /// The database.
    pub(super) origin: &'a Target,
}

/// An edge and a connector that serve.
pub(super) struct Path {
    edge: Role,
    connector: Role,
    /// The edge's MySQL address.
    pub(super) address: SocketAddr,
    /// Where the edge's metrics are.
    pub(super) admin: Option<SocketAddr>,
    pub(super) connection_string: SecretString,
    /// The edge's authority, for clients that verify.
    ca_file: PathBuf,
    hyperdrive: Arc<Hyperdrive>,
    pool: View<PoolFacts>,
    tunnel: View<TunnelFacts>,
}

/// Looks at a role while it runs.
type View<T> = Box<dyn Fn() -> T + Send + Sync>;

impl Path {
    /// Starts both roles, and waits until the connector's connections are registered, or until that
    /// has taken too long: what there is then is told by [`Path::tunnel`].
    pub(super) async fn start(plan: &Plan<'_>) -> Result<Self> {
        let edge_app = App::build(Config {
            edge: Some(edge_config(plan)),
            ..Config::default()
        })?;
        let edge = edge_app.edge().context("the edge was not built")?;
        let ca_file = plan.folder.join("edge-ca.pem");
        std::fs::write(&ca_file, edge.authority_pem())?;
        let tunnel = edge.tunnel(NAME)?;

        let connector_app = App::build(Config {
            connector: Some(connector_config(edge, &tunnel, &ca_file, plan.origin)?),
            ..Config::default()
        })?;
        let connector = connector_app
            .connector()
            .context("the connector was not built")?;

        let snapshot = edge.snapshot();
        let hyperdrive = snapshot.hyperdrives().next().map(Arc::clone);
        let hyperdrive = hyperdrive.context("the edge has no hyperdrive")?;
        let monitor = edge.tunnels().cloned().context("the edge has no tunnels")?;
        let path = Self {
            address: edge.mysql_address(),
            admin: edge.admin_address(),
            connection_string: edge.connection_string(&hyperdrive),
            ca_file,
            pool: pool_view(edge, plan.pool_max),
            tunnel: tunnel_view(edge, connector, &tunnel),
            hyperdrive,
            edge: Role::start(edge_app),
            connector: Role::start(connector_app),
        };
        let registered = monitor.wait_for(tunnel.id, ConnectorConfig::DEFAULT_CONNECTIONS);
        // Fewer are no error here: the tree tells.
        drop(tokio::time::timeout(REGISTRATION, registered).await);
        Ok(path)
    }

    /// The path's entrance, as a client's target.
    pub(super) fn target(&self) -> Target {
        Target {
            address: Address::new(self.address.ip().to_string(), self.address.port()),
            user: self.hyperdrive.credentials.user.clone(),
            password: self.hyperdrive.credentials.password.clone(),
            database: self.hyperdrive.origin.database.clone(),
            tls: OriginTls::Disabled,
        }
    }

    /// A command line that connects: of the client that this machine has. It verifies the edge.
    pub(super) fn command(&self) -> SecretString {
        let (name, verify) = match config::env_path_search("mysql") {
            Some(_) if config::env_path_search("mariadb").is_none() => {
                ("mysql", "--ssl-mode=VERIFY_IDENTITY")
            }
            _ => ("mariadb", "--ssl-verify-server-cert"),
        };
        let credentials = &self.hyperdrive.credentials;
        let database = self.hyperdrive.origin.database.as_deref();
        SecretString::from(format!(
            "{name} --protocol=tcp --host={} --port={} --user={} --password={} \
             {verify} --ssl-ca={}{}",
            self.address.ip(),
            self.address.port(),
            credentials.user,
            credentials.password.expose_secret(),
            self.ca_file.display(),
            database.map_or_else(String::new, |database| format!(" {database}")),
        ))
    }

    /// The pool now.
    pub(super) fn pool(&self) -> PoolFacts {
        (self.pool)()
    }

    /// The tunnel now.
    pub(super) fn tunnel(&self) -> TunnelFacts {
        (self.tunnel)()
    }

    /// Lets clients finish, then closes in the order of the path.
    pub(super) async fn drain(self) -> Result<()> {
        self.edge.stop().await?;
        self.connector.stop().await
    }
}

// === Role ===

/// An [`App`] in a task.
struct Role {
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<()>>,
}

impl Role {
    fn start(app: App) -> Self {
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.run(async {
            // A handle that is dropped stops it too.
            drop(stopped.await);
        }));
        Self { stop, running }
    }

    /// Drains it, and waits until it has ended.
    async fn stop(self) -> Result<()> {
        drop(self.stop);
        self.running.await?
    }
}

// === Views ===

fn pool_view(edge: &EdgeRole, max: usize) -> View<PoolFacts> {
    let hyperdrives = edge.hyperdrives().clone();
    Box::new(move || {
        let status = hyperdrives.status();
        let pool = status.first().and_then(|status| status.pool);
        PoolFacts {
            max,
            open: pool.map_or(0, |pool| pool.open),
            idle: pool.map_or(0, |pool| pool.idle),
        }
    })
}

fn tunnel_view(edge: &EdgeRole, connector: &ConnectorRole, tunnel: &Tunnel) -> View<TunnelFacts> {
    let (monitor, id) = (edge.tunnels().cloned(), tunnel.id);
    let connector = connector.status();
    Box::new(move || {
        let status = monitor.as_ref().map(|monitor| monitor.status(id));
        let status = status.unwrap_or_default();
        let first = status.connectors.first();
        let round_trips = status.connectors.iter().flat_map(|it| &it.connections);
        TunnelFacts {
            connections: status.connections(),
            connector: first.map(|connector| {
                let (id, version) = (connector.id, &connector.version);
                format!("{id}, {version}")
            }),
            rtt: round_trips.map(|connection| connection.rtt).min(),
            reason: connector
                .borrow()
                .connections
                .iter()
                .find_map(|state| match state {
                    ConnectionState::Down { reason } => reason.clone(),
                    ConnectionState::Registered { .. } => None,
                }),
        }
    })
}

// === Configuration ===

fn edge_config(plan: &Plan<'_>) -> EdgeConfig {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let origin = plan.origin;
    let hyperdrive = DeclaredHyperdrive {
        name: NAME.to_owned(),
        user: NAME.to_owned(),
        password: None,
        origin: DeclaredOrigin {
            address: origin.address.clone(),
            via: DeclaredVia::Tunnel(NAME.to_owned()),
            tls: origin.tls.clone(),
            user: origin.user.clone(),
            password: origin.password.clone(),
            database: origin.database.clone(),
        },
        pool: PoolPolicy {
            max: plan.pool_max,
            ..PoolPolicy::default()
        },
        limits: Limits::default(),
        cache: CachePolicy {
            enabled: false,
            ..CachePolicy::default()
        },
    };
    EdgeConfig {
        state_dir: plan.folder.join("edge"),
        listen: plan.listen.unwrap_or_else(friendly_address),
        tunnel_listen: Some(loopback),
        admin_listen: Some(loopback),
        drain_timeout: DRAIN,
        tunnels: vec![DeclaredTunnel::new(NAME)],
        hyperdrives: vec![hyperdrive],
        ..EdgeConfig::default()
    }
}

/// The friendly port if nobody has it now, else any.
fn friendly_address() -> SocketAddr {
    let friendly = SocketAddr::from((Ipv4Addr::LOCALHOST, FRIENDLY_PORT));
    match TcpListener::bind(friendly) {
        Ok(_) => friendly,
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

fn connector_config(
    edge: &EdgeRole,
    tunnel: &Tunnel,
    ca_file: &FilePath,
    origin: &Target,
) -> Result<ConnectorConfig> {
    let address = edge.tunnel_address().context("the edge has no tunnels")?;
    let address = Address::new(address.ip().to_string(), address.port());
    let credentials = Credentials {
        account: tunnel.account.clone(),
        tunnel: tunnel.id,
        secret: tunnel.secret.clone(),
        endpoint: None,
    };
    let token = ConnectorCredentials::Token(credentials.to_token());
    Ok(ConnectorConfig {
        ca_file: Some(ca_file.to_owned()),
        grace_period: DRAIN,
        ingress: vec![IngressRule {
            service: Service::Tcp(origin.address.clone()),
        }],
        ..ConnectorConfig::new(vec![address], token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_no_obstacle() {
        // Whoever has it, this test or another process, it is taken now.
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, FRIENDLY_PORT));
        assert_eq!(friendly_address().port(), 0);
    }
}
