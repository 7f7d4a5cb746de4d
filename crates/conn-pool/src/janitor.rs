//! Closes what is too old, stays idle for too long, or died idle. Lends nothing, so it cannot delay
//! anybody.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tracing::debug;

use crate::circulation::Shared;
use crate::connect::Connect;
use crate::keeper;

/// Looks are at least this far apart, so that a tiny idle timeout costs no CPU …
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// … and at most this far: what carries a connection may be waiting for its end to leave.
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);

/// The tasks that clean up behind a pool and keep it filled; they end when this is dropped.
pub(crate) struct Janitor {
    sweeper: JoinHandle<()>,
    keeper: Option<JoinHandle<()>>,
}

impl Janitor {
    pub(crate) fn spawn<C: Connect>(pool: &Arc<Shared<C>>, housekeeping: &Handle) -> Self {
        let keeps = pool.config.kept() > 0;
        Self {
            sweeper: housekeeping.spawn(run(Arc::downgrade(pool))),
            keeper: keeps.then(|| tokio::spawn(keeper::run(Arc::downgrade(pool)))),
        }
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        self.sweeper.abort();
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
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
    let done = pool.take_done();
    if !done.is_empty() {
        debug!(count = done.len(), "Closing idle connections");
        pool.close_all(done);
    }
}
