//! The books of a pool: who is idle, who waits, how many are open. Every change is a short step
//! under one lock; nothing here waits or connects, and it calls out only to look at connections.
//!
//! Invariant: while somebody waits, nothing is idle. A connection that comes back goes straight to
//! the first waiter, so nobody who comes later can overtake.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::config::PoolConfig;
use crate::connect::{Connect, Fit};
use crate::lease::{Grant, Visit};
use crate::lifetime::Lifetimes;
use crate::stats::Counts;

/// A connection that nobody uses.
pub(crate) struct Idle<C: Connect> {
    pub(crate) key: C::Key,
    pub(crate) conn: C::Conn,
    /// When it is too old to be lent again.
    pub(crate) end: Instant,
    /// When it was given back.
    pub(crate) since: Instant,
    /// The last visit on it.
    pub(crate) visit: Visit,
    /// How often the pool had been renewed when it was opened.
    pub(crate) generation: u64,
}

/// A session that waits for a connection of `key`.
pub(crate) struct Waiter<C: Connect> {
    pub(crate) key: C::Key,
    pub(crate) since: Instant,
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
    /// Those being opened.
    pub(crate) opening: usize,
    pub(crate) counts: Counts,
    /// Visits so far.
    visits: u64,
    /// What was asked for last.
    pub(crate) last_key: Option<C::Key>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) closed: bool,
}

/// What somebody asks for.
pub(crate) struct Ask<'a, C: Connect> {
    pub(crate) key: &'a C::Key,
    pub(crate) wish: &'a C::Wish,
    /// The connection of this visit is the dearest.
    pub(crate) last: Option<Visit>,
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
    pub(crate) fn new(config: &PoolConfig) -> Self {
        Self {
            idle: VecDeque::new(),
            waiters: VecDeque::new(),
            open: 0,
            opening: 0,
            counts: Counts::default(),
            visits: 0,
            last_key: None,
            lifetimes: Lifetimes::new(config.max_lifetime),
            closed: false,
        }
    }

    /// Takes the idle connection that suits best, the right to open one, or a place in the queue.
    pub(crate) fn claim(&mut self, ask: &Ask<'_, C>, connect: &C, config: &PoolConfig) -> Claim<C> {
        match self.claim_idle(ask, connect) {
            Some(idle) => Claim::Idle(idle),
            None => self.claim_new(ask.key, config),
        }
    }

    /// Takes the idle connection that suits best.
    pub(crate) fn claim_idle(&mut self, ask: &Ask<'_, C>, connect: &C) -> Option<Idle<C>> {
        let at = self.best_idle(ask, connect)?;
        let idle = self.idle.remove(at)?;
        self.remember(ask.key);
        Some(self.lend(idle))
    }

    /// Takes the idle connection of a visit.
    pub(crate) fn claim_visit(&mut self, visit: Visit) -> Option<Idle<C>> {
        let at = self.idle.iter().rposition(|idle| idle.visit == visit)?;
        let idle = self.idle.remove(at)?;
        Some(self.lend(idle))
    }

    /// A new visit begins on a connection.
    pub(crate) fn lend(&mut self, idle: Idle<C>) -> Idle<C> {
        self.counts.leases += 1;
        let visit = self.next_visit();
        Idle { visit, ..idle }
    }

    pub(crate) fn next_visit(&mut self) -> Visit {
        self.visits += 1;
        Visit(self.visits)
    }

    /// The place of the idle connection that suits best: that of the visit; one that is ready, the
    /// most recently used; one to be brought, the least recently used, so that the others stay as
    /// those who come back to them left them.
    fn best_idle(&self, ask: &Ask<'_, C>, connect: &C) -> Option<usize> {
        let mut ready = None;
        let mut bring = None;
        for (at, idle) in self.idle.iter().enumerate().rev() {
            let is_last = ask.last == Some(idle.visit);
            if (ready.is_some() && !is_last) || idle.key != *ask.key {
                continue;
            }
            match connect.fit(&idle.conn, ask.wish) {
                Fit::Never => {}
                Fit::Ready | Fit::Bring if is_last => return Some(at),
                Fit::Ready if ask.last.is_none() => return Some(at),
                Fit::Ready => ready = Some(at),
                Fit::Bring => bring = Some(at),
            }
        }
        ready.or(bring)
    }

    /// Takes the right to open a connection, or a place in the queue.
    fn claim_new(&mut self, key: &C::Key, config: &PoolConfig) -> Claim<C> {
        if self.closed {
            return Claim::Closed;
        }
        self.remember(key);
        if let Some(claim) = self.claim_permit(config.max) {
            return claim;
        }
        self.drop_gone_waiters(config.max_waiting);
        if self.waiters.len() >= config.max_waiting {
            return Claim::QueueFull;
        }
        self.counts.waits += 1;
        let (grant, granted) = oneshot::channel();
        self.waiters.push_back(Waiter {
            key: key.clone(),
            since: Instant::now(),
            grant,
        });
        Claim::Wait(granted)
    }

    fn remember(&mut self, key: &C::Key) {
        if self.last_key.as_ref() != Some(key) {
            self.last_key = Some(key.clone());
        }
    }

    /// The right to open a connection, if there is room or can be made. Nothing idle suits by now,
    /// so the one that nobody used for longest makes room.
    fn claim_permit(&mut self, max: usize) -> Option<Claim<C>> {
        let evicted = if self.open < max {
            self.open += 1;
            None
        } else {
            // The permit of the evicted connection passes on, so `open` stays.
            Some(self.idle.pop_front()?)
        };
        self.opening += 1;
        Some(Claim::Permit(evicted))
    }

    /// The right to open a connection that nobody asked for, if fewer are open than shall be.
    pub(crate) fn claim_missing(&mut self, config: &PoolConfig) -> Option<C::Key> {
        if self.closed || self.open >= config.kept() {
            return None;
        }
        let key = self.last_key.clone()?;
        self.open += 1;
        self.opening += 1;
        Some(key)
    }

    /// Those whose session vanished keep their place until it is needed.
    fn drop_gone_waiters(&mut self, max_waiting: usize) {
        if self.waiters.len() >= max_waiting {
            self.waiters.retain(|waiter| !waiter.grant.is_closed());
        }
    }

    /// The first waiter that is still there.
    pub(crate) fn next_waiter(&mut self) -> Option<Waiter<C>> {
        while let Some(waiter) = self.waiters.pop_front() {
            if !waiter.grant.is_closed() {
                return Some(waiter);
            }
        }
        None
    }

    /// Takes every idle connection out that `is_done` with, least recently used first. It is told
    /// how many would still be open.
    pub(crate) fn take_idle(
        &mut self,
        mut is_done: impl FnMut(&mut Idle<C>, usize) -> bool,
    ) -> Vec<Idle<C>> {
        let mut done = Vec::new();
        let mut kept = VecDeque::with_capacity(self.idle.len());
        for mut idle in self.idle.drain(..) {
            if is_done(&mut idle, self.open) {
                self.open -= 1;
                done.push(idle);
            } else {
                kept.push_back(idle);
            }
        }
        self.idle = kept;
        done
    }
}
