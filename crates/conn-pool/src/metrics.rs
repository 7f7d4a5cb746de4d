//! What pools tell of themselves, one series per hyperdrive: their books are read when somebody
//! asks, so that lending a connection costs no more than the one lock that it takes anyway.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::stats::PoolStats;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    hyperdrive: String,
}

/// A pool whose books can be read.
pub(crate) trait Books: Send + Sync {
    fn stats(&self) -> PoolStats;
}

/// All pools, registered once.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    pools: Arc<Mutex<BTreeMap<String, Series>>>,
}

/// Where one pool tells of itself.
#[derive(Clone, Debug, Default)]
pub struct PoolMetrics {
    of: Metrics,
    hyperdrive: String,
}

/// The pools of one hyperdrive: a changed configuration makes a new one, while the old one ends.
#[derive(Default)]
struct Series {
    living: Vec<Weak<dyn Books>>,
    /// What those that are gone have counted, because a counter never falls.
    gone: PoolStats,
}

/// A figure: its name, what it is, and where it stands.
type Figure<T> = (&'static str, &'static str, fn(&PoolStats) -> T);

const GAUGES: [Figure<usize>; 4] = [
    (
        "open_connections",
        "Origin connections open or being opened",
        |stats| stats.open,
    ),
    (
        "idle_connections",
        "Origin connections that nobody uses",
        |stats| stats.idle,
    ),
    (
        "leased_connections",
        "Origin connections that are lent to a session",
        |stats| stats.leased,
    ),
    (
        "waiting_sessions",
        "Sessions that wait for a lease",
        |stats| stats.waiting,
    ),
];

const COUNTERS: [Figure<u64>; 5] = [
    ("leases", "Leases given", |stats| stats.leases),
    ("waits", "Leases that were waited for", |stats| stats.waits),
    ("wait_timeouts", "Sessions that waited in vain", |stats| {
        stats.wait_timeouts
    }),
    ("connects", "Origin connections opened", |stats| {
        stats.connects
    }),
    (
        "connect_failures",
        "Origin connections that could not be opened",
        |stats| stats.connect_failures,
    ),
];

impl Metrics {
    /// Registers the families.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let pool = registry.sub_registry_with_prefix("pool");
        pool.register_collector(Box::new(metrics.clone()));
        metrics
    }

    /// Where the pool of one hyperdrive tells of itself.
    pub fn of(&self, hyperdrive: &str) -> PoolMetrics {
        PoolMetrics {
            of: self.clone(),
            hyperdrive: hyperdrive.to_owned(),
        }
    }

    /// How the pools of each hyperdrive stand together.
    fn stats(&self) -> Vec<(Labels, PoolStats)> {
        let pools = self.pools();
        let series = pools.iter().map(|(hyperdrive, series)| {
            let labels = Labels {
                hyperdrive: hyperdrive.clone(),
            };
            let living: Vec<_> = series.living.iter().filter_map(Weak::upgrade).collect();
            (labels, series.gone, living)
        });
        let series: Vec<_> = series.collect();
        // A pool that ends while it is looked at comes back here to say so.
        drop(pools);
        let sum = |(labels, gone, living): (Labels, PoolStats, Vec<Arc<dyn Books>>)| {
            let stats = living.iter().map(|pool| pool.stats());
            (labels, stats.fold(gone, PoolStats::and))
        };
        series.into_iter().map(sum).collect()
    }

    fn pools(&self) -> MutexGuard<'_, BTreeMap<String, Series>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = self.stats();
        for (name, help, figure) in GAUGES {
            let values = stats.iter().map(|(labels, stats)| {
                let value = i64::try_from(figure(stats)).unwrap_or(i64::MAX);
                (labels, ConstGauge::new(value))
            });
            encode_family(&mut encoder, name, help, values)?;
        }
        for (name, help, figure) in COUNTERS {
            let values = stats
                .iter()
                .map(|(labels, stats)| (labels, ConstCounter::new(figure(stats))));
            encode_family(&mut encoder, name, help, values)?;
        }
        Ok(())
    }
}

fn encode_family<'l, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (&'l Labels, M)>,
) -> fmt::Result {
    let mut values = values.peekable();
    let Some((_, first)) = values.peek() else {
        return Ok(());
    };
    let mut family = encoder.encode_descriptor(name, help, None, first.metric_type())?;
    values.try_for_each(|(labels, value)| value.encode(family.encode_family(labels)?))
}

impl PoolMetrics {
    /// The pool has begun.
    pub(crate) fn enter(&self, pool: Weak<dyn Books>) {
        let mut pools = self.of.pools();
        let series = pools.entry(self.hyperdrive.clone()).or_default();
        series.living.push(pool);
    }

    /// A pool has ended, with these figures.
    pub(crate) fn leave(&self, stats: PoolStats) {
        let mut pools = self.of.pools();
        let series = pools.entry(self.hyperdrive.clone()).or_default();
        series.living.retain(|pool| pool.strong_count() > 0);
        series.gone = series.gone.and(stats.of_the_past());
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series")
            .field("living", &self.living.len())
            .field("gone", &self.gone)
            .finish()
    }
}
