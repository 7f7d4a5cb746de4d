//! What caches tell of themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::figures::CacheFigures;
use super::{Bypass, Outcome, ResultCache};

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
    reads: Family<OfOutcome, Counter>,
    bypasses: Family<OfBypass, Counter>,
    books: Books,
}

/// The figures of one hyperdrive's cache.
#[derive(Clone, Debug)]
pub(crate) struct CacheMetrics {
    hyperdrive: String,
    hits: Counter,
    stale: Counter,
    misses: Counter,
    bypassed: Counter,
    bypasses: Family<OfBypass, Counter>,
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
        cache.register(
            "reads",
            "Reads by how they were answered: hit, stale, miss, bypass",
            metrics.reads.clone(),
        );
        cache.register(
            "bypasses",
            "Reads that went past the cache, by reason",
            metrics.bypasses.clone(),
        );
        cache.register_collector(Box::new(metrics.books.clone()));
        metrics
    }

    /// The figures of one hyperdrive's cache.
    pub(crate) fn of(&self, hyperdrive: &str) -> CacheMetrics {
        let of = |outcome| {
            let labels = OfOutcome {
                hyperdrive: hyperdrive.to_owned(),
                outcome,
            };
            self.reads.get_or_create(&labels).clone()
        };
        CacheMetrics {
            hyperdrive: hyperdrive.to_owned(),
            hits: of("hit"),
            stale: of("stale"),
            misses: of("miss"),
            bypassed: of("bypass"),
            bypasses: self.bypasses.clone(),
        }
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

impl CacheMetrics {
    pub(crate) fn count(&self, outcome: Outcome) {
        match outcome {
            Outcome::Hit => &self.hits,
            Outcome::Stale => &self.stale,
            Outcome::Miss => &self.misses,
            Outcome::Bypass(why) => {
                self.bypass(why);
                &self.bypassed
            }
        }
        .inc();
    }

    fn bypass(&self, why: Bypass) {
        let labels = OfBypass {
            hyperdrive: self.hyperdrive.clone(),
            reason: why.name(),
        };
        self.bypasses.get_or_create(&labels).inc();
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
        encode_statements(&caches, &mut encoder)
    }
}

/// How the reads of the statements that are read most were answered.
fn encode_statements(
    caches: &[(OfHyperdrive, Arc<ResultCache>)],
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let statements: Vec<_> = caches
        .iter()
        .flat_map(|(of, cache)| {
            let most = cache.figures.all().into_iter().take(STATEMENTS);
            most.map(|figures| (of.hyperdrive.clone(), figures))
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
        for (outcome, count) in [
            ("hit", figures.hits),
            ("stale", figures.stale),
            ("miss", figures.misses),
            ("bypass", figures.bypassed()),
        ] {
            let labels = OfStatement {
                hyperdrive: hyperdrive.clone(),
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
                hyperdrive: hyperdrive.clone(),
                fingerprint: fingerprint(figures),
                reason: why.name(),
            };
            ConstCounter::new(*count).encode(bypasses.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Books").finish_non_exhaustive()
    }
}
