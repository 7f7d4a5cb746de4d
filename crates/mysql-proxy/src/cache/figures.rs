//! How the cache does, statement by statement.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mysql_sql::{Dialect, fingerprint, fingerprint_hash};

use super::Bypass;
use crate::striped::Striped;

/// Most statements that are told apart: more shapes of statements than most applications have. What
/// comes later is counted together.
const MOST: usize = 4096;

/// Under this, without a text.
const OTHERS: u64 = 0;

/// How a read was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// From what is kept.
    Hit,
    /// Likewise, while a fresh result is fetched.
    Stale,
    /// By the origin; what it said is kept, if nothing came between.
    Miss,
    /// By the origin.
    Bypass(Bypass),
}

/// How the reads of one fingerprint were answered.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    fingerprint: u64,
    /// The statement with `?` for each literal.
    text: Box<str>,
    hits: Striped,
    stale: AtomicU64,
    misses: AtomicU64,
    /// With how often each was the reason; the last one first.
    bypasses: Mutex<Vec<(Bypass, u64)>>,
}

/// The same at one time.
#[derive(Clone, Debug)]
pub(crate) struct CacheFigures {
    /// As hexadecimal digits. None: of all that came too late to be told apart.
    pub(crate) fingerprint: Option<String>,
    pub(crate) text: String,
    pub(crate) hits: u64,
    pub(crate) stale: u64,
    pub(crate) misses: u64,
    /// With how often each was the reason; the last one first.
    pub(crate) bypasses: Vec<(Bypass, u64)>,
}

impl Figures {
    pub(crate) fn count(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Hit => return self.hits.inc(),
            Outcome::Stale => &self.stale,
            Outcome::Miss => &self.misses,
            Outcome::Bypass(why) => return self.count_bypass(why),
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn count_bypass(&self, why: Bypass) {
        let mut bypasses = self.bypasses();
        let known = bypasses.iter().position(|(reason, _)| *reason == why);
        let (_, times) = match known {
            Some(at) => bypasses.remove(at),
            None => (why, 0),
        };
        bypasses.insert(0, (why, times.wrapping_add(1)));
    }

    fn bypasses(&self) -> MutexGuard<'_, Vec<(Bypass, u64)>> {
        self.bypasses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> CacheFigures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let is_one = self.fingerprint != OTHERS;
        CacheFigures {
            fingerprint: is_one.then(|| format!("{:016x}", self.fingerprint)),
            text: self.text.to_string(),
            hits: self.hits.sum(),
            stale: of(&self.stale),
            misses: of(&self.misses),
            bypasses: self.bypasses().clone(),
        }
    }
}

impl CacheFigures {
    /// How often it went past the cache.
    pub(crate) fn bypassed(&self) -> u64 {
        self.bypasses.iter().map(|(_, times)| times).sum()
    }

    fn reads(&self) -> u64 {
        self.hits + self.stale + self.misses + self.bypassed()
    }
}

/// The figures of all statements of a hyperdrive.
#[derive(Debug, Default)]
pub(crate) struct AllFigures {
    by_fingerprint: Mutex<HashMap<u64, Arc<Figures>>>,
}

impl AllFigures {
    /// Those of a statement.
    pub(crate) fn of(&self, sql: &[u8], dialect: Dialect) -> Arc<Figures> {
        let hash = fingerprint_hash(sql, dialect);
        let mut known = self.lock();
        if let Some(figures) = known.get(&hash) {
            return Arc::clone(figures);
        }
        let (hash, text) = if known.len() < MOST {
            (hash, fingerprint(sql, dialect).into())
        } else {
            (OTHERS, Box::default())
        };
        let figures = known.entry(hash).or_insert_with(|| {
            Arc::new(Figures {
                fingerprint: hash,
                text,
                ..Figures::default()
            })
        });
        Arc::clone(figures)
    }

    /// All of them, those answered most first.
    pub(crate) fn all(&self) -> Vec<CacheFigures> {
        let figures: Vec<_> = self.lock().values().map(Arc::clone).collect();
        let mut figures: Vec<_> = figures.iter().map(|figures| figures.now()).collect();
        figures.sort_by(|a, b| {
            let by_reads = b.reads().cmp(&a.reads());
            by_reads.then_with(|| a.text.cmp(&b.text))
        });
        figures
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Figures>>> {
        self.by_fingerprint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
