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
            connects: state.connects,
            closes: state
                .connects
                .saturating_sub(u64::try_from(there).unwrap_or(u64::MAX)),
        }
    }
}
