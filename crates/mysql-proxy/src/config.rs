//! What the front end is told.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use crate::mutant::Mutant;

/// The front end's settings.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// The version in the greeting until the origin's own is known. Drivers choose their dialect
    /// by it.
    pub server_version: String,
    /// Most clients at a time; one more is told so and closed.
    pub max_clients: usize,
    /// Longest that a login may take, TLS included: a slow client is cut.
    pub login_timeout: Duration,
    /// Whether clients may or must use TLS.
    pub tls: TlsMode,
    /// What is left out on purpose, in a debug build.
    pub mutant: Mutant,
}

/// TLS towards clients.
#[derive(Clone, Debug)]
pub enum TlsMode {
    /// Not offered.
    Off,
    /// Offered; a client without it is let in too.
    Optional(Arc<ServerConfig>),
    /// A client without it is refused.
    Required(Arc<ServerConfig>),
}

impl TlsMode {
    /// The configuration to do TLS with, if any.
    pub(crate) fn server_config(&self) -> Option<&Arc<ServerConfig>> {
        match self {
            Self::Off => None,
            Self::Optional(config) | Self::Required(config) => Some(config),
        }
    }
}
