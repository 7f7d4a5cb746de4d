//! The database behind a hyperdrive, and how it is reached.

use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;

use crate::TunnelId;

/// A database: where it is, how it is reached, and who logs in to it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Host and port of the database, as seen from where it is dialled (the edge or the connector).
    pub address: Address,
    /// Whether the edge dials it itself or through a tunnel.
    pub via: Via,
    /// How the connection to it is secured.
    pub tls: OriginTls,
    /// The database user. On TiDB Cloud this includes the cluster's prefix.
    pub user: String,
    /// That user's password; may be empty.
    pub password: SecretString,
    /// The database that a session starts in when its client names none.
    pub database: Option<String>,
}

/// The way from the edge to an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// The edge opens a TCP connection itself.
    Direct,
    /// A connector of this tunnel opens it.
    Tunnel(TunnelId),
}

/// Security of the connection between edge and origin; the modes are those of
/// [MySQL's `--ssl-mode`](https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginTls {
    /// No TLS. For loopback and for origins behind a tunnel.
    Disabled,
    /// TLS, whoever answers: protects against listening, not against an impostor.
    Required,
    /// TLS with a certificate that one of the trusted authorities signed.
    VerifyCa {
        /// Authorities to trust, PEM. `None`: the public ones (Mozilla's list).
        roots_pem: Option<String>,
    },
    /// As [`OriginTls::VerifyCa`], and the certificate names the host.
    VerifyIdentity {
        /// Authorities to trust, PEM. `None`: the public ones (Mozilla's list).
        roots_pem: Option<String>,
    },
}

/// Host and port. The host is a name, an IPv4 or an IPv6 address (without brackets).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Address {
    /// Makes an address.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not host:port (an IPv6 address goes in brackets, as in [::1]:3306)")]
pub struct ParseAddressError(String);

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseAddressError(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if host.is_empty() || (bare.is_none() && host.contains(':')) {
            return Err(error());
        }
        let port = port.parse().map_err(|_| error())?;
        Ok(Self::new(bare.unwrap_or(host), port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_round_trips() {
        for text in ["db.internal:4000", "127.0.0.1:3306", "[::1]:3306"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn address_refuses_what_is_ambiguous() {
        for text in ["db", "db:", ":3306", "::1:3306", "db:99999", "db:-1"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
