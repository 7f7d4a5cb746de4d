//! The limits of a cache and of what is in it.

use std::time::Duration;

/// The limits of a cache.
#[derive(Clone, Copy, Debug)]
pub struct CacheConfig {
    /// Memory that all entries take together, with all that it takes to keep them, in bytes. What
    /// is used least makes room. The index keeps the size that it had with the most entries, about
    /// 60 bytes for each.
    pub bytes: usize,
    /// Memory that the largest entry may take, in bytes; more than nine tenths of the budget count
    /// as that. The budget is split into as many parts, each with a lock of its own, as have room
    /// for eight such entries, so a limit near the budget makes one lock of it.
    pub entry_bytes: usize,
}

/// How long an entry may be served. Both bound what bypasses the versions.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    /// It is fresh up to this age.
    pub max_age: Duration,
    /// For so long after that it is served stale, while somebody refreshes it.
    pub stale_while_revalidate: Duration,
}
