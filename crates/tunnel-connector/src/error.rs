//! Why a connector cannot start, and why one of its connections is not up.

use std::io;
use std::net::SocketAddr;

use domain::Address;
use quinn::{ConnectError, ConnectionError};

/// Why a connector cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to dial.
    #[error("no edge is given to dial")]
    NoEdge,
    /// There is nothing to keep.
    #[error("a connector needs at least one connection")]
    NoConnections,
    /// The authorities are not PEM, or hold no certificate.
    #[error("the edge's authority is not a PEM certificate: {0}")]
    Roots(String),
    /// TLS cannot be set up.
    #[error("cannot set TLS up: {0}")]
    Tls(#[from] rustls::Error),
    /// The provider of cryptography lacks what QUIC begins with.
    #[error("cannot set QUIC up: {0}")]
    Quic(#[from] quinn::crypto::rustls::NoInitialCipherSuite),
    /// The thread for control streams did not start.
    #[error("cannot start the thread for control streams: {0}")]
    Thread(io::Error),
}

/// Why one connection is not up. Each is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFailed {
    #[error("cannot resolve {edge}: {source}")]
    Resolve { edge: Address, source: io::Error },
    #[error("cannot open a UDP socket: {0}")]
    Socket(io::Error),
    #[error("cannot dial {edge}: {source}")]
    Dial {
        edge: SocketAddr,
        source: ConnectError,
    },
    #[error("no QUIC handshake with {edge}: {source}")]
    Handshake {
        edge: SocketAddr,
        source: ConnectionError,
    },
    #[error("{0} does not answer; is the edge up, and does UDP reach it?")]
    Silent(SocketAddr),
    #[error("the edge refused the connector: {0}")]
    Refused(String),
    #[error("the registration failed: {0}")]
    Rpc(String),
}

/// For metrics: what kind of failure.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelValue,
)]
pub(crate) enum FailureKind {
    Unreachable,
    Handshake,
    Refused,
    Rpc,
}

impl ConnectFailed {
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Resolve { .. } | Self::Socket(_) | Self::Dial { .. } | Self::Silent(_) => {
                FailureKind::Unreachable
            }
            Self::Handshake { .. } => FailureKind::Handshake,
            Self::Refused(_) => FailureKind::Refused,
            Self::Rpc(_) => FailureKind::Rpc,
        }
    }
}
