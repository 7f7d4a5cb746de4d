//! What a run has found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::json;

use super::campaign::{Campaign, name};

/// A read that showed what it must not.
#[derive(Clone, Debug)]
pub struct Violation {
    pub(super) fault: Fault,
    pub(super) statement: String,
    pub(super) who: String,
    /// When it was sent and answered, since the run began.
    pub(super) began: Duration,
    pub(super) ended: Duration,
    /// The last writes of the row.
    pub(super) history: Vec<String>,
}

/// What is wrong with a row of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The row; 0 for a sum of several.
    pub(super) id: usize,
    what: What,
    value: i64,
    floor: i64,
    other: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Stale,
    RolledBack,
    Unknown,
    Torn,
    Missing,
    Unasked,
    Twins,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Reads that were answered and checked.
    pub reads: u64,
    /// Writes that were acknowledged.
    pub writes: u64,
    /// Reads that failed.
    pub failed_reads: u64,
    /// Writes that failed, or whose outcome nobody was told.
    pub failed_writes: u64,
    /// Reads of any kind that the cache answered, as it says itself.
    pub hits: u64,
    /// Statements that it counts at all.
    pub counted: u64,
    /// Connections between edge and origin that were cut.
    pub cuts: u64,
    /// Packets and answers that were held back.
    pub holds: u64,
    /// Packets that reached the origin when their connection was gone.
    pub late: u64,
    /// Changes of definitions that took effect.
    pub definitions: u64,
    /// Scenes that were played to their end.
    pub scenes: u64,
    /// What was violated, up to a limit.
    pub violations: Vec<Violation>,
    /// Failures by what was told, with how often it was.
    pub failures: BTreeMap<String, u64>,
    /// The statements with the most reads, and how they were answered.
    pub table: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Fault {
    /// The fault of a row of this value, if it has one. The range is from its floor to what has
    /// begun.
    pub(super) fn of(id: usize, value: i64, check: i64, range: (i64, i64)) -> Option<Self> {
        let number = i64::try_from(id).unwrap_or_default();
        if check != super::registers::check_of(number, value) {
            return Some(Self::torn(id, value, check));
        }
        if value % 2 != 0 {
            return Some(Self::new(id, What::RolledBack, value, range));
        }
        Self::outside(id, value, range)
    }

    pub(super) fn outside(id: usize, value: i64, range: (i64, i64)) -> Option<Self> {
        let what = if value < range.0 {
            What::Stale
        } else if value > range.1 {
            What::Unknown
        } else {
            return None;
        };
        Some(Self::new(id, what, value, range))
    }

    pub(super) fn torn(id: usize, value: i64, check: i64) -> Self {
        Self::new(id, What::Torn, value, (0, check))
    }

    pub(super) fn missing(id: usize, floor: i64) -> Self {
        Self::new(id, What::Missing, 0, (floor, 0))
    }

    /// A row that was not asked for, or comes twice.
    pub(super) fn unasked(id: usize, value: i64) -> Self {
        Self::new(id, What::Unasked, value, (0, 0))
    }

    pub(super) fn twins(id: usize, value: i64, other: i64) -> Self {
        Self::new(id, What::Twins, value, (0, other))
    }

    fn new(id: usize, what: What, value: i64, (floor, other): (i64, i64)) -> Self {
        Self {
            id,
            what,
            value,
            floor,
            other,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            value,
            floor,
            other,
            ..
        } = self;
        match id {
            0 => f.write_str("a sum: ")?,
            _ => write!(f, "row {id}: ")?,
        }
        match self.what {
            What::Stale => write!(f, "stale: {value}, where {floor} was known before it began"),
            What::RolledBack => write!(f, "{value}, which was never committed"),
            What::Unknown => write!(f, "{value}, where nobody wrote more than {other} yet"),
            What::Torn => write!(f, "{value} and its check {other} do not agree"),
            What::Missing => write!(f, "missing, where {floor} was known before it began"),
            What::Unasked => write!(
                f,
                "{value}, of a row that was not asked for, or comes twice"
            ),
            What::Twins => write!(f, "{value}, and its twin in the same result {other}"),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "violation, {}\n  by {}, sent at {:.4} s, answered at {:.4} s\n  {}",
            self.fault,
            self.who,
            self.began.as_secs_f64(),
            self.ended.as_secs_f64(),
            self.statement
        )?;
        for line in &self.history {
            writeln!(f, "    {line}")?;
        }
        Ok(())
    }
}

impl Summary {
    /// The share of the counted statements that the cache answered, in percent.
    pub fn hit_ratio(&self) -> u64 {
        (self.hits * 100).checked_div(self.counted).unwrap_or(0)
    }

    /// One object for programs to read.
    pub fn json(&self, campaign: &Campaign) -> serde_json::Value {
        let violations: Vec<_> = self.violations.iter().map(ToString::to_string).collect();
        json!({
            "origin": name(campaign.kind),
            "seed": campaign.seed,
            "reads": self.reads,
            "writes": self.writes,
            "hits": self.hits,
            "hit_ratio": self.hit_ratio(),
            "violations": violations,
            "failed_reads": self.failed_reads,
            "failed_writes": self.failed_writes,
            "cuts": self.cuts,
            "holds": self.holds,
            "late": self.late,
            "definitions": self.definitions,
            "scenes": self.scenes,
            "failures": self.failures,
            "seconds": self.elapsed.as_secs(),
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} reads ({} failed), {} writes ({} failed), {} % hits, {} definitions, {} scenes, \
             {} s",
            self.reads,
            self.failed_reads,
            self.writes,
            self.failed_writes,
            self.hit_ratio(),
            self.definitions,
            self.scenes,
            self.elapsed.as_secs()
        )?;
        writeln!(
            f,
            "{} connections cut, {} packets held, {} late; {} violations",
            self.cuts,
            self.holds,
            self.late,
            self.violations.len()
        )?;
        for violation in &self.violations {
            write!(f, "{violation}")?;
        }
        for (failure, count) in &self.failures {
            writeln!(f, "{count} x failed: {failure}")?;
        }
        for line in &self.table {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
