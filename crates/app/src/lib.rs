//! Wiring only: `Config → App::build → App::run(shutdown)`. The sole place where the planes meet.
//!
//! ```text
//!              ┌─ EdgeRole ──────────────────────────────────────────────┐
//!  Config ──►  │ store ── snapshot (watch) ──► hyperdrives, tunnel edge   │
//!              │ MySqlListener ── Hyperdrives ── Dialers ─┬─ TcpDialer    │
//!              │                                          └─ TunnelEdge   │
//!              └──────────────────────────────────────────────────────────┘
//!              ┌─ ConnectorRole ──────────────────────────────────────────┐
//!              │ Connector (dials out)                                    │
//!              └──────────────────────────────────────────────────────────┘
//! ```
//!
//! Everything that can be wrong is found by `build`, which also takes all addresses; `run` serves
//! until `shutdown` and then drains in the order of the path: clients, pools, tunnels.

mod admin;
mod certificates;
mod connector;
mod dialers;
mod edge;
mod housekeeping;
mod purge;

use anyhow::Result;
use config::Config;

use tracing::info;

pub use connector::ConnectorRole;
pub use edge::{EdgeRole, connection_string, stored_snapshot};
pub use mysql_proxy::Mutant;

/// A process: an edge, a connector, or both.
#[derive(Debug)]
pub struct App {
    edge: Option<EdgeRole>,
    connector: Option<ConnectorRole>,
}

impl App {
    /// Builds what the configuration asks for and takes its addresses. Must be called inside a
    /// tokio runtime.
    pub fn build(config: Config) -> Result<Self> {
        Self::build_mutant(config, Mutant::default())
    }

    /// As [`App::build`], with something left out on purpose, for the tests that must find it.
    pub fn build_mutant(config: Config, mutant: Mutant) -> Result<Self> {
        let edge = config
            .edge
            .map(|edge| EdgeRole::build(edge, mutant))
            .transpose()?;
        let local_authority = edge.as_ref().map(EdgeRole::authority_pem);
        let connector = config
            .connector
            .map(|connector| ConnectorRole::build(connector, local_authority))
            .transpose()?;
        Ok(Self { edge, connector })
    }

    /// The edge, if this process is one.
    pub fn edge(&self) -> Option<&EdgeRole> {
        self.edge.as_ref()
    }

    /// The connector, if this process is one.
    pub fn connector(&self) -> Option<&ConnectorRole> {
        self.connector.as_ref()
    }

    /// Serves until `shutdown`, then drains: first the edge's clients, then the connector, so that
    /// the flows of the last transactions still have their way.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let edge = self.edge.map(EdgeRole::start);
        let connector = self.connector.map(ConnectorRole::start);
        shutdown.await;
        info!("Draining");
        if let Some(edge) = edge {
            edge.drain().await;
        }
        if let Some(connector) = connector {
            connector.drain().await;
        }
        info!("Stopped");
        Ok(())
    }
}
