//! What a pool counts, one series per hyperdrive.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    hyperdrive: String,
}

/// The families of all pools, registered once.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    open: Family<Labels, Gauge>,
    idle: Family<Labels, Gauge>,
    leased: Family<Labels, Gauge>,
    waiting: Family<Labels, Gauge>,
    leases: Family<Labels, Counter>,
    waits: Family<Labels, Counter>,
    wait_timeouts: Family<Labels, Counter>,
    connects: Family<Labels, Counter>,
    connect_failures: Family<Labels, Counter>,
}

/// The figures of one pool.
#[derive(Clone, Debug, Default)]
pub struct PoolMetrics {
    pub(crate) open: Gauge,
    pub(crate) idle: Gauge,
    pub(crate) leased: Gauge,
    pub(crate) waiting: Gauge,
    pub(crate) leases: Counter,
    pub(crate) waits: Counter,
    pub(crate) wait_timeouts: Counter,
    pub(crate) connects: Counter,
    pub(crate) connect_failures: Counter,
}

impl Metrics {
    /// Registers the families.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let pool = registry.sub_registry_with_prefix("pool");
        pool.register(
            "open_connections",
            "Origin connections open or being opened",
            metrics.open.clone(),
        );
        pool.register(
            "idle_connections",
            "Origin connections that nobody uses",
            metrics.idle.clone(),
        );
        pool.register(
            "leased_connections",
            "Origin connections that are lent to a session",
            metrics.leased.clone(),
        );
        pool.register(
            "waiting_sessions",
            "Sessions that wait for a lease",
            metrics.waiting.clone(),
        );
        pool.register("leases", "Leases given", metrics.leases.clone());
        pool.register(
            "waits",
            "Leases that were waited for",
            metrics.waits.clone(),
        );
        pool.register(
            "wait_timeouts",
            "Sessions that waited in vain",
            metrics.wait_timeouts.clone(),
        );
        pool.register(
            "connects",
            "Origin connections opened",
            metrics.connects.clone(),
        );
        pool.register(
            "connect_failures",
            "Origin connections that could not be opened",
            metrics.connect_failures.clone(),
        );
        metrics
    }

    /// The figures of the pool of one hyperdrive.
    pub fn of(&self, hyperdrive: &str) -> PoolMetrics {
        let labels = Labels {
            hyperdrive: hyperdrive.to_owned(),
        };
        PoolMetrics {
            open: self.open.get_or_create(&labels).clone(),
            idle: self.idle.get_or_create(&labels).clone(),
            leased: self.leased.get_or_create(&labels).clone(),
            waiting: self.waiting.get_or_create(&labels).clone(),
            leases: self.leases.get_or_create(&labels).clone(),
            waits: self.waits.get_or_create(&labels).clone(),
            wait_timeouts: self.wait_timeouts.get_or_create(&labels).clone(),
            connects: self.connects.get_or_create(&labels).clone(),
            connect_failures: self.connect_failures.get_or_create(&labels).clone(),
        }
    }
}
