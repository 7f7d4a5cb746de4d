//! A result that is kept, and who may refresh it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Lifetime;
use crate::noted::Noted;

/// A result that is kept.
#[derive(Debug)]
pub struct Entry<V> {
    value: V,
    noted: Noted,
    since: Instant,
    lifetime: Lifetime,
    /// How often it was served.
    hits: AtomicU32,
    /// Somebody holds its [`RefreshPermit`].
    is_refreshed: AtomicBool,
}

/// What an entry is good for at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    Stale,
    /// It is too old, or a write has begun.
    Gone,
}

/// The right to refresh a stale entry, for [`crate::QueryCache::refresh`]. One at a time has it;
/// dropped, it goes to whoever finds the entry next.
#[must_use = "nobody else refreshes the entry meanwhile"]
#[derive(Debug)]
pub struct RefreshPermit<V>(Arc<Entry<V>>);

impl<V> Entry<V> {
    pub(crate) fn new(value: V, noted: Noted, lifetime: Lifetime, since: Instant) -> Self {
        Self {
            value,
            noted,
            since,
            lifetime,
            hits: AtomicU32::new(0),
            is_refreshed: AtomicBool::new(false),
        }
    }

    /// The result.
    pub fn value(&self) -> &V {
        &self.value
    }

    /// How long ago it was asked for.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// How often it was served from the cache. Starts again after 2^32.
    pub fn hits(&self) -> u32 {
        self.hits.load(Ordering::Relaxed)
    }

    /// True if it was asked for later than the other, and is good at this moment.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.since > other.since && self.noted.is_current()
    }

    pub(crate) fn noted(&self) -> &Noted {
        &self.noted
    }

    /// It is served once more.
    pub(crate) fn count_hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn freshness(&self, now: Instant) -> Freshness {
        let Lifetime {
            max_age,
            stale_while_revalidate,
        } = self.lifetime;
        let age = self.age(now);
        if age > max_age.saturating_add(stale_while_revalidate) || !self.noted.is_current() {
            Freshness::Gone
        } else if age > max_age {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }
}

impl<V> RefreshPermit<V> {
    /// The permit, if nobody has it.
    pub(crate) fn of(entry: &Arc<Entry<V>>) -> Option<Self> {
        let is_taken = entry.is_refreshed.swap(true, Ordering::AcqRel);
        (!is_taken).then(|| Self(Arc::clone(entry)))
    }
}

impl<V> Drop for RefreshPermit<V> {
    fn drop(&mut self) {
        self.0.is_refreshed.store(false, Ordering::Release);
    }
}
