//! What an entry takes of the budget: what the allocator takes for it, not what its parts add up
//! to. `tests/memory.rs` compares it with what the system says.

use crate::entry::Entry;
use crate::store::{Indexed, Weighed};

/// What can say how much memory it holds.
pub trait Weigh {
    /// Bytes on the heap that it owns, besides its own size, best in one allocation. Must be cheap.
    fn bytes(&self) -> usize;
}

/// What the index takes for an entry besides the key and the entry: marks and links (24 bytes), and
/// a place in a hash table that is between 7/16 and 7/8 full (4 bytes and a tag, so 6 to 11).
const INDEX: usize = 24 + 8;

/// Bytes that an entry takes in all, which has so many of its own, and notes on the heap.
pub(crate) fn of_entry<C: Weigh, V>(context: &C, noted: usize, bytes: usize) -> usize {
    of_slot::<C, V>()
        + allocated(context.bytes())
        + allocated(noted)
        + allocated(Entry::<C, V>::size(bytes))
}

/// Bytes that the index takes for an entry, also for one that it only remembers.
pub(crate) const fn of_slot<C, V>() -> usize {
    size_of::<Indexed<C, V>>() + size_of::<Weighed<C, V>>() + INDEX
}

/// What malloc takes for an allocation: a header of 8 bytes, in steps of 16, at least 32 (glibc's;
/// others round to classes of sizes that take about as much).
fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        bytes => bytes.saturating_add(8).next_multiple_of(16).max(32),
    }
}
