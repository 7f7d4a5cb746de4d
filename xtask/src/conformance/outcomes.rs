//! What became of each test of a suite.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

/// Long enough for the sentence that says what failed.
const LONGEST_MESSAGE: usize = 300;

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It passed.
    Passed,
    /// It failed, and what it said.
    Failed(String),
    /// It did not want to run here.
    Skipped,
}

/// The tests of a suite by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcomes(BTreeMap<String, Outcome>);

impl Outcome {
    /// A failure with the first part of its message.
    pub(super) fn failed(message: &str) -> Self {
        let message: Vec<&str> = message.split_whitespace().collect();
        Self::Failed(message.join(" ").chars().take(LONGEST_MESSAGE).collect())
    }

    /// Whether both are of the same kind; what a failure says may hold ids and times.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed(message) => write!(f, "failed: {message}"),
            Self::Skipped => f.write_str("skipped"),
        }
    }
}

impl Outcomes {
    /// Notes a test. One that is heard of several times failed if it ever did.
    pub(super) fn note(&mut self, name: &str, outcome: Outcome) {
        let known = self
            .0
            .entry(name.to_owned())
            .or_insert_with(|| outcome.clone());
        if !matches!(known, Outcome::Failed(_)) {
            *known = outcome;
        }
    }

    /// Reads lines of JSON with `test`, `outcome` and perhaps `message`.
    pub(super) fn read_lines(text: &str) -> Result<Self> {
        let mut outcomes = Self::default();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).context("an outcome is not JSON")?;
            let name = line["test"].as_str().context("an outcome has no test")?;
            let message = line["message"].as_str().unwrap_or_default();
            let outcome = match line["outcome"].as_str() {
                Some("passed") => Outcome::Passed,
                Some("skipped") => Outcome::Skipped,
                _ => Outcome::failed(message),
            };
            outcomes.note(name, outcome);
        }
        Ok(outcomes)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Outcome> {
        self.0.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many passed, failed and were skipped.
    pub(super) fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for outcome in self.0.values() {
            let at = match outcome {
                Outcome::Passed => 0,
                Outcome::Failed(_) => 1,
                Outcome::Skipped => 2,
            };
            counts[at] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_of_outcomes() {
        let text = "{\"test\":\"a\",\"outcome\":\"passed\"}\n\
             {\"test\":\"b\",\"outcome\":\"failed\",\"message\":\"1\\n is not  2\"}\n\
             {\"test\":\"b\",\"outcome\":\"passed\"}\n\
             {\"test\":\"c\",\"outcome\":\"skipped\"}\n";
        let outcomes = Outcomes::read_lines(text).unwrap();
        assert_eq!(outcomes.counts(), [1, 1, 1]);
        let failed = Outcome::Failed("1 is not 2".to_owned());
        assert_eq!(outcomes.get("b"), Some(&failed));
        assert!(Outcomes::read_lines("{}").is_err());
    }
}
