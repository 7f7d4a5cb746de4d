//! The admin endpoint of a role: `/metrics`, `/ready`, and routes of the role's own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use net::Draining;
use telemetry::{Readiness, Registry, serve_admin};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An endpoint that has its address and waits to be started.
pub(crate) struct Admin {
    listener: TcpListener,
    address: SocketAddr,
    registry: Arc<Registry>,
    readiness: Readiness,
    routes: Router,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Admin {
    /// Takes the address; `key` names it in errors. `routes` are the role's own.
    pub(crate) fn listen(
        address: SocketAddr,
        key: &str,
        registry: Registry,
        readiness: Readiness,
        routes: Router,
    ) -> Result<Self> {
        let listener =
            net::listen(address).with_context(|| format!("cannot listen on {key} = {address}"))?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            registry: Arc::new(registry),
            readiness,
            routes,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves as long as the task lives; `/ready` says no once the drain began, so that a load
    /// balancer looks elsewhere.
    pub(crate) fn start(mut self, draining: Draining) -> JoinHandle<()> {
        self.readiness.add("drain", move || {
            if draining.has_started() {
                telemetry::CheckState::NotReady("draining".to_owned())
            } else {
                telemetry::CheckState::Ready
            }
        });
        tokio::spawn(async move {
            serve_admin(
                self.listener,
                self.registry,
                self.readiness,
                self.routes,
                std::future::pending(),
            )
            .await;
        })
    }
}
