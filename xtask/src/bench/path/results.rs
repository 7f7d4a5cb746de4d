//! What the rounds of one number of clients come to.

use anyhow::{Context, Result};

use super::legs::{CONNECTOR, EDGE_ALONE};
use crate::bench::leg::{EDGE, HAPROXY};
use crate::bench::rounds::{Measured, Sample};
use crate::bench::server::Processor;

/// From so many clients on, the targets for many hold: waking up is shared by several queries.
const MANY_CLIENTS: u32 = 16;

/// The result of one number of clients.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) clients: u32,
    pub(super) legs: Vec<LegResult>,
}

/// Medians of one leg. Latencies are in milliseconds.
#[derive(Debug)]
pub(super) struct LegResult {
    pub(super) name: &'static str,
    pub(super) queries_per_second: f64,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) hops: Vec<HopResult>,
}

/// Processor time per query of one process, in microseconds: medians.
#[derive(Debug)]
pub(super) struct HopResult {
    pub(super) name: &'static str,
    pub(super) user: f64,
    pub(super) system: f64,
    pub(super) total: f64,
    /// Median of what each round found against HAProxy in the same round.
    pub(super) ratio_to_haproxy: f64,
    /// The most that the ratio may be.
    pub(super) target: Option<f64>,
}

impl Run {
    /// Takes the medians.
    pub(super) fn new(clients: u32, measured: &[Measured]) -> Result<Self> {
        let haproxy = measured.iter().find(|measured| measured.leg == HAPROXY);
        let haproxy = haproxy.context("no leg is HAProxy's")?;
        let leg = |leg: &Measured| LegResult {
            name: leg.leg,
            queries_per_second: leg.median(Sample::queries_per_second),
            p50: leg.median(|sample| sample.outcome.p50),
            p95: leg.median(|sample| sample.outcome.p95),
            p99: leg.median(|sample| sample.outcome.p99),
            hops: hops(leg, haproxy, clients),
        };
        Ok(Self {
            clients,
            legs: measured.iter().map(leg).collect(),
        })
    }
}

fn hops(leg: &Measured, haproxy: &Measured, clients: u32) -> Vec<HopResult> {
    let hop = |(at, name): (usize, &&'static str)| {
        let of = |figure: fn(&Processor) -> f64| leg.median(|sample| figure(&sample.used[at]));
        let total = |sample: &Sample| sample.used[at].total();
        HopResult {
            name,
            user: of(|used| used.user),
            system: of(|used| used.system),
            total: of(Processor::total),
            ratio_to_haproxy: leg.ratio(total, haproxy, Sample::first_hop),
            target: target(leg.leg, name, clients),
        }
    };
    leg.hops.iter().enumerate().map(hop).collect()
}

/// What is aimed for: most processor time per query, as a multiple of HAProxy's.
fn target(leg: &str, hop: &str, clients: u32) -> Option<f64> {
    let are_many = clients >= MANY_CLIENTS;
    match (leg, hop) {
        (EDGE_ALONE, EDGE) => Some(if are_many { 1.2 } else { 1.4 }),
        (_, CONNECTOR) => Some(if are_many { 1.4 } else { 1.7 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ours_have_targets() {
        assert_eq!(target(EDGE_ALONE, EDGE, 1), Some(1.4));
        assert_eq!(target("edge + tunnel", CONNECTOR, 16), Some(1.4));
        assert_eq!(target(HAPROXY, HAPROXY, 16), None);
        assert_eq!(target("edge + tunnel", EDGE, 16), None);
    }
}
