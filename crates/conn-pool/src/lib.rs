//! A generic transaction pool: it lends connections for one transaction at a time, and knows
//! nothing of what they speak.
//!
//! A [`Pool`] holds connections of several *keys* (for MySQL: the login that the connection was
//! opened with) under one limit. Whoever asks for a [`Lease`] gets, in this order: an idle
//! connection of its key, most recently used first; a new one, while fewer than
//! [`PoolConfig::max`] are open; the place of the longest idle connection of another key; else it
//! waits, first come, first served.
//!
//! A lease that is dropped closes its connection: only [`Lease::give_back`] returns it, so that a
//! task that is cancelled half way never leaves a half-read connection to the next one.
//!
//! ```text
//!            connect                    give_back, nobody waits
//!  Permit ───────────► Lease ─────────────────────────────────────► idle
//!    ▲                  │ ▲ ◄─────────────────────────────────────    │
//!    │   dropped, aged, │ └─ give_back, a waiter of the same key      │ lease
//!    └──────────────────┘ or a waiter of another key                  │
//!    └──────────────────────── evicted, idle for too long ◄───────────┘
//! ```

mod config;
mod connect;
mod error;
mod janitor;
mod lease;
mod metrics;
mod pool;
mod state;

#[cfg(test)]
mod tests;

pub use config::PoolConfig;
pub use connect::Connect;
pub use error::LeaseError;
pub use lease::{Lease, Visit};
pub use metrics::{Metrics, PoolMetrics};
pub use pool::{Pool, PoolStats};
