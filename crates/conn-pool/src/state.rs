//! The books of a pool: who is idle, who waits, how many are open. Every change is a short step
//! under one lock; nothing here waits, connects or calls out.
//!
//! Invariant: while somebody waits, nothing is idle. A connection that comes back goes straight to
//! the first waiter, so nobody who comes later can overtake.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::config::PoolConfig;
use crate::connect::Connect;
use crate::lease::{Grant, Visit};

/// A connection that nobody uses.
pub(crate) struct Idle<C: Connect> {
    pub(crate) key: C::Key,
    pub(crate) conn: C::Conn,
    /// When it was opened.
    pub(crate) born: Instant,
    /// When it was given back.
    pub(crate) since: Instant,
    /// The last visit on it.
    pub(crate) visit: Visit,
}

/// A session that waits for a connection of `key`.
pub(crate) struct Waiter<C: Connect> {
    pub(crate) key: C::Key,
    pub(crate) grant: oneshot::Sender<Grant<C>>,
}

/// The books.
pub(crate) struct State<C: Connect> {
    /// Most recently used last.
    pub(crate) idle: VecDeque<Idle<C>>,
    /// First come first.
    pub(crate) waiters: VecDeque<Waiter<C>>,
    /// Connections idle, lent and being opened.
    pub(crate) open: usize,
    pub(crate) closed: bool,
}

/// What the books have for somebody who asks.
pub(crate) enum Claim<C: Connect> {
    /// An idle connection of the right key.
    Idle(Idle<C>),
    /// The right to open one; if an idle connection made room for it, that one is to be closed.
    Permit(Option<Idle<C>>),
    /// A place in the queue.
    Wait(oneshot::Receiver<Grant<C>>),
    /// No place in the queue.
    QueueFull,
    Closed,
}

impl<C: Connect> State<C> {
    pub(crate) fn new() -> Self {
        Self {
            idle: VecDeque::new(),
            waiters: VecDeque::new(),
            open: 0,
            closed: false,
        }
    }

    /// Takes an idle connection of `key`, the right to open one, or a place in the queue.
    pub(crate) fn claim(&mut self, key: &C::Key, config: &PoolConfig) -> Claim<C> {
        if let Some(at) = self.idle.iter().rposition(|idle| idle.key == *key)
            && let Some(idle) = self.idle.remove(at)
        {
            return Claim::Idle(idle);
        }
        self.claim_unused(key, config)
    }

    /// Takes the right to open a connection, or a place in the queue.
    pub(crate) fn claim_unused(&mut self, key: &C::Key, config: &PoolConfig) -> Claim<C> {
        if self.closed {
            return Claim::Closed;
        }
        if let Some(claim) = self.claim_permit(config.max) {
            return claim;
        }
        self.drop_gone_waiters(config.max_waiting);
        if self.waiters.len() >= config.max_waiting {
            return Claim::QueueFull;
        }
        let (grant, granted) = oneshot::channel();
        self.waiters.push_back(Waiter {
            key: key.clone(),
            grant,
        });
        Claim::Wait(granted)
    }

    /// The right to open a connection, if there is room or can be made.
    fn claim_permit(&mut self, max: usize) -> Option<Claim<C>> {
        if self.open < max {
            self.open += 1;
            return Some(Claim::Permit(None));
        }
        // The permit of the evicted connection passes on, so `open` stays.
        self.idle
            .pop_front()
            .map(|evicted| Claim::Permit(Some(evicted)))
    }

    /// Those whose session vanished keep their place until it is needed.
    fn drop_gone_waiters(&mut self, max_waiting: usize) {
        if self.waiters.len() >= max_waiting {
            self.waiters.retain(|waiter| !waiter.grant.is_closed());
        }
    }

    /// Takes every idle connection out that `is_done` with.
    pub(crate) fn take_idle(&mut self, is_done: impl Fn(&mut Idle<C>) -> bool) -> Vec<Idle<C>> {
        let (done, kept) = std::mem::take(&mut self.idle)
            .into_iter()
            .map(|mut idle| (is_done(&mut idle), idle))
            .partition::<Vec<_>, _>(|(is_done, _)| *is_done);
        self.idle = kept.into_iter().map(|(_, idle)| idle).collect();
        self.open -= done.len();
        done.into_iter().map(|(_, idle)| idle).collect()
    }
}
