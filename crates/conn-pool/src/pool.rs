//! The pool: who asks gets a lease, who gives back serves the next.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::circulation::Shared;
use crate::config::PoolConfig;
use crate::connect::{Connect, Fit};
use crate::error::LeaseError;
use crate::janitor::Janitor;
use crate::lease::{Grant, Lease, Permit, Visit};
use crate::metrics::{Books, PoolMetrics};
use crate::state::{Ask, Claim, Idle};
use crate::stats::PoolStats;

/// A pool of connections. Cheap to clone; all clones share the connections.
pub struct Pool<C: Connect> {
    pub(crate) shared: Arc<Shared<C>>,
    janitor: Arc<Janitor>,
}

impl<C: Connect> Pool<C> {
    /// Makes an empty pool. Must be called inside a tokio runtime: tasks close what stays idle for
    /// too long and open what is missing, and end with the last clone of the pool.
    ///
    /// `housekeeping` is the runtime that looks at the idle connections each second. It opens none,
    /// so it need not be the one that serves. It should not be, because each wait for I/O of a
    /// runtime that has a timer sets an alarm of the kernel's.
    pub fn new(
        connect: C,
        config: PoolConfig,
        metrics: PoolMetrics,
        housekeeping: &Handle,
    ) -> Self {
        let shared = Shared::new(connect, config, metrics);
        Self {
            janitor: Arc::new(Janitor::spawn(&shared, housekeeping)),
            shared,
        }
    }

    /// Lends a connection of `key` that is idle, if there is one: as [`Pool::lease`], without the
    /// waiting.
    pub fn lease_idle(
        &self,
        key: &C::Key,
        wish: &C::Wish,
        last: Option<Visit>,
    ) -> Option<Lease<C>> {
        let ask = Ask { key, wish, last };
        loop {
            let idle = self.shared.state().claim_idle(&ask, &self.shared.connect)?;
            if let Some(lease) = self.shared.revive(idle) {
                return Some(lease);
            }
        }
    }

    /// Lends a connection of `key`, which is either ready for `wish` or can be brought there. The
    /// one of the visit `last` is preferred, if nobody used it since.
    ///
    /// Cancel-safe: when the future is dropped, its place in the queue and whatever it was given go
    /// to the next waiter.
    pub async fn lease(
        &self,
        key: &C::Key,
        wish: &C::Wish,
        last: Option<Visit>,
    ) -> Result<Lease<C>, LeaseError<C::Error>> {
        let limit = self.shared.config.wait_timeout;
        self.lease_within(limit, key, wish, last).await
    }

    /// Likewise, with a limit of its own to the wait, for who has waited for something else before.
    pub async fn lease_within(
        &self,
        limit: Duration,
        key: &C::Key,
        wish: &C::Wish,
        last: Option<Visit>,
    ) -> Result<Lease<C>, LeaseError<C::Error>> {
        let Shared {
            connect, config, ..
        } = &*self.shared;
        let ask = Ask { key, wish, last };
        loop {
            let claim = self.shared.state().claim(&ask, connect, config);
            match claim {
                Claim::Idle(idle) => {
                    if let Some(lease) = self.shared.revive(idle) {
                        return Ok(lease);
                    }
                }
                Claim::Permit(evicted) => return self.open_instead_of(evicted, key).await,
                Claim::Wait(granted) => {
                    let lease = self.wait(limit, granted, key).await?;
                    if connect.fit(lease.conn(), wish) == Fit::Never {
                        return self.shared.open(lease.into_permit(), key).await;
                    }
                    return Ok(lease);
                }
                Claim::QueueFull => return Err(self.queue_full()),
                Claim::Closed => return Err(LeaseError::Closed),
            }
        }
    }

    /// Lends the very connection of an earlier visit again, if it is idle and nobody used it since.
    pub fn resume(&self, visit: Visit) -> Option<Lease<C>> {
        let idle = self.shared.state().claim_visit(visit)?;
        self.shared.revive(idle)
    }

    /// Closes what is idle, for what it holds at the other end. Those that have to be kept ready
    /// are opened anew.
    pub fn close_idle(&self) {
        let idle = self.shared.state().take_idle(|_, _| true);
        self.shared.close_all(idle);
    }

    /// Closes what is idle, and what is lent when it comes back: from now on only connections are
    /// lent that were opened after this.
    pub fn renew(&self) {
        self.shared.generation.fetch_add(1, Ordering::AcqRel);
        self.close_idle();
    }

    /// How often it was renewed.
    pub fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Closes what is idle and refuses whoever asks from now on. What is lent is closed when it
    /// comes back.
    pub fn close(&self) {
        let (idle, waiters) = {
            let mut state = self.shared.state();
            state.closed = true;
            (
                state.take_idle(|_, _| true),
                std::mem::take(&mut state.waiters),
            )
        };
        drop(waiters);
        self.shared.close_all(idle);
    }

    /// How the pool stands now.
    pub fn stats(&self) -> PoolStats {
        self.shared.stats()
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
        let permit = Permit::to_open(&self.shared);
        if let Some(evicted) = evicted {
            self.shared.connect.close(evicted.conn);
        }
        self.open(permit, key).await
    }

    async fn open(
        &self,
        permit: Permit<C>,
        key: &C::Key,
    ) -> Result<Lease<C>, LeaseError<C::Error>> {
        let lease = self.shared.open(permit, key).await?;
        self.shared.state().counts.leases += 1;
        Ok(lease)
    }

    fn queue_full(&self) -> LeaseError<C::Error> {
        LeaseError::QueueFull {
            waiting: self.shared.config.max_waiting,
        }
    }

    async fn wait(
        &self,
        limit: Duration,
        granted: oneshot::Receiver<Grant<C>>,
        key: &C::Key,
    ) -> Result<Lease<C>, LeaseError<C::Error>> {
        match timeout(limit, granted).await {
            Err(_) => {
                self.shared.state().counts.wait_timeouts += 1;
                Err(LeaseError::WaitTimeout { waited: limit })
            }
            Ok(Err(_)) => Err(LeaseError::Closed),
            Ok(Ok(Grant::Permit(permit))) => self.open(permit, key).await,
            Ok(Ok(Grant::Lease(clean))) => clean.into_lease().ok_or(LeaseError::Closed),
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
