//! A result that is kept, and who may refresh it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use triomphe::ThinArc;

use crate::config::Lifetime;
use crate::noted::Noted;

/// A result that is kept, with its key. Cheap to clone.
///
/// All of it is one allocation. What a hit pays for outside the kernel is above all the memory that
/// is not in the processor's caches, and behind a first line the next ones come by themselves:
///
/// ```text
///   ┌────────┬──────┬─────────────────────┬───────────────┬──────────────────┐
///   │ counts │ Head │ context, value, …   │ the key's     │ the result's     │
///   │        │      │                     │ bytes         │ bytes            │
///   └────────┴──────┴─────────────────────┴───────────────┴──────────────────┘
/// ```
pub struct Entry<C, V>(ThinArc<Head<C, V>, u8>);

/// What an entry is, besides its bytes.
struct Head<C, V> {
    context: C,
    value: V,
    noted: Noted,
    /// When it was asked for.
    since: Instant,
    /// Until when it is fresh, and until when it is served at all.
    fresh_until: Instant,
    served_until: Instant,
    /// Of all bytes, how many are the key's.
    key_len: usize,
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
pub struct RefreshPermit<C, V>(Entry<C, V>);

/// In the place of a lifetime that no clock can tell the end of: some 30 years.
const FAR: Duration = Duration::from_secs(1_000_000_000);

impl<C, V> Entry<C, V> {
    /// Makes the entry of a result that was asked for at this time. `bytes` are those of the key,
    /// of which there are `key_len`, and, behind them, those of the result.
    pub(crate) fn new(
        (context, bytes, key_len): (C, &[u8], usize),
        value: V,
        noted: Noted,
        lifetime: Lifetime,
        since: Instant,
    ) -> Self {
        let after = |time: Instant, lasts| time.checked_add(lasts).unwrap_or(time + FAR);
        let fresh_until = after(since, lifetime.max_age);
        let head = Head {
            context,
            value,
            noted,
            since,
            fresh_until,
            served_until: after(fresh_until, lifetime.stale_while_revalidate),
            key_len,
            hits: AtomicU32::new(0),
            is_refreshed: AtomicBool::new(false),
        };
        Self(ThinArc::from_header_and_slice(head, bytes))
    }

    /// What it takes on the heap with so many bytes.
    pub(crate) const fn size(bytes: usize) -> usize {
        /// The count of its owners, and that of the bytes.
        const COUNTS: usize = 16;
        COUNTS + size_of::<Head<C, V>>() + bytes
    }

    fn head(&self) -> &Head<C, V> {
        &self.0.header.header
    }

    /// What is told of the result.
    pub fn value(&self) -> &V {
        &self.head().value
    }

    /// The result.
    pub fn bytes(&self) -> &[u8] {
        let own = self.0.slice.get(self.head().key_len..);
        own.unwrap_or_default()
    }

    /// The bytes of its key.
    pub(crate) fn key_bytes(&self) -> &[u8] {
        let own = self.0.slice.get(..self.head().key_len);
        own.unwrap_or_default()
    }

    /// The rest of its key.
    pub(crate) fn context(&self) -> &C {
        &self.head().context
    }

    /// How long ago it was asked for.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.head().since)
    }

    /// How often it was served from the cache. Starts again after 2^32.
    pub fn hits(&self) -> u32 {
        self.head().hits.load(Ordering::Relaxed)
    }

    /// True if it was asked for later than the other, and is good at this moment.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.head().since > other.head().since && self.is_current()
    }

    /// No write to what it depends on has begun since.
    pub(crate) fn is_current(&self) -> bool {
        self.head().noted.is_current()
    }

    /// It is served once more.
    pub(crate) fn count_hit(&self) {
        self.head().hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn freshness(&self, now: Instant) -> Freshness {
        let head = self.head();
        if now > head.served_until || !head.noted.is_current() {
            Freshness::Gone
        } else if now > head.fresh_until {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }
}

impl<C, V> RefreshPermit<C, V> {
    /// The permit, if nobody has it.
    pub(crate) fn of(entry: &Entry<C, V>) -> Option<Self> {
        let is_taken = entry.head().is_refreshed.swap(true, Ordering::AcqRel);
        (!is_taken).then(|| Self(entry.clone()))
    }
}

impl<C, V> Drop for RefreshPermit<C, V> {
    fn drop(&mut self) {
        self.0.head().is_refreshed.store(false, Ordering::Release);
    }
}

impl<C, V> Clone for Entry<C, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C, V> fmt::Debug for Entry<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("bytes", &self.bytes().len())
            .field("hits", &self.hits())
            .finish_non_exhaustive()
    }
}
