//! Why an edge for tunnels cannot be brought up.

use std::io;
use std::net::SocketAddr;

/// Why an edge for tunnels cannot be brought up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The UDP address cannot be taken.
    #[error("cannot listen for connectors on {address} (UDP): {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate and key do not fit together, or are not what TLS 1.3 takes.
    #[error("cannot use the tunnel certificate: {0}")]
    Certificate(#[from] rustls::Error),
    /// The provider of cryptography lacks what QUIC begins with.
    #[error("cannot set QUIC up: {0}")]
    Quic(#[from] quinn::crypto::rustls::NoInitialCipherSuite),
    /// The thread for control streams did not start.
    #[error("cannot start the thread for control streams: {0}")]
    Thread(io::Error),
}
