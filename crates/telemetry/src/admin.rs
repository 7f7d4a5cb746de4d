//! The admin endpoint: `/metrics`, `/ready` and `/healthz` over HTTP/1, and what a role adds.
//!
//! It asks for no password and gives no secret, and belongs on loopback or a private network. One
//! request is answered per connection, within [`CONNECTION_TIMEOUT`] from accept to the last byte,
//! so a slow or silent client holds its place only that long.

mod routes;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::Readiness;

/// Most connections at a time; more wait in the kernel. A few scrapers and probes need a handful.
const MAX_CONNECTIONS: usize = 64;

/// Longest that a client may take to send its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest life of a connection. Prometheus gives up after 10 s by default.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// Most headers of a request; scrapers and probes send about ten.
const MAX_HEADERS: usize = 64;

/// Memory for one connection's request. The smallest that hyper allows is 8 KiB.
const MAX_BUFFER: usize = 16 * 1024;

/// Pause after a failed accept: the process may be out of file descriptors, which passes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the admin endpoint until `shutdown` is done; then takes no more connections, finishes
/// those it has (at most 10 s), and returns.
///
/// `/metrics` gives the registry in the
/// [OpenMetrics text
/// format](https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md);
/// `/ready` 200 or 503 with each check; `/healthz` 200 as long as the process answers at all.
/// `more` are routes of other paths than these, without a fallback of their own: what is done at
/// them is the role's matter, within the same limits.
pub async fn serve_admin(
    listener: TcpListener,
    registry: Arc<Registry>,
    readiness: Readiness,
    more: Router,
    shutdown: impl Future<Output = ()> + Send,
) {
    let router = routes::router(registry, readiness).merge(more);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(done) = connections.join_next() => drop(done),
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, router.clone()))),
                Err(error) => pause(&error).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn pause(error: &io::Error) {
    warn!(%error, "Cannot accept a connection to the admin endpoint");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn serve(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match tokio::time::timeout(CONNECTION_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "A connection to the admin endpoint failed"),
        Err(_) => debug!("A connection to the admin endpoint took too long"),
    }
}
