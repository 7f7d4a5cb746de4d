//! One connection index: connects, serves, and when that ends, connects again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::ConnIndex;
use net::{Backoff, Draining};
use quinn::Endpoint;
use tokio::time::timeout;
use tracing::{debug, info, warn};
use tunnel_proto::{ConnectionDetails, Registration};

use crate::connection::Connection;
use crate::connector::Shared;
use crate::error::ConnectFailed;
use crate::{ConnectionState, transport};

/// Waits between attempts. Short, because the database is away meanwhile; an edge refuses cheaply.
const BACKOFF_BASE: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Longest wait after a refusal: only a person can change its cause.
const BACKOFF_MAX_REFUSED: Duration = Duration::from_secs(10);

/// Longest handshake. The first packet goes out again after 0.3, 0.9 and 2.1 s, and a new attempt
/// begins soon after: an edge that returns is met within 1.5 s, and 1 s of round trip is enough.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(3);

/// Longest that the packets of a close may take to leave.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// One connection index of a connector.
#[derive(Debug)]
pub(crate) struct Slot {
    index: ConnIndex,
    shared: Arc<Shared>,
    /// The socket, kept over reconnects as long as the edge's address family stays.
    endpoint: Option<(bool, Endpoint)>,
    attempts: usize,
}

impl Slot {
    pub(crate) fn new(index: ConnIndex, shared: Arc<Shared>) -> Self {
        Self {
            index,
            shared,
            endpoint: None,
            attempts: 0,
        }
    }

    /// Keeps the connection up until the drain is done.
    pub(crate) async fn keep_up(mut self, draining: Draining) {
        tokio::select! {
            () = self.first_is_registered() => {}
            () = draining.started() => return,
        }
        let mut backoff = Backoff::new(BACKOFF_BASE, BACKOFF_MAX);
        let mut refused = Backoff::new(BACKOFF_BASE, BACKOFF_MAX_REFUSED);
        while !draining.has_started() {
            let failures = backoff.attempts().max(refused.attempts());
            let connected = tokio::select! {
                connected = self.connect(failures) => connected,
                () = draining.started() => break,
            };
            let wait = match connected {
                Ok((connection, details)) => {
                    refused.reset();
                    backoff.reset();
                    self.serve(connection, details, &draining).await;
                    backoff.next_wait()
                }
                Err(failure @ ConnectFailed::Refused(_)) => {
                    self.failed(&failure, refused.attempts());
                    refused.next_wait()
                }
                Err(failure) => {
                    self.failed(&failure, backoff.attempts());
                    backoff.next_wait()
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = draining.started() => {}
            }
        }
        if let Some((_, endpoint)) = &self.endpoint {
            let _closed_in_time = timeout(CLOSE_LIMIT, endpoint.wait_idle()).await;
        }
    }

    /// The first connection goes ahead: while it cannot register, neither could the others.
    async fn first_is_registered(&self) {
        if self.index == ConnIndex(0) {
            return;
        }
        let mut status = self.shared.status.subscribe();
        let first = |status: &crate::ConnectorStatus| {
            let state = status.connections.first();
            state.is_some_and(ConnectionState::is_registered)
        };
        // The sender lives in `self`: it cannot be gone.
        drop(status.wait_for(first).await);
    }

    async fn connect(
        &mut self,
        failures: u32,
    ) -> Result<(Connection, ConnectionDetails), ConnectFailed> {
        let edge = self.next_edge().await?;
        let endpoint = self.endpoint(edge)?;
        let dialled = endpoint
            .connect_with(self.shared.client.clone(), edge, &self.shared.server_name)
            .map_err(|source| ConnectFailed::Dial { edge, source })?;
        let connection = timeout(HANDSHAKE_LIMIT, dialled)
            .await
            .map_err(|_| ConnectFailed::Silent(edge))?
            .map_err(|source| ConnectFailed::Handshake { edge, source })?;
        let registration = Registration {
            account: self.shared.credentials.account.clone(),
            secret: self.shared.credentials.secret.clone(),
            tunnel: self.shared.credentials.tunnel,
            index: self.index,
            connector: self.shared.info.clone(),
            previous_attempts: u8::try_from(failures).unwrap_or(u8::MAX),
        };
        Connection::register(connection, registration, &self.shared).await
    }

    /// The next edge to try: connections begin at different ones, and each attempt moves on.
    async fn next_edge(&mut self) -> Result<SocketAddr, ConnectFailed> {
        let edges = &self.shared.edges;
        let turn = usize::from(self.index.0).wrapping_add(self.attempts);
        self.attempts = self.attempts.wrapping_add(1);
        let edge = &edges[turn % edges.len()];
        let failed = |source| ConnectFailed::Resolve {
            edge: edge.clone(),
            source,
        };
        let resolved: Vec<_> = tokio::net::lookup_host((edge.host.as_str(), edge.port))
            .await
            .map_err(failed)?
            .collect();
        // Of a name with several addresses each gets its turn too.
        let round = turn / edges.len();
        resolved
            .get(round % resolved.len().max(1))
            .copied()
            .ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))
    }

    fn endpoint(&mut self, edge: SocketAddr) -> Result<Endpoint, ConnectFailed> {
        match &self.endpoint {
            Some((ipv6, endpoint)) if *ipv6 == edge.is_ipv6() => Ok(endpoint.clone()),
            _ => {
                let endpoint = transport::endpoint(edge).map_err(ConnectFailed::Socket)?;
                self.endpoint = Some((edge.is_ipv6(), endpoint.clone()));
                Ok(endpoint)
            }
        }
    }

    async fn serve(
        &mut self,
        connection: Connection,
        details: ConnectionDetails,
        draining: &Draining,
    ) {
        let edge = connection.edge();
        // The next attempt goes to the edge that was good.
        self.attempts = self.attempts.wrapping_sub(1);
        info!(index = %self.index, %edge, location = details.location, id = %details.id,
            "Registered with an edge");
        self.shared.status.set(
            self.index,
            ConnectionState::Registered {
                edge,
                location: details.location,
            },
        );
        self.shared.metrics.registrations.inc();
        self.shared.metrics.connections.inc();
        let reason = connection.serve(&self.shared, draining).await;
        self.shared.metrics.connections.dec();
        self.down(reason.clone());
        info!(index = %self.index, %edge, reason, "Connection to an edge ended");
    }

    fn failed(&self, failure: &ConnectFailed, failures: u32) {
        self.shared.metrics.count_failure(failure.kind());
        self.down(failure.to_string());
        // Said at the first failure, and ever more rarely while it lasts.
        if failures.saturating_add(1).is_power_of_two() {
            warn!(index = %self.index, %failure, attempts = failures + 1, "Cannot connect to an edge");
        } else {
            debug!(index = %self.index, %failure, "Cannot connect to an edge");
        }
    }

    fn down(&self, reason: String) {
        let reason = Some(reason);
        self.shared
            .status
            .set(self.index, ConnectionState::Down { reason });
    }
}
