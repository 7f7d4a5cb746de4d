//! Why a login did not succeed.

use mysql_proto::{ErrPacket, HandshakeError};
use net::tls::ClientTlsError;

/// Why a login did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// TLS failed.
    #[error(transparent)]
    Tls(#[from] ClientTlsError),
    /// The server, or the network, hung up.
    #[error("lost the connection during login: {0}")]
    Io(#[from] std::io::Error),
    /// The server speaks, but not what we can answer.
    #[error("login failed: {0}")]
    Handshake(#[from] HandshakeError),
    /// The server said no.
    #[error("origin refused the login with {}: {}", .0.code, .0.message)]
    Refused(ErrPacket),
}
