//! How many failed registrations a source may have: guessing a secret must be slow, and a connector
//! with a wrong token must not cost a handshake every few milliseconds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures that a source may have at once. A restarted host with a dozen misconfigured connectors
/// stays below it.
const BURST: u32 = 20;

/// A source is forgiven one failure each time this passes.
const FORGIVEN_EVERY: Duration = Duration::from_secs(2);

/// Most sources that are remembered. Beyond it new ones go uncounted until old ones are forgiven:
/// memory is bounded, and who has that many addresses is not held up by counting anyway.
const MAX_SOURCES: usize = 8192;

/// Failed registrations by source.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    /// When each source will have been forgiven everything (a leaky bucket in one number).
    forgiven_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Failures {
    /// Whether a source may try to register.
    pub(crate) fn allows(&self, source: IpAddr, now: Instant) -> bool {
        let sources = self.lock();
        let Some(forgiven_at) = sources.get(&network(source)) else {
            return true;
        };
        forgiven_at.saturating_duration_since(now) + FORGIVEN_EVERY <= FORGIVEN_EVERY * BURST
    }

    /// Counts a failure.
    pub(crate) fn count(&self, source: IpAddr, now: Instant) {
        let mut sources = self.lock();
        if sources.len() >= MAX_SOURCES {
            sources.retain(|_, forgiven_at| *forgiven_at > now);
        }
        let source = network(source);
        if sources.len() < MAX_SOURCES || sources.contains_key(&source) {
            let forgiven_at = sources.entry(source).or_insert(now);
            *forgiven_at = (*forgiven_at).max(now) + FORGIVEN_EVERY;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Instant>> {
        // A map of instants is never half changed.
        self.forgiven_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one source: an IPv4 address, or an IPv6 network of 64 bits, which one host has.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn blocks_after_a_burst_and_forgives() {
        let failures = Failures::default();
        let source = "192.0.2.1".parse().unwrap();
        let now = Instant::now();
        for _ in 0..BURST {
            assert!(failures.allows(source, now));
            failures.count(source, now);
        }
        assert!(!failures.allows(source, now));
        assert!(failures.allows("192.0.2.2".parse().unwrap(), now));
        assert!(failures.allows(source, now + FORGIVEN_EVERY));
    }

    #[tokio::test(start_paused = true)]
    async fn one_ipv6_network_is_one_source() {
        let failures = Failures::default();
        let now = Instant::now();
        for host in 0..BURST {
            let source = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::try_from(host).unwrap());
            failures.count(source.into(), now);
        }
        assert!(!failures.allows("2001:db8::ffff".parse().unwrap(), now));
        assert!(failures.allows("2001:db8:0:1::".parse().unwrap(), now));
    }
}
