//! The pool: who asks gets a lease, who gives back serves the next.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::config::PoolConfig;
use crate::connect::Connect;
use crate::error::LeaseError;
use crate::janitor::Janitor;
use crate::lease::{CleanLease, Grant, Lease, Permit, Returned, Visit};
use crate::metrics::PoolMetrics;
use crate::state::{Claim, Idle, State};

/// A pool of connections. Cheap to clone; all clones share the connections.
pub struct Pool<C: Connect> {
    shared: Arc<Shared<C>>,
    janitor: Arc<Janitor>,
}

/// How a pool stands at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStats {
    /// Connections idle, lent and being opened.
    pub open: usize,
    /// Connections that nobody uses.
    pub idle: usize,
    /// Sessions that wait.
    pub waiting: usize,
}

pub(crate) struct Shared<C: Connect> {
    pub(crate) connect: C,
    pub(crate) config: PoolConfig,
    pub(crate) metrics: PoolMetrics,
    state: Mutex<State<C>>,
    visits: AtomicU64,
}

impl<C: Connect> Pool<C> {
    /// Makes an empty pool. Must be called inside a tokio runtime: a janitor task closes what stays
    /// idle for too long, and ends with the last clone of the pool.
    pub fn new(connect: C, config: PoolConfig, metrics: PoolMetrics) -> Self {
        let shared = Arc::new(Shared {
            connect,
            config,
            metrics,
            state: Mutex::new(State::new()),
            visits: AtomicU64::new(0),
        });
        Self {
            janitor: Arc::new(Janitor::spawn(&shared)),
            shared,
        }
    }

    /// Lends a connection of `key`.
    ///
    /// Cancel-safe: when the future is dropped, its place in the queue and whatever it was given go
    /// to the next waiter.
    pub async fn lease(&self, key: &C::Key) -> Result<Lease<C>, LeaseError<C::Error>> {
        loop {
            let claim = self.shared.state().claim(key, &self.shared.config);
            match claim {
                Claim::Idle(idle) => {
                    if let Some(lease) = self.shared.revive(idle) {
                        return Ok(lease);
                    }
                }
                Claim::Permit(evicted) => return self.open_instead_of(evicted, key).await,
                Claim::Wait(granted) => return self.wait(granted, key).await,
                Claim::QueueFull => return Err(self.queue_full()),
                Claim::Closed => return Err(LeaseError::Closed),
            }
        }
    }

    /// Lends a connection of `key` that no session has used before: opens one, in the place of an
    /// idle one if there is no room. Cancel-safe as [`Pool::lease`].
    pub async fn lease_unused(&self, key: &C::Key) -> Result<Lease<C>, LeaseError<C::Error>> {
        let claim = self.shared.state().claim_unused(key, &self.shared.config);
        match claim {
            Claim::Idle(evicted) | Claim::Permit(Some(evicted)) => {
                self.open_instead_of(Some(evicted), key).await
            }
            Claim::Permit(None) => self.open_instead_of(None, key).await,
            Claim::Wait(granted) => {
                let lease = self.wait(granted, key).await?;
                if lease.is_unused() {
                    return Ok(lease);
                }
                self.open(lease.into_permit(), key).await
            }
            Claim::QueueFull => Err(self.queue_full()),
            Claim::Closed => Err(LeaseError::Closed),
        }
    }

    /// Lends the very connection of an earlier visit again, if it is idle and nobody used it since.
    pub fn resume(&self, visit: Visit) -> Option<Lease<C>> {
        let idle = {
            let mut state = self.shared.state();
            let at = state.idle.iter().rposition(|idle| idle.visit == visit)?;
            state.idle.remove(at)?
        };
        self.shared.revive(idle)
    }

    /// Closes what is idle and refuses whoever asks from now on. What is lent is closed when it
    /// comes back.
    pub fn close(&self) {
        let (idle, waiters) = {
            let mut state = self.shared.state();
            state.closed = true;
            (
                state.take_idle(|_| true),
                std::mem::take(&mut state.waiters),
            )
        };
        drop(waiters);
        self.shared.close_all(idle);
    }

    /// How the pool stands now.
    pub fn stats(&self) -> PoolStats {
        let state = self.shared.state();
        PoolStats {
            open: state.open,
            idle: state.idle.len(),
            waiting: state.waiters.len(),
        }
    }

    /// What opens its connections.
    pub fn connector(&self) -> &C {
        &self.shared.connect
    }

    /// The limits it was made with.
    pub fn config(&self) -> &PoolConfig {
        &self.shared.config
    }

    /// Opens a connection with the permit of an evicted one, or with a new one.
    async fn open_instead_of(
        &self,
        evicted: Option<Idle<C>>,
        key: &C::Key,
    ) -> Result<Lease<C>, LeaseError<C::Error>> {
        let permit = Permit::new(&self.shared);
        if let Some(evicted) = evicted {
            self.shared.metrics.idle.dec();
            self.shared.connect.close(evicted.conn);
        } else {
            self.shared.metrics.open.inc();
        }
        self.open(permit, key).await
    }

    async fn open(
        &self,
        permit: Permit<C>,
        key: &C::Key,
    ) -> Result<Lease<C>, LeaseError<C::Error>> {
        let metrics = &self.shared.metrics;
        let limit = self.shared.config.connect_timeout;
        let conn = match timeout(limit, self.shared.connect.connect(key)).await {
            Ok(Ok(conn)) => conn,
            Ok(Err(error)) => {
                metrics.connect_failures.inc();
                return Err(LeaseError::Connect(error));
            }
            Err(_) => {
                metrics.connect_failures.inc();
                return Err(LeaseError::ConnectTimeout { limit });
            }
        };
        metrics.connects.inc();
        metrics.leases.inc();
        let visit = self.shared.next_visit();
        Ok(Lease::unused(conn, key.clone(), visit, permit))
    }

    fn queue_full(&self) -> LeaseError<C::Error> {
        LeaseError::QueueFull {
            waiting: self.shared.config.max_waiting,
        }
    }

    async fn wait(
        &self,
        granted: oneshot::Receiver<Grant<C>>,
        key: &C::Key,
    ) -> Result<Lease<C>, LeaseError<C::Error>> {
        let metrics = &self.shared.metrics;
        metrics.waits.inc();
        let waiting = Waiting::new(metrics);
        let limit = self.shared.config.wait_timeout;
        let grant = timeout(limit, granted).await;
        drop(waiting);
        match grant {
            Err(_) => {
                metrics.wait_timeouts.inc();
                Err(LeaseError::WaitTimeout { waited: limit })
            }
            Ok(Err(_)) => Err(LeaseError::Closed),
            Ok(Ok(Grant::Permit(permit))) => self.open(permit, key).await,
            Ok(Ok(Grant::Lease(clean))) => {
                metrics.leases.inc();
                clean.into_lease().ok_or(LeaseError::Closed)
            }
        }
    }
}

impl<C: Connect> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            janitor: Arc::clone(&self.janitor),
        }
    }
}

impl<C: Connect> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<C: Connect> Shared<C> {
    /// The books. They are consistent after every step, so a panic elsewhere does not spoil them.
    pub(crate) fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_visit(&self) -> Visit {
        Visit(self.visits.fetch_add(1, Ordering::Relaxed))
    }

    /// Lends an idle connection, unless it died or aged while nobody looked.
    fn revive(self: &Arc<Self>, mut idle: Idle<C>) -> Option<Lease<C>> {
        self.metrics.idle.dec();
        let permit = Permit::new(self);
        if self.is_expired(&idle, Instant::now()) {
            self.connect.close(idle.conn);
            return None;
        }
        if !self.connect.is_alive(&mut idle.conn) {
            return None;
        }
        self.metrics.leases.inc();
        let visit = self.next_visit();
        Some(Lease::used(idle, visit, permit))
    }

    /// Takes a connection back: for the first waiter of its key, or for the idle ones.
    pub(crate) fn take_back(self: &Arc<Self>, returned: Returned<C>) {
        let now = Instant::now();
        let Returned { mut idle, permit } = returned;
        idle.since = now;
        if now.duration_since(idle.born) >= self.config.max_lifetime
            || !self.connect.is_alive(&mut idle.conn)
        {
            self.connect.close(idle.conn);
            return;
        }
        let mut state = self.state();
        loop {
            if state.closed {
                drop(state);
                self.connect.close(idle.conn);
                return;
            }
            let Some(waiter) = state.waiters.pop_front() else {
                state.idle.push_back(idle);
                drop(state);
                self.metrics.idle.inc();
                permit.forget();
                return;
            };
            if waiter.grant.is_closed() {
                continue;
            }
            drop(state);
            if waiter.key != idle.key {
                self.connect.close(idle.conn);
                // If that waiter vanished just now, the permit drops and goes to the next.
                drop(waiter.grant.send(Grant::Permit(permit)));
                return;
            }
            let lease = Lease::used(idle, self.next_visit(), permit);
            // Likewise: a clean lease that nobody receives gives itself back.
            drop(waiter.grant.send(Grant::Lease(CleanLease::new(lease))));
            return;
        }
    }

    /// A connection is gone: the first waiter may open another in its place.
    pub(crate) fn permit_returned(self: &Arc<Self>) {
        let mut state = self.state();
        while let Some(waiter) = state.waiters.pop_front() {
            if waiter.grant.is_closed() {
                continue;
            }
            drop(state);
            let permit = Permit::new(self);
            drop(waiter.grant.send(Grant::Permit(permit)));
            return;
        }
        state.open -= 1;
        drop(state);
        self.metrics.open.dec();
    }

    /// Too old, or idle for too long.
    pub(crate) fn is_expired(&self, idle: &Idle<C>, now: Instant) -> bool {
        now.duration_since(idle.born) >= self.config.max_lifetime
            || now.duration_since(idle.since) >= self.config.idle_timeout
    }

    /// Closes connections that were taken out of the books.
    pub(crate) fn close_all(&self, taken: Vec<Idle<C>>) {
        for idle in taken {
            self.metrics.open.dec();
            self.metrics.idle.dec();
            self.connect.close(idle.conn);
        }
    }
}

/// A waiter's mark in the figures, however its wait ends.
struct Waiting<'a>(&'a PoolMetrics);

impl<'a> Waiting<'a> {
    fn new(metrics: &'a PoolMetrics) -> Self {
        metrics.waiting.inc();
        Self(metrics)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.dec();
    }
}
