//! What a tunnel edge is made from.

use std::fmt;
use std::net::SocketAddr;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The names that connectors check in the edge's certificate: cloudflared's for QUIC, for HTTP/2
/// and for its probe before it connects. They do not depend on the edge's address.
pub const CERTIFICATE_NAMES: [&str; 3] =
    ["quic.cftunnel.com", "h2.cftunnel.com", "probe.cftunnel.com"];

/// Where and how an edge accepts connectors.
pub struct EdgeConfig {
    /// UDP address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The edge's certificate for [`CERTIFICATE_NAMES`], the leaf first.
    pub certificate_chain: Vec<CertificateDer<'static>>,
    /// The key of the first certificate.
    pub private_key: PrivateKeyDer<'static>,
    /// A secret that must outlive the process: with it a restarted edge can tell connectors at once
    /// that their old connections are gone; otherwise they notice after 5 s of silence.
    pub reset_key: [u8; 32],
    /// A short name of this edge, which connectors show in their logs.
    pub location: String,
    /// Most connector connections at a time; one more is refused. A connector holds four.
    pub max_connections: usize,
}

impl EdgeConfig {
    /// Default of [`EdgeConfig::max_connections`]: a thousand connectors.
    pub const MAX_CONNECTIONS: usize = 4096;
}

impl fmt::Debug for EdgeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeConfig")
            .field("listen", &self.listen)
            .field("location", &self.location)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}
