//! A generic transaction pool: it lends connections for one transaction at a time, and knows
//! nothing of what they speak.
//!
//! A [`Pool`] holds connections of several *keys* (for MySQL: what was agreed at login) under one
//! limit. Connections of one key serve the same sessions, but each may stand differently, and each
//! session may *wish* for something else: [`Connect::fit`] says how near they are. Whoever asks for
//! a [`Lease`] gets, in this order:
//!
//! 1. the idle connection of its last visit, if nobody used it since;
//! 2. an idle one that is ready for its wish, most recently used first;
//! 3. an idle one that can be brought there, least recently used first;
//! 4. a new one, while fewer than [`PoolConfig::max`] are open;
//! 5. a new one in the place of the longest idle connection, which is of another key or can never
//!    be brought there;
//! 6. a place in the queue: first come, first served.
//!
//! [`PoolConfig::min`] connections are kept open, also when nobody asks.
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

mod circulation;
mod config;
mod connect;
mod error;
mod janitor;
mod keeper;
mod lease;
mod lifetime;
mod metrics;
mod pool;
mod state;
mod stats;

#[cfg(test)]
mod tests;

pub use config::PoolConfig;
pub use connect::{Connect, Fit};
pub use error::LeaseError;
pub use lease::{Lease, Visit};
pub use metrics::{Metrics, PoolMetrics};
pub use pool::Pool;
pub use stats::PoolStats;
