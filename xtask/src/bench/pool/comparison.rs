//! Point selects over all ways to one database: what each does per second, and what it costs.

use anyhow::{Context, Result};

use crate::bench::leg::{EDGE, HAPROXY};
use crate::bench::numbers::of_clients;
use crate::bench::options::Options;
use crate::bench::programs::Programs;
use crate::bench::rounds::{self, Measured, Sample};
use crate::bench::sysbench::{Load, Reads, Statements};
use crate::bench::verdict::{Bound, Verdict};
use crate::bench::ways::{SHARING, Ways};

/// From so many clients on, throughput is a target: with one it is latency by another name.
const MANY_CLIENTS: u32 = 16;

/// All ways to one database under one load.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) database: &'static str,
    pub(super) statements: Statements,
    pub(super) clients: u32,
    pub(super) ways: Vec<Measured>,
}

/// Measures with text and prepared statements, and with each number of clients.
pub(super) fn measure(
    programs: &Programs,
    options: &Options,
    (database, ways): (&'static str, &Ways),
) -> Result<Vec<Comparison>> {
    let legs = ways.all();
    let mut comparisons = Vec::new();
    for statements in [Statements::Text, Statements::Prepared] {
        for &clients in &options.clients {
            let load = Load {
                reads: Reads::POINTS,
                statements,
                clients,
                length: options.length(),
                rate: None,
            };
            let what = format!("{database}, {}, {}", statements.name(), of_clients(clients));
            let load = (what.as_str(), &load);
            comparisons.push(Comparison {
                database,
                statements,
                clients,
                ways: rounds::measure(programs, &legs, load, options.rounds, &ways.log)?,
            });
        }
    }
    Ok(comparisons)
}

impl Comparison {
    /// A name for tables.
    pub(super) fn title(&self) -> String {
        let clients = of_clients(self.clients);
        format!("{}, {}, {clients}", self.database, self.statements.name())
    }

    pub(super) fn way(&self, name: &str) -> Option<&Measured> {
        self.ways.iter().find(|way| way.leg == name)
    }

    /// Whether the edge is where it should be.
    pub(super) fn verdicts(&self) -> Result<Vec<Verdict>> {
        let edge = self.way(EDGE).context("no way is the edge's")?;
        let mut verdicts = Vec::new();
        for (other, least_clients) in [(HAPROXY, MANY_CLIENTS), (SHARING, 1)] {
            let Some(way) = self.way(other) else {
                continue;
            };
            verdicts.push(Verdict {
                what: format!("{}: CPU per query ÷ {other}", self.title()),
                figure: edge.ratio(Sample::first_hop, way, Sample::first_hop),
                bound: Bound::AtMost(1.0),
            });
            if self.clients >= least_clients {
                let rate = Sample::queries_per_second;
                verdicts.push(Verdict {
                    what: format!("{}: queries/s ÷ {other}", self.title()),
                    figure: edge.ratio(rate, way, rate),
                    bound: Bound::AtLeast(1.0),
                });
            }
        }
        Ok(verdicts)
    }
}
