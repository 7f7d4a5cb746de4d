//! The private side: a connector that dials out.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use config::{ConnectorConfig, ConnectorCredentials};
use domain::ExposeSecret;
use net::Drain;
use telemetry::{CheckState, Readiness};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tunnel_connector::{Connector, ConnectorStatus, DEFAULT_SERVER_NAME};
use tunnel_proto::Credentials;

use crate::admin::Admin;

/// What closing may take beyond the grace period.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A connector that waits to be started.
#[derive(Debug)]
pub struct ConnectorRole {
    connector: Connector,
    grace_period: Duration,
    admin: Option<Admin>,
}

/// A connector that serves.
#[derive(Debug)]
pub(crate) struct RunningConnector {
    drain: Drain,
    grace_period: Duration,
    admin: Option<JoinHandle<()>>,
}

impl ConnectorRole {
    /// `local_authority`: the certificate of the edge in the same process, which is trusted where
    /// the configuration names no file.
    pub(crate) fn build(config: ConnectorConfig, local_authority: Option<String>) -> Result<Self> {
        let mut registry = telemetry::registry(env!("CARGO_PKG_VERSION"));
        let metrics = tunnel_connector::Metrics::register(&mut registry);
        let roots_pem = match (&config.ca_file, local_authority) {
            (Some(path), _) => read(path, "connector.ca_file")?,
            (None, Some(pem)) => pem,
            (None, None) => bail!(
                "connector.ca_file is missing: copy ca.pem from the edge's state_dir and name it"
            ),
        };
        let grace_period = config.grace_period;
        let connector = Connector::new(
            tunnel_connector::ConnectorConfig {
                edges: config.edge,
                credentials: credentials(&config.credentials)?,
                roots_pem,
                server_name: DEFAULT_SERVER_NAME.to_owned(),
                connections: config
                    .connections
                    .try_into()
                    .context("connector.connections is over 255")?,
                ingress: config.ingress,
                grace_period,
            },
            metrics,
        )?;
        let admin = config
            .admin_listen
            .map(|address| {
                let readiness = readiness(connector.status());
                let key = "connector.admin_listen";
                Admin::listen(address, key, registry, readiness, Router::new())
            })
            .transpose()?;
        Ok(Self {
            connector,
            grace_period,
            admin,
        })
    }

    /// How its connections stand, now and later.
    pub fn status(&self) -> watch::Receiver<ConnectorStatus> {
        self.connector.status()
    }

    /// Where `/metrics` and `/ready` are, if served.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    pub(crate) fn start(self) -> RunningConnector {
        let drain = Drain::new();
        tokio::spawn(self.connector.run(drain.guard()));
        let draining = drain.draining();
        RunningConnector {
            admin: self.admin.map(|admin| admin.start(draining)),
            drain,
            grace_period: self.grace_period,
        }
    }
}

impl RunningConnector {
    pub(crate) async fn drain(self) {
        self.drain.drain(self.grace_period + CLOSE_LIMIT).await;
        if let Some(admin) = self.admin {
            admin.abort();
        }
    }
}

fn credentials(from: &ConnectorCredentials) -> Result<Credentials> {
    match from {
        ConnectorCredentials::Token(token) => {
            Credentials::parse_token(token.expose_secret()).context("connector.token")
        }
        ConnectorCredentials::TokenFile(path) => {
            let token = read(path, "connector.token_file")?;
            Credentials::parse_token(token.trim())
                .with_context(|| format!("connector.token_file {}", path.display()))
        }
        ConnectorCredentials::CredentialsFile(path) => {
            Credentials::parse_file(&read(path, "connector.credentials_file")?)
                .with_context(|| format!("connector.credentials_file {}", path.display()))
        }
    }
}

fn read(path: &Path, key: &str) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {key} {}", path.display()))
}

fn readiness(status: watch::Receiver<ConnectorStatus>) -> Readiness {
    let mut readiness = Readiness::new();
    readiness.add("edge connections", move || match status.borrow().ready() {
        0 => CheckState::NotReady("no connection to an edge is registered".to_owned()),
        _ => CheckState::Ready,
    });
    readiness
}
