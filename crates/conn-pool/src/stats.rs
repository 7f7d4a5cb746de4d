//! How a pool stands at one moment.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::PoolConfig;
use crate::connect::Connect;
use crate::state::State;

/// How a pool stands at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Connections that are kept open; [`PoolConfig::min`].
    pub min: usize,
    /// Most connections open at a time; [`PoolConfig::max`].
    pub max: usize,
    /// Connections idle, leased and being opened.
    pub open: usize,
    /// Connections that nobody uses.
    pub idle: usize,
    /// Connections that are lent.
    pub leased: usize,
    /// Sessions that wait.
    pub waiting: usize,
    /// How long the first of them has waited so far.
    pub longest_wait: Duration,
    /// Connections opened since the pool began.
    pub connects: u64,
    /// Connections closed or lost since.
    pub closes: u64,
    /// Connections that could not be opened.
    pub connect_failures: u64,
    /// Leases given.
    pub leases: u64,
    /// Leases that were waited for.
    pub waits: u64,
    /// Sessions that waited in vain.
    pub wait_timeouts: u64,
}

/// What a pool has counted since it began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connects: u64,
    pub(crate) connect_failures: u64,
    pub(crate) leases: u64,
    pub(crate) waits: u64,
    pub(crate) wait_timeouts: u64,
}

impl PoolStats {
    pub(crate) fn of<C: Connect>(state: &State<C>, config: &PoolConfig) -> Self {
        let mut waiters = state
            .waiters
            .iter()
            .filter(|waiter| !waiter.grant.is_closed());
        let first = waiters.next();
        let there = state.open.saturating_sub(state.opening);
        Self {
            min: config.kept(),
            max: config.max,
            open: state.open,
            idle: state.idle.len(),
            leased: there.saturating_sub(state.idle.len()),
            waiting: usize::from(first.is_some()) + waiters.count(),
            longest_wait: first.map_or(Duration::ZERO, |first| {
                Instant::now().duration_since(first.since)
            }),
            connects: state.counts.connects,
            closes: state
                .counts
                .connects
                .saturating_sub(u64::try_from(there).unwrap_or(u64::MAX)),
            connect_failures: state.counts.connect_failures,
            leases: state.counts.leases,
            waits: state.counts.waits,
            wait_timeouts: state.counts.wait_timeouts,
        }
    }

    /// What stays true when the pool is gone.
    pub(crate) fn of_the_past(self) -> Self {
        Self {
            connects: self.connects,
            closes: self.connects,
            connect_failures: self.connect_failures,
            leases: self.leases,
            waits: self.waits,
            wait_timeouts: self.wait_timeouts,
            ..Self::default()
        }
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            min: self.min + other.min,
            max: self.max + other.max,
            open: self.open + other.open,
            idle: self.idle + other.idle,
            leased: self.leased + other.leased,
            waiting: self.waiting + other.waiting,
            longest_wait: self.longest_wait.max(other.longest_wait),
            connects: self.connects + other.connects,
            closes: self.closes + other.closes,
            connect_failures: self.connect_failures + other.connect_failures,
            leases: self.leases + other.leases,
            waits: self.waits + other.waits,
            wait_timeouts: self.wait_timeouts + other.wait_timeouts,
        }
    }
}
