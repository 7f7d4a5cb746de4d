//! A connection lent to one session, and what may be on its way to a waiter.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::circulation::Shared;
use crate::connect::Connect;
use crate::state::Idle;

/// One stay of a session on a connection. Never used twice, so that a session can tell whether
/// anybody used "its" connection after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit(pub(crate) u64);

/// A connection lent to one session.
///
/// Dropping it closes the connection; [`Lease::give_back`] returns it.
pub struct Lease<C: Connect> {
    // Declared before the permit: the connection is closed before another may be opened.
    inner: Idle<C>,
    permit: Permit<C>,
}

/// The right to have one connection open. Dropping it lets the next waiter open one.
pub(crate) struct Permit<C: Connect> {
    pub(crate) pool: Arc<Shared<C>>,
    right: Right,
}

/// What a permit stands for in the books.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// A connection that is being opened, or will be.
    Opening,
    /// A connection that is lent.
    Lent,
    /// Nothing any more: the right passed to an idle connection.
    Passed,
}

/// What a waiter is handed. When its session vanished in the meantime, dropping it gives everything
/// back: a granted connection is clean until its session has seen it.
pub(crate) enum Grant<C: Connect> {
    Lease(CleanLease<C>),
    Permit(Permit<C>),
}

/// A lease that no session has touched yet: dropping it gives the connection back.
pub(crate) struct CleanLease<C: Connect>(Option<Lease<C>>);

impl<C: Connect> Lease<C> {
    /// Lends a connection with the permit that it was opened or taken out of the books with.
    pub(crate) fn new(inner: Idle<C>, permit: Permit<C>) -> Self {
        Self { inner, permit }
    }

    /// The key that the connection counts under.
    pub fn key(&self) -> &C::Key {
        &self.inner.key
    }

    /// Changes the key, because the session changed what makes connections interchangeable.
    pub fn set_key(&mut self, key: C::Key) {
        self.inner.key = key;
    }

    /// Names this stay, for [`crate::Pool::resume`].
    pub fn visit(&self) -> Visit {
        self.inner.visit
    }

    /// Returns the connection, which must be in the state that its key promises: to the first
    /// waiter, or to the idle ones. One that is too old is closed instead.
    pub fn give_back(self) {
        Shared::take_back(self.inner, self.permit);
    }

    /// Closes the connection and keeps the right to open another.
    pub(crate) fn into_permit(self) -> Permit<C> {
        let Self { inner, mut permit } = self;
        permit.pool.connect.close(inner.conn);
        permit.reopen();
        permit
    }

    /// The connection itself.
    pub(crate) fn conn(&self) -> &C::Conn {
        &self.inner.conn
    }
}

impl<C: Connect> Deref for Lease<C> {
    type Target = C::Conn;

    fn deref(&self) -> &C::Conn {
        &self.inner.conn
    }
}

impl<C: Connect> DerefMut for Lease<C> {
    fn deref_mut(&mut self) -> &mut C::Conn {
        &mut self.inner.conn
    }
}

impl<C: Connect> fmt::Debug for Lease<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("key", &self.inner.key)
            .field("visit", &self.inner.visit)
            .finish_non_exhaustive()
    }
}

impl<C: Connect> Permit<C> {
    /// The right to open one more connection, which the books have counted already.
    pub(crate) fn to_open(pool: &Arc<Shared<C>>) -> Self {
        Self {
            pool: Arc::clone(pool),
            right: Right::Opening,
        }
    }

    /// The right to lend a connection that was just taken out of the idle ones.
    pub(crate) fn to_lend(pool: &Arc<Shared<C>>) -> Self {
        Self {
            pool: Arc::clone(pool),
            right: Right::Lent,
        }
    }

    /// The connection is open.
    pub(crate) fn opened(&mut self) {
        self.right = Right::Lent;
    }

    /// The connection is closed, and another will be opened in its place.
    pub(crate) fn reopen(&mut self) {
        self.right = Right::Opening;
        self.pool.state().opening += 1;
    }

    /// The connection is idle in the books now, and counts there.
    pub(crate) fn pass(mut self) {
        self.right = Right::Passed;
    }
}

impl<C: Connect> Drop for Permit<C> {
    fn drop(&mut self) {
        match self.right {
            Right::Opening | Right::Lent => self.pool.permit_returned(self.right),
            Right::Passed => {}
        }
    }
}

impl<C: Connect> CleanLease<C> {
    pub(crate) fn new(lease: Lease<C>) -> Self {
        Self(Some(lease))
    }

    /// The session takes it over. `None` cannot be: a clean lease is taken once.
    pub(crate) fn into_lease(mut self) -> Option<Lease<C>> {
        self.0.take()
    }
}

impl<C: Connect> Drop for CleanLease<C> {
    fn drop(&mut self) {
        if let Some(lease) = self.0.take() {
            lease.give_back();
        }
    }
}
