//! Says the result: tables for people, or one JSON object.

mod json;
mod tables;

use anyhow::Result;

use super::Findings;
use crate::bench::idle::Idle;
use crate::bench::options::Options;
use crate::bench::programs::Programs;
use crate::bench::verdict::{Bound, Verdict};

/// So many idle clients are the target's; fewer prove nothing.
const IDLE_CLIENTS: u32 = 10_000;

/// Most memory of an edge that has them, in megabytes.
const IDLE_MEGABYTES: f64 = 150.0;

/// Everything that was found, and how.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) options: &'a Options,
    pub(super) programs: &'a Programs,
    pub(super) findings: Findings,
}

impl Report<'_> {
    /// Prints it on stdout.
    pub(super) fn print(&self) -> Result<()> {
        let verdicts = self.verdicts()?;
        if self.options.json {
            println!("{}", serde_json::to_string(&json::of(self, &verdicts))?);
        } else {
            tables::print(self, &verdicts);
        }
        Ok(())
    }

    /// Each target of what was measured.
    fn verdicts(&self) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        for comparison in &self.findings.comparisons {
            verdicts.extend(comparison.verdicts()?);
        }
        if let Some(crowd) = &self.findings.crowd {
            verdicts.push(crowd.verdict()?);
        }
        if let Some(storm) = &self.findings.storm {
            verdicts.push(storm.verdict()?);
        }
        let idle = self.findings.idle.as_ref();
        verdicts.extend(
            idle.filter(|idle| idle.clients >= IDLE_CLIENTS)
                .map(of_idle),
        );
        Ok(verdicts)
    }
}

fn of_idle(idle: &Idle) -> Verdict {
    Verdict {
        what: format!("{} idle clients: edge's memory in MB", idle.clients),
        figure: idle.with_clients * 1024.0 / 1e6,
        bound: Bound::AtMost(IDLE_MEGABYTES),
    }
}
