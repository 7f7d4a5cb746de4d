//! Which destinations may be dialled: those that a rule names, and nothing else.

use std::net::IpAddr;

use domain::{Address, IngressRule, Service};

/// A connector's rules.
#[derive(Clone, Debug)]
pub(crate) struct Ingress {
    rules: Vec<IngressRule>,
}

impl Ingress {
    pub(crate) fn new(rules: Vec<IngressRule>) -> Self {
        Self { rules }
    }

    /// The address to dial for `destination`, if a rule names it.
    pub(crate) fn service_of(&self, destination: &Address) -> Option<&Address> {
        self.rules
            .iter()
            .map(|IngressRule { service }| match service {
                Service::Tcp(address) => address,
            })
            .find(|named| named.port == destination.port && same_host(named, destination))
    }

    /// The rules in cloudflared's form, for the edge to show.
    pub(crate) fn to_json(&self) -> String {
        let rules = self
            .rules
            .iter()
            .map(|rule| serde_json::json!({ "service": rule.service.to_string() }));
        let rules: Vec<_> = rules.collect();
        serde_json::json!({ "ingress": rules }).to_string()
    }
}

/// Addresses are the same however they are written; names are, whatever their case. RFC 4343.
fn same_host(one: &Address, other: &Address) -> bool {
    match (one.host.parse::<IpAddr>(), other.host.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), Err(_)) => one.host.eq_ignore_ascii_case(&other.host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_rule_names_is_served() {
        let rules = [
            "tcp://10.0.0.5:4000",
            "tcp://db.internal:3306",
            "tcp://[::1]:1",
        ];
        let ingress = Ingress::new(
            rules
                .iter()
                .map(|rule| IngressRule {
                    service: rule.parse().unwrap(),
                })
                .collect(),
        );
        let serves = |text: &str| ingress.service_of(&text.parse().unwrap()).is_some();
        assert!(serves("10.0.0.5:4000"));
        assert!(serves("DB.internal:3306"));
        assert!(serves("[0:0:0:0:0:0:0:1]:1"));
        for forbidden in ["10.0.0.5:4001", "10.0.0.6:4000", "db.internal.:3306", "x:1"] {
            assert!(!serves(forbidden), "{forbidden}");
        }
    }
}
