//! Many clients on few origin connections: do all wait alike?

use anyhow::{Context, Result};

use crate::bench::leg::EDGE;
use crate::bench::options::Options;
use crate::bench::programs::Programs;
use crate::bench::rounds::{self, Measured, Sample};
use crate::bench::sysbench::{Load, Reads, Statements};
use crate::bench::tidegate::POOL_MAX;
use crate::bench::verdict::{Bound, Verdict};
use crate::bench::ways::Ways;

/// Ten for each origin connection.
pub(super) const CLIENTS: u32 = 200;

/// Most p99 / p50. Clients that are served in turn wait alike; where some starve it is far more.
const SPREAD: f64 = 3.0;

/// All ways, of which only the edge's has fewer origin connections than clients.
#[derive(Debug)]
pub(super) struct Crowd {
    /// All clients ask as fast as they are answered: the machine has nothing to spare.
    pub(super) full: Vec<Measured>,
    /// Queries come at random moments, half as many as the edge can serve.
    pub(super) half: Vec<Measured>,
    /// So many per second.
    pub(super) half_rate: u32,
}

/// Measures at full load, then at half of it.
pub(super) fn measure(programs: &Programs, options: &Options, ways: &Ways) -> Result<Crowd> {
    let legs = ways.all();
    let full_load = Load {
        reads: Reads::POINTS,
        statements: Statements::Text,
        clients: CLIENTS,
        length: options.length(),
        rate: None,
    };
    let measure = |what: String, load: &Load| {
        rounds::measure(programs, &legs, (&what, load), options.rounds, &ways.log)
    };
    let what = format!("{CLIENTS} clients on {POOL_MAX} origin connections");
    let full = measure(what.clone(), &full_load)?;
    let edge = edge(&full)?.median(Sample::queries_per_second);
    let half_rate = whole(edge / 2.0);
    let half_load = Load {
        rate: Some(half_rate),
        ..full_load
    };
    Ok(Crowd {
        half: measure(format!("{what}, half the load"), &half_load)?,
        full,
        half_rate,
    })
}

impl Crowd {
    /// The target is that of full load, where clients wait for each other. At half of it few do:
    /// then p50 is the cost of a query, p99 is the machine, and their ratio says nothing of a pool.
    pub(super) fn verdict(&self) -> Result<Verdict> {
        Ok(Verdict {
            what: format!("{CLIENTS} clients on {POOL_MAX} origin connections: p99 ÷ p50"),
            figure: edge(&self.full)?.median(spread),
            bound: Bound::AtMost(SPREAD),
        })
    }
}

/// How much longer the unlucky wait.
pub(super) fn spread(sample: &Sample) -> f64 {
    sample.outcome.p99 / sample.outcome.p50
}

fn edge(measured: &[Measured]) -> Result<&Measured> {
    let mut ways = measured.iter();
    ways.find(|way| way.leg == EDGE)
        .context("no way is the edge's")
}

/// A rate that sysbench takes: at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates, and no rate comes near either end"
)]
fn whole(rate: f64) -> u32 {
    (rate.round() as u32).max(1)
}
