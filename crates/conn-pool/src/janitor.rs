//! Closes what stays idle for too long, or died idle. Lends nothing, so it cannot delay anybody.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::debug;

use crate::connect::Connect;
use crate::pool::Shared;

/// Looks are at least this far apart, so that a tiny idle timeout costs no CPU …
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// … and at most this far: what carries a connection may be waiting for its end to leave.
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);

/// The task that cleans up behind a pool; it ends when this is dropped.
pub(crate) struct Janitor(JoinHandle<()>);

impl Janitor {
    pub(crate) fn spawn<C: Connect>(pool: &Arc<Shared<C>>) -> Self {
        Self(tokio::spawn(run(Arc::downgrade(pool))))
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run<C: Connect>(pool: Weak<Shared<C>>) {
    let Some(config) = pool.upgrade().map(|pool| pool.config) else {
        return;
    };
    let interval = config.idle_timeout.min(config.max_lifetime) / 4;
    let mut ticks = tokio::time::interval(interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        sweep(&pool);
    }
}

fn sweep<C: Connect>(pool: &Arc<Shared<C>>) {
    let now = Instant::now();
    let expired = pool
        .state()
        .take_idle(|idle| pool.is_expired(idle, now) || !pool.connect.is_alive(&mut idle.conn));
    if !expired.is_empty() {
        debug!(count = expired.len(), "Closing idle connections");
        pool.close_all(expired);
    }
}
