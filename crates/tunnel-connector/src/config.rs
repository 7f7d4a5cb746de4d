//! What a connector is made from.

use std::time::Duration;

use domain::{Address, IngressRule};
use tunnel_proto::Credentials;

/// The name in an edge's certificate. It does not depend on the edge's address: this is the one
/// that cloudflared checks.
pub const DEFAULT_SERVER_NAME: &str = "quic.cftunnel.com";

/// Which edge a connector dials, as whom, and what it serves.
#[derive(Clone, Debug)]
pub struct ConnectorConfig {
    /// Edges to dial, UDP. Connections are spread over them, and an attempt that fails goes to the
    /// next. Names are resolved at each attempt.
    pub edges: Vec<Address>,
    /// The tunnel's credentials.
    pub credentials: Credentials,
    /// The authorities that may have signed the edge's certificate, PEM.
    pub roots_pem: String,
    /// The name that the edge's certificate must carry; [`DEFAULT_SERVER_NAME`] for our edges.
    pub server_name: String,
    /// Parallel connections. More carry flows on when one is lost; default 4.
    pub connections: u8,
    /// What may be reached. Nothing else is dialled, whatever an edge asks for.
    pub ingress: Vec<IngressRule>,
    /// How long flows may go on when the connector is told to stop; default 30 s.
    pub grace_period: Duration,
}

impl ConnectorConfig {
    /// Default of [`ConnectorConfig::connections`], cloudflared's.
    pub const CONNECTIONS: u8 = 4;
    /// Default of [`ConnectorConfig::grace_period`], cloudflared's.
    pub const GRACE_PERIOD: Duration = Duration::from_secs(30);
}
