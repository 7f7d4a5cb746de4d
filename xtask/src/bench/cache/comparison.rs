//! Hits beside an echo server, and misses beside an edge without a cache.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::rig::{ECHO, HITS, MISSES, OFF, ROWS, Rig};
use crate::bench::numbers::of_clients;
use crate::bench::options::Options;
use crate::bench::programs::Programs;
use crate::bench::progress;
use crate::bench::rounds::{self, Measured, Sample};
use crate::bench::sysbench::{self, Load, Reads, Shape, Statements};
use crate::bench::verdict::{Bound, Verdict};

/// Rows that are hit.
const HIT_ROWS: u32 = 10_000;

/// An edge is warm when so few of its reads were misses in a run of this length, of which it gets
/// so many.
const WARM: f64 = 0.999;
const FILLING: Duration = Duration::from_secs(2);
const FILLINGS: u32 = 60;

/// Most processor time of a hit, and least throughput, in those of the echo server.
const HIT_PROCESSOR: f64 = 1.3;
const HIT_RATE: f64 = 0.85;

/// Most processor time of a miss, in that of the same read without a cache.
const MISS_PROCESSOR: f64 = 1.1;

/// All ways under one load.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) shape: Shape,
    pub(super) statements: Statements,
    pub(super) clients: u32,
    pub(super) ways: Vec<Measured>,
    /// The share of hits among the reads of the edge that has a cache.
    pub(super) hit_share: f64,
}

/// Measures hits.
pub(super) fn hits(programs: &Programs, options: &Options, rig: &Rig) -> Result<Vec<Comparison>> {
    of_each(options, HIT_ROWS, |what, load| {
        warm(programs, rig, what, load)?;
        let before = rig.hits.answered()?;
        let ways = rig.ways_of_hits();
        let ways = rounds::measure(programs, &ways, (what, load), options.rounds, &rig.log)?;
        Ok((ways, rig.hits.answered()?.hits_since(before)?))
    })
}

/// Measures misses.
pub(super) fn misses(programs: &Programs, options: &Options, rig: &Rig) -> Result<Vec<Comparison>> {
    of_each(options, ROWS, |what, load| {
        let before = rig.misses.answered()?;
        let ways = rig.ways_of_misses();
        let what = format!("{what}, misses");
        let ways = rounds::measure(programs, &ways, (&what, load), options.rounds, &rig.log)?;
        Ok((ways, rig.misses.answered()?.hits_since(before)?))
    })
}

/// With each kind of query, as text and prepared, and with each number of clients.
fn of_each(
    options: &Options,
    rows: u32,
    mut measure: impl FnMut(&str, &Load) -> Result<(Vec<Measured>, f64)>,
) -> Result<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for shape in [Shape::Point, Shape::Sum] {
        for statements in [Statements::Text, Statements::Prepared] {
            for &clients in &options.clients {
                let load = Load {
                    reads: Reads {
                        shape,
                        rows,
                        evenly: true,
                    },
                    statements,
                    clients,
                    length: options.length(),
                    rate: None,
                };
                let (ways, hit_share) = measure(&title(shape, statements, clients), &load)?;
                comparisons.push(Comparison {
                    shape,
                    statements,
                    clients,
                    ways,
                    hit_share,
                });
            }
        }
    }
    Ok(comparisons)
}

/// Asks until nearly everything is kept.
fn warm(programs: &Programs, rig: &Rig, what: &str, load: &Load) -> Result<()> {
    progress(&format!("{what}: filling the cache"));
    let filling = Load {
        length: FILLING,
        ..*load
    };
    for _ in 0..FILLINGS {
        let before = rig.hits.answered()?;
        sysbench::run(programs, &rig.hits.target(), &filling, &rig.log)?;
        if rig.hits.answered()?.hits_since(before)? >= WARM {
            return Ok(());
        }
    }
    bail!("{what}: the edge does not keep what is read")
}

fn title(shape: Shape, statements: Statements, clients: u32) -> String {
    let clients = of_clients(clients);
    format!("{}, {}, {clients}", shape.name(), statements.name())
}

impl Comparison {
    /// A name for tables.
    pub(super) fn title(&self) -> String {
        title(self.shape, self.statements, self.clients)
    }

    pub(super) fn way(&self, name: &str) -> Result<&Measured> {
        let way = self.ways.iter().find(|way| way.leg == name);
        way.with_context(|| format!("nothing was measured of {name}"))
    }

    /// Whether hits cost what they may.
    pub(super) fn verdicts_of_hits(&self) -> Result<[Verdict; 2]> {
        let (hits, echo) = (self.way(HITS)?, self.way(ECHO)?);
        let (rate, processor) = (Sample::queries_per_second, Sample::first_hop);
        Ok([
            Verdict {
                what: format!("hit, {}: CPU ÷ echo", self.title()),
                figure: hits.ratio(processor, echo, processor),
                bound: Bound::AtMost(HIT_PROCESSOR),
            },
            Verdict {
                what: format!("hit, {}: queries/s ÷ echo", self.title()),
                figure: hits.ratio(rate, echo, rate),
                bound: Bound::AtLeast(HIT_RATE),
            },
        ])
    }

    /// Whether misses do.
    pub(super) fn verdict_of_misses(&self) -> Result<Verdict> {
        let (misses, off) = (self.way(MISSES)?, self.way(OFF)?);
        Ok(Verdict {
            what: format!("miss, {}: CPU ÷ cache off", self.title()),
            figure: misses.ratio(Sample::first_hop, off, Sample::first_hop),
            bound: Bound::AtMost(MISS_PROCESSOR),
        })
    }
}
