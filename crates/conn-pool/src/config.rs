//! The limits of a pool.

use std::time::Duration;

/// The limits of a pool. Every one of them exists so that trouble at the origin stays bounded here.
#[derive(Clone, Copy, Debug)]
pub struct PoolConfig {
    /// Connections that are kept open, once a key is known: those of the key leased last are opened
    /// in the background when fewer are. 0 keeps none; more than `max` counts as `max`.
    pub min: usize,
    /// Most connections open at a time, those being opened included. At least 1.
    pub max: usize,
    /// Most waiters at a time; one more is refused at once.
    pub max_waiting: usize,
    /// Longest wait for a lease.
    pub wait_timeout: Duration,
    /// Longest that opening a connection may take.
    pub connect_timeout: Duration,
    /// A connection that nobody used for this long is closed, while more than `min` are open.
    pub idle_timeout: Duration,
    /// A connection older than this is not lent again. Each connection gets a limit of its own, up
    /// to a fifth shorter, so that those opened together do not end together.
    pub max_lifetime: Duration,
}

impl PoolConfig {
    /// Connections to keep open.
    pub(crate) fn kept(&self) -> usize {
        self.min.min(self.max)
    }
}
