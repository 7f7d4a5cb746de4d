//! What a connector may reach. It dials nothing that no rule names.

use std::fmt;
use std::str::FromStr;

use crate::Address;

/// One line of a connector's ingress table. The first rule that fits wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressRule {
    /// Where the flow goes.
    pub service: Service,
}

/// A destination in the connector's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// `tcp://host:port`: raw bytes to exactly this address.
    Tcp(Address),
}

/// Why a text is not a [`Service`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a service that this version serves; allowed: tcp://host:port")]
pub struct ParseServiceError(String);

impl FromStr for Service {
    type Err = ParseServiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("tcp://")
            .and_then(|address| address.parse().ok())
            .map(Self::Tcp)
            .ok_or_else(|| ParseServiceError(text.to_owned()))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_round_trips() {
        let text = "tcp://10.0.0.5:4000";
        assert_eq!(text.parse::<Service>().unwrap().to_string(), text);
    }

    #[test]
    fn service_refuses_what_is_not_served() {
        for text in ["http://10.0.0.5:80", "10.0.0.5:4000", "tcp://10.0.0.5"] {
            assert!(text.parse::<Service>().is_err(), "{text}");
        }
    }
}
