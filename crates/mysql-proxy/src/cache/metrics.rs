//! What caches tell of themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::ResultCache;
use super::figures::CacheFigures;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfHyperdrive {
    hyperdrive: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    hyperdrive: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfBypass {
    hyperdrive: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStatement {
    hyperdrive: String,
    fingerprint: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStatementBypass {
    hyperdrive: String,
    fingerprint: String,
    reason: &'static str,
}

/// Statements of each hyperdrive that have metrics of their own, those read most. All are in
/// `SHOW TIDEGATE CACHE`, which also tells what their fingerprints stand for.
const STATEMENTS: usize = 100;

/// The families of all caches, registered once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    books: Books,
}

/// The caches themselves: they are looked at when somebody asks.
#[derive(Clone, Default)]
struct Books {
    caches: Arc<Mutex<BTreeMap<String, Weak<ResultCache>>>>,
}

/// A figure: its name, what it is, and where it stands.
type Figure = (&'static str, &'static str, fn(&ResultCache) -> u64);

const GAUGES: [Figure; 4] = [
    ("entries", "Results kept", |cache| {
        u64::try_from(cache.store.stats().entries).unwrap_or(u64::MAX)
    }),
    ("bytes", "Bytes that kept results take", |cache| {
        cache.store.stats().bytes
    }),
    (
        "unknown_outcomes",
        "Writes whose connection was lost, and which may still commit: nothing is kept of their \
         tables",
        |cache| cache.loose.count(),
    ),
    (
        "follows",
        "1 while the origin's binary log is followed, so that writes of others are seen at once",
        |cache| u64::from(cache.is_following()),
    ),
];

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let cache = registry.sub_registry_with_prefix("cache");
        cache.register_collector(Box::new(metrics.books.clone()));
        metrics
    }

    /// The cache of a hyperdrive has begun.
    pub(crate) fn enter(&self, hyperdrive: &str, cache: &Arc<ResultCache>) {
        let mut caches = self
            .books
            .caches
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        caches.insert(hyperdrive.to_owned(), Arc::downgrade(cache));
    }
}

impl Collector for Books {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let caches: Vec<_> = {
            let caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
            let living = caches.iter().filter_map(|(hyperdrive, cache)| {
                let hyperdrive = hyperdrive.clone();
                Some((OfHyperdrive { hyperdrive }, cache.upgrade()?))
            });
            living.collect()
        };
        if caches.is_empty() {
            return Ok(());
        }
        for (name, help, figure) in GAUGES {
            let zero = ConstGauge::new(0i64);
            let mut family = encoder.encode_descriptor(name, help, None, zero.metric_type())?;
            for (labels, cache) in &caches {
                let value = i64::try_from(figure(cache)).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(family.encode_family(labels)?)?;
            }
        }
        let figures: Vec<_> = caches
            .into_iter()
            .map(|(of, cache)| (of.hyperdrive, cache.figures.all()))
            .collect();
        encode_totals(&figures, &mut encoder)?;
        encode_statements(&figures, &mut encoder)
    }
}

/// How the reads of a hyperdrive's statements were answered, those read most first.
type OfCache = (String, Vec<CacheFigures>);

/// How all reads were answered: the sum over all statements, so that a hit is counted once.
fn encode_totals(caches: &[OfCache], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let counter = ConstCounter::new(0u64).metric_type();
    let help = "Reads by how they were answered: hit, stale, miss, bypass";
    let mut reads = encoder.encode_descriptor("reads", help, None, counter)?;
    for (hyperdrive, figures) in caches {
        let mut sum: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (outcome, count) in figures.iter().flat_map(outcomes) {
            *sum.entry(outcome).or_default() += count;
        }
        for (outcome, count) in sum {
            let labels = OfOutcome {
                hyperdrive: hyperdrive.clone(),
                outcome,
            };
            ConstCounter::new(count).encode(reads.encode_family(&labels)?)?;
        }
    }
    let help = "Reads that went past the cache, by reason";
    let mut bypasses = encoder.encode_descriptor("bypasses", help, None, counter)?;
    for (hyperdrive, figures) in caches {
        let mut sum: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (why, count) in figures.iter().flat_map(|figures| &figures.bypasses) {
            *sum.entry(why.name()).or_default() += count;
        }
        for (reason, count) in sum {
            let labels = OfBypass {
                hyperdrive: hyperdrive.clone(),
                reason,
            };
            ConstCounter::new(count).encode(bypasses.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// How the reads of the statements that are read most were answered.
fn encode_statements(caches: &[OfCache], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let statements: Vec<_> = caches
        .iter()
        .flat_map(|(hyperdrive, all)| {
            let most = all.iter().take(STATEMENTS);
            most.map(move |figures| (hyperdrive, figures))
        })
        .collect();
    let fingerprint = |figures: &CacheFigures| figures.fingerprint.clone().unwrap_or_default();
    let counter = ConstCounter::new(0u64).metric_type();
    let mut reads = encoder.encode_descriptor(
        "statement_reads",
        "Reads of the statements that are read most, by fingerprint and how they were answered",
        None,
        counter,
    )?;
    for (hyperdrive, figures) in &statements {
        for (outcome, count) in outcomes(figures) {
            let labels = OfStatement {
                hyperdrive: (*hyperdrive).clone(),
                fingerprint: fingerprint(figures),
                outcome,
            };
            ConstCounter::new(count).encode(reads.encode_family(&labels)?)?;
        }
    }
    let mut bypasses = encoder.encode_descriptor(
        "statement_bypasses",
        "Those that went past the cache, by fingerprint and reason",
        None,
        counter,
    )?;
    for (hyperdrive, figures) in &statements {
        for (why, count) in &figures.bypasses {
            let labels = OfStatementBypass {
                hyperdrive: (*hyperdrive).clone(),
                fingerprint: fingerprint(figures),
                reason: why.name(),
            };
            ConstCounter::new(*count).encode(bypasses.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// How the reads of one statement were answered.
fn outcomes(figures: &CacheFigures) -> [(&'static str, u64); 4] {
    [
        ("hit", figures.hits),
        ("stale", figures.stale),
        ("miss", figures.misses),
        ("bypass", figures.bypassed()),
    ]
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Books").finish_non_exhaustive()
    }
}
