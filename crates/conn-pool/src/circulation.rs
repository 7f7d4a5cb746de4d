//! How connections go round: opened, lent, taken back, handed to a waiter, closed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::config::PoolConfig;
use crate::connect::Connect;
use crate::error::LeaseError;
use crate::lease::{CleanLease, Grant, Lease, Permit, Right};
use crate::metrics::{Books, PoolMetrics};
use crate::state::{Idle, State};
use crate::stats::PoolStats;

/// What all clones of a pool share.
pub(crate) struct Shared<C: Connect> {
    pub(crate) connect: C,
    pub(crate) config: PoolConfig,
    /// Wakes the keeper: fewer connections may be open than shall be.
    pub(crate) missing: Arc<Notify>,
    /// How often the pool was renewed. It is counted before the idle connections are taken out, so
    /// that one which comes back meanwhile is either seen among them or sees that it is too old.
    pub(crate) generation: AtomicU64,
    state: Mutex<State<C>>,
    metrics: PoolMetrics,
}

impl<C: Connect> Shared<C> {
    pub(crate) fn new(connect: C, config: PoolConfig, metrics: PoolMetrics) -> Arc<Self> {
        let shared = Arc::new(Self {
            connect,
            missing: Arc::default(),
            generation: AtomicU64::new(0),
            state: Mutex::new(State::new(&config)),
            metrics,
            config,
        });
        let books: Weak<Self> = Arc::downgrade(&shared);
        shared.metrics.enter(books);
        shared
    }

    /// The books. They are consistent after every step, so a panic elsewhere does not spoil them.
    pub(crate) fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a connection.
    pub(crate) async fn open(
        &self,
        mut permit: Permit<C>,
        key: &C::Key,
    ) -> Result<Lease<C>, LeaseError<C::Error>> {
        let limit = self.config.connect_timeout;
        let generation = self.generation.load(Ordering::Acquire);
        let opened = timeout(limit, self.connect.connect(key)).await;
        let error = match opened {
            Ok(Ok(conn)) => {
                let idle = self.enter(conn, key.clone(), generation);
                permit.opened();
                return Ok(Lease::new(idle, permit));
            }
            Ok(Err(error)) => LeaseError::Connect(error),
            Err(_) => LeaseError::ConnectTimeout { limit },
        };
        self.state().counts.connect_failures += 1;
        Err(error)
    }

    /// Enters a connection that was just opened in the books.
    fn enter(&self, conn: C::Conn, key: C::Key, generation: u64) -> Idle<C> {
        let now = Instant::now();
        let (lifetime, visit) = {
            let mut state = self.state();
            state.opening -= 1;
            state.counts.connects += 1;
            (state.lifetimes.deal(), state.next_visit())
        };
        if self.config.min > 0 {
            // The first one of its key tells the keeper what to open.
            self.missing.notify_one();
        }
        Idle {
            key,
            conn,
            end: now + lifetime,
            since: now,
            visit,
            generation,
        }
    }

    /// Lends an idle connection, unless it died or aged while nobody looked.
    pub(crate) fn revive(self: &Arc<Self>, mut idle: Idle<C>) -> Option<Lease<C>> {
        let permit = Permit::to_lend(self);
        let is_too_old = Instant::now() >= idle.end;
        if !is_too_old && self.connect.is_alive(&mut idle.conn) {
            return Some(Lease::new(idle, permit));
        }
        self.state().counts.leases -= 1;
        // It goes before its permit, by which a waiter may open another.
        if is_too_old {
            self.connect.close(idle.conn);
        } else {
            drop(idle);
        }
        None
    }

    /// Takes a connection back: for the first waiter of its key, or for the idle ones. Among those
    /// it is not looked at before somebody wants it.
    pub(crate) fn take_back(mut idle: Idle<C>, mut permit: Permit<C>) {
        idle.since = Instant::now();
        let pool = &permit.pool;
        let mut state = pool.state();
        let is_too_old =
            idle.since >= idle.end || idle.generation != pool.generation.load(Ordering::Acquire);
        if is_too_old || state.closed {
            drop(state);
            pool.connect.close(idle.conn);
            return;
        }
        let Some(waiter) = state.next_waiter() else {
            state.idle.push_back(idle);
            drop(state);
            permit.pass();
            return;
        };
        let mut idle = state.lend(idle);
        drop(state);
        if waiter.key != idle.key || !pool.connect.is_alive(&mut idle.conn) {
            pool.state().counts.leases -= 1;
            pool.connect.close(idle.conn);
            permit.reopen();
            // If that waiter vanished just now, the permit drops and goes to the next.
            drop(waiter.grant.send(Grant::Permit(permit)));
            return;
        }
        let lease = Lease::new(idle, permit);
        // Likewise: a clean lease that nobody receives gives itself back.
        drop(waiter.grant.send(Grant::Lease(CleanLease::new(lease))));
    }

    /// A connection is gone, or was not opened: the first waiter may open another in its place.
    pub(crate) fn permit_returned(self: &Arc<Self>, right: Right) {
        let mut state = self.state();
        if right == Right::Opening {
            state.opening -= 1;
        }
        if let Some(waiter) = state.next_waiter() {
            state.opening += 1;
            drop(state);
            drop(waiter.grant.send(Grant::Permit(Permit::to_open(self))));
            return;
        }
        state.open -= 1;
        let is_missing = state.open < self.config.kept();
        drop(state);
        if is_missing {
            self.missing.notify_one();
        }
    }

    /// Takes out of the idle ones what is too old, was idle for too long, or died.
    pub(crate) fn take_done(&self) -> Vec<Idle<C>> {
        let now = Instant::now();
        let kept = self.config.kept();
        self.state().take_idle(|idle, open| {
            let is_idle_for_long = now.duration_since(idle.since) >= self.config.idle_timeout;
            now >= idle.end
                || (is_idle_for_long && open > kept)
                || !self.connect.is_alive(&mut idle.conn)
        })
    }

    /// Closes connections that were taken out of the books.
    pub(crate) fn close_all(&self, taken: Vec<Idle<C>>) {
        for idle in taken {
            self.connect.close(idle.conn);
        }
        if self.config.min > 0 {
            self.missing.notify_one();
        }
    }
}

impl<C: Connect> Books for Shared<C> {
    fn stats(&self) -> PoolStats {
        PoolStats::of(&self.state(), &self.config)
    }
}

impl<C: Connect> Drop for Shared<C> {
    fn drop(&mut self) {
        self.metrics.leave(self.stats());
    }
}
