//! Measures legs in turn, round after round, so that what disturbs the machine disturbs all.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::leg::{Hop, Leg};
use super::median::median;
use super::programs::Programs;
use super::progress;
use super::server::Processor;
use super::sysbench::{self, Load, Outcome};

/// Opens the pools and fills the caches; not measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// What a leg did in all rounds.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) leg: &'static str,
    /// Names of the processes on it.
    pub(super) hops: Vec<&'static str>,
    /// One of each round.
    samples: Vec<Sample>,
}

/// What one leg did in one round.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) outcome: Outcome,
    /// Per query and hop, in microseconds.
    pub(super) used: Vec<Processor>,
}

/// Measures each leg `rounds` times. `what` says in the progress what is measured.
pub(super) fn measure(
    programs: &Programs,
    legs: &[Leg<'_>],
    (what, load): (&str, &Load),
    rounds: u32,
    log: &Path,
) -> Result<Vec<Measured>> {
    progress(&format!("{what}: warming up"));
    let warm_up = Load {
        length: WARM_UP,
        ..*load
    };
    for leg in legs {
        sample(programs, leg, &warm_up, log)?;
    }
    let mut measured: Vec<_> = legs.iter().map(Measured::begin).collect();
    for round in 1..=rounds {
        for (leg, measured) in legs.iter().zip(&mut measured) {
            let sample = sample(programs, leg, load, log)?;
            progress(&format!(
                "{what}, round {round} of {rounds}, {}: {:.0} queries/s",
                leg.name, sample.outcome.queries_per_second
            ));
            measured.samples.push(sample);
        }
    }
    Ok(measured)
}

/// Measures a leg once.
fn sample(programs: &Programs, leg: &Leg<'_>, load: &Load, log: &Path) -> Result<Sample> {
    let used = |hops: &[Hop<'_>]| {
        let each = hops.iter().map(|hop| hop.server.processor());
        each.collect::<Result<Vec<_>>>()
    };
    let before = used(&leg.hops)?;
    let outcome = sysbench::run(programs, &leg.target, load, log)
        .with_context(|| format!("{} with {} clients", leg.name, load.clients))?;
    let after = used(&leg.hops)?;
    let used = before.iter().zip(&after);
    let used = used.map(|(before, after)| (*after - *before) / outcome.queries);
    Ok(Sample {
        used: used.collect(),
        outcome,
    })
}

impl Measured {
    fn begin(leg: &Leg<'_>) -> Self {
        Self {
            leg: leg.name,
            hops: leg.hops.iter().map(|hop| hop.name).collect(),
            samples: Vec::new(),
        }
    }

    /// The median of a figure.
    pub(super) fn median(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(figure))
    }

    /// The median of what each round found, as a multiple of what `other` did in the same round. It
    /// need not be the ratio of two medians.
    pub(super) fn ratio(
        &self,
        figure: impl Fn(&Sample) -> f64,
        other: &Self,
        figure_of_other: impl Fn(&Sample) -> f64,
    ) -> f64 {
        let rounds = self.samples.iter().zip(&other.samples);
        median(rounds.map(|(sample, other)| figure(sample) / figure_of_other(other)))
    }

    /// Processor time of the first process on the way: user, system, both. `None`: that is the
    /// database.
    pub(super) fn first_hop(&self) -> Option<[f64; 3]> {
        let of = |figure: fn(&Processor) -> f64| {
            self.median(|sample| sample.used.first().map_or(f64::NAN, figure))
        };
        let has_one = self.hops.len() > 1;
        has_one.then(|| {
            [
                of(|used| used.user),
                of(|used| used.system),
                of(Processor::total),
            ]
        })
    }

    /// Processor time of the database.
    pub(super) fn database(&self) -> f64 {
        self.median(|sample| sample.used.last().map_or(f64::NAN, Processor::total))
    }
}

impl Sample {
    pub(super) fn queries_per_second(&self) -> f64 {
        self.outcome.queries_per_second
    }

    /// Processor time of the first process on the way: the proxy, where there is one.
    pub(super) fn first_hop(&self) -> f64 {
        self.used.first().map_or(f64::NAN, Processor::total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rates: &[f64]) -> Measured {
        let sample = |&rate| Sample {
            outcome: Outcome {
                queries: rate,
                queries_per_second: rate,
                p50: 1.0,
                p95: 1.0,
                p99: 1.0,
            },
            used: Vec::new(),
        };
        Measured {
            leg: "leg",
            hops: Vec::new(),
            samples: rates.iter().map(sample).collect(),
        }
    }

    #[test]
    fn compares_within_each_round() {
        // The machine was slow in the second round, for both.
        let (ours, theirs) = (measured(&[30.0, 8.0, 20.0]), measured(&[10.0, 4.0, 20.0]));
        let rate = Sample::queries_per_second;
        assert!((ours.ratio(rate, &theirs, rate) - 2.0).abs() < f64::EPSILON);
        assert!((ours.median(rate) - 20.0).abs() < f64::EPSILON);
    }
}
