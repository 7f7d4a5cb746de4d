//! The limits of a pool.

use std::time::Duration;

/// The limits of a pool. Every one of them exists so that trouble at the origin stays bounded here.
#[derive(Clone, Copy, Debug)]
pub struct PoolConfig {
    /// Most connections open at a time, those being opened included. At least 1.
    pub max: usize,
    /// Most waiters at a time; one more is refused at once.
    pub max_waiting: usize,
    /// Longest wait for a lease.
    pub wait_timeout: Duration,
    /// Longest that opening a connection may take.
    pub connect_timeout: Duration,
    /// A connection that nobody used for this long is closed.
    pub idle_timeout: Duration,
    /// A connection older than this is not lent again.
    pub max_lifetime: Duration,
}
