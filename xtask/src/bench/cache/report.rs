//! Says the result: tables for people, or one JSON object.

mod json;
mod tables;

use anyhow::Result;

use super::Findings;
use crate::bench::options::Options;
use crate::bench::programs::Programs;
use crate::bench::verdict::Verdict;

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
            tables::print(self, &verdicts)?;
        }
        Ok(())
    }

    /// Each target of what was measured.
    fn verdicts(&self) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        for comparison in &self.findings.hits {
            verdicts.extend(comparison.verdicts_of_hits()?);
        }
        for comparison in &self.findings.misses {
            verdicts.push(comparison.verdict_of_misses()?);
        }
        if let Some(memory) = &self.findings.memory {
            verdicts.extend(memory.verdicts());
        }
        verdicts.extend(self.findings.herd.as_ref().map(super::Herd::verdict));
        Ok(verdicts)
    }
}
