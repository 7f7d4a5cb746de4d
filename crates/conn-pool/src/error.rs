//! Why there is no lease.

use std::time::Duration;

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError<E> {
    /// As many wait as may; see [`crate::PoolConfig::max_waiting`].
    #[error("{waiting} sessions wait for a lease already")]
    QueueFull {
        /// Waiters at that moment.
        waiting: usize,
    },
    /// All connections stayed in use for the whole of [`crate::PoolConfig::wait_timeout`], or of
    /// what the caller gave.
    #[error("no connection was given back within {waited:?}")]
    WaitTimeout {
        /// The limit that passed.
        waited: Duration,
    },
    /// Opening a connection took longer than [`crate::PoolConfig::connect_timeout`].
    #[error("connecting took longer than {limit:?}")]
    ConnectTimeout {
        /// The limit that passed.
        limit: Duration,
    },
    /// Opening a connection failed.
    #[error("connecting failed")]
    Connect(E),
    /// The pool was closed.
    #[error("the pool is closed")]
    Closed,
}
