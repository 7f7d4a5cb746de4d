//! Measures all legs in turn, round after round, and takes medians.

use std::time::Duration;

use anyhow::{Context, Result};

use super::legs::{CONNECTOR, EDGE, EDGE_ALONE, HAPROXY, Hop, Leg, Legs};
use super::options::Options;
use super::programs::Programs;
use super::progress;
use super::server::Processor;
use super::sysbench::{self, Outcome};

/// Opens the pools and fills the caches; not measured.
const WARM_UP: Duration = Duration::from_secs(1);

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

/// What one leg did in one round.
#[derive(Debug)]
struct Sample {
    outcome: Outcome,
    /// Per query and hop, in microseconds.
    used: Vec<Processor>,
}

/// Measures with each number of clients.
pub(super) fn measure(programs: &Programs, options: &Options, legs: &Legs) -> Result<Vec<Run>> {
    let all = legs.all();
    let mut runs = Vec::new();
    for &clients in &options.clients {
        progress(&format!("{clients} clients: warming up"));
        for leg in &all {
            sample(programs, legs, leg, clients, WARM_UP)?;
        }
        let mut rounds = Vec::new();
        for round in 1..=options.rounds {
            let mut samples = Vec::new();
            for leg in &all {
                let sample = sample(programs, legs, leg, clients, options.length())?;
                progress(&format!(
                    "{clients} clients, round {round} of {}, {}: {:.0} queries/s",
                    options.rounds, leg.name, sample.outcome.queries_per_second
                ));
                samples.push(sample);
            }
            rounds.push(samples);
        }
        runs.push(Run {
            clients,
            legs: summarize(&all, &rounds, clients)?,
        });
    }
    Ok(runs)
}

/// Measures a leg once.
fn sample(
    programs: &Programs,
    legs: &Legs,
    leg: &Leg<'_>,
    clients: u32,
    length: Duration,
) -> Result<Sample> {
    let used = |hops: &[Hop<'_>]| {
        let each = hops.iter().map(|hop| hop.server.processor());
        each.collect::<Result<Vec<_>>>()
    };
    let before = used(&leg.hops)?;
    let outcome = sysbench::run(programs, &leg.target, clients, length, &legs.log)
        .with_context(|| format!("{} with {clients} clients", leg.name))?;
    let after = used(&leg.hops)?;
    let used = before.iter().zip(&after).map(|(before, after)| Processor {
        user: (after.user - before.user) / outcome.queries,
        system: (after.system - before.system) / outcome.queries,
    });
    Ok(Sample {
        used: used.collect(),
        outcome,
    })
}

/// Takes medians; `rounds` holds a sample of each leg, in the order of the legs.
fn summarize(legs: &[Leg<'_>], rounds: &[Vec<Sample>], clients: u32) -> Result<Vec<LegResult>> {
    let haproxy = legs.iter().position(|leg| leg.name == HAPROXY);
    let haproxy = haproxy.context("no leg is HAProxy's")?;
    let leg = |(at, leg): (usize, &Leg<'_>)| {
        let of = |figure: fn(&Outcome) -> f64| {
            median(rounds.iter().map(|samples| figure(&samples[at].outcome)))
        };
        let hop = |(hop_at, hop): (usize, &Hop<'_>)| {
            let of = |figure: fn(&Processor) -> f64| {
                median(
                    rounds
                        .iter()
                        .map(|samples| figure(&samples[at].used[hop_at])),
                )
            };
            let ratios = rounds
                .iter()
                .map(|samples| samples[at].used[hop_at].total() / samples[haproxy].used[0].total());
            HopResult {
                name: hop.name,
                user: of(|used| used.user),
                system: of(|used| used.system),
                total: of(Processor::total),
                ratio_to_haproxy: median(ratios),
                target: target(leg.name, hop.name, clients),
            }
        };
        LegResult {
            name: leg.name,
            queries_per_second: of(|outcome| outcome.queries_per_second),
            p50: of(|outcome| outcome.p50),
            p95: of(|outcome| outcome.p95),
            p99: of(|outcome| outcome.p99),
            hops: leg.hops.iter().enumerate().map(hop).collect(),
        }
    };
    Ok(legs.iter().enumerate().map(leg).collect())
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

/// The middle one; of an even number the upper of the two in the middle.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([9.0, 1.0, 5.0].into_iter()) - 5.0).abs() < f64::EPSILON);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn only_ours_have_targets() {
        assert_eq!(target(EDGE_ALONE, EDGE, 1), Some(1.4));
        assert_eq!(target("edge + tunnel", CONNECTOR, 16), Some(1.4));
        assert_eq!(target(HAPROXY, HAPROXY, 16), None);
        assert_eq!(target("edge + tunnel", EDGE, 16), None);
    }
}
