//! A table's slot: its version and how many writes to it are under way, in one word.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::mutant::{Fault, Mutant};

/// One dependency of results. Cheap to clone; equal to another if both are the same slot.
#[derive(Clone)]
pub struct Table(Arc<Slot>);

struct Slot {
    name: Box<str>,
    /// Read by anyone; changed only under the lock of [`crate::Versions`].
    word: AtomicU64,
}

/// What a slot holds at one moment, so that one load compares both:
///
/// ```text
///  63                                      20 19                  0
/// ┌──────────────────────────────────────────┬─────────────────────┐
/// │ version                                  │ writes under way    │
/// └──────────────────────────────────────────┴─────────────────────┘
/// ```
///
/// A version returns after 2^44 writes: at a million a second half a year, in which no entry
/// outlives its lifetime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word(u64);

/// One version.
const VERSION: u64 = 1 << 20;

/// Most writes under way. A slot that reaches it is stuck there for good, and nothing is cached any
/// more that depends on it: the alternative were a count that overflows to 0, as if all had ended.
const MOST: u64 = VERSION - 1;

impl Word {
    fn version(self) -> u64 {
        self.0 / VERSION
    }

    fn count(self) -> u64 {
        self.0 % VERSION
    }

    /// Nothing is under way.
    pub(crate) fn is_quiet(self) -> bool {
        self.count() == 0
    }
}

impl Table {
    pub(crate) fn new(name: &str) -> Self {
        Self(Arc::new(Slot {
            name: name.into(),
            word: AtomicU64::new(0),
        }))
    }

    /// The name that it was made with.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Sequentially consistent, as all that happens to a slot: the argument in `versions.rs` speaks
    /// of one order of all steps, also of those on different slots. A load costs no more for it.
    pub(crate) fn word(&self) -> Word {
        Word(self.0.word.load(Ordering::SeqCst))
    }

    /// So many writes more are under way.
    pub(crate) fn begin(&self, writes: u64, mutant: Mutant) {
        if mutant.has(Fault::Counting) {
            return;
        }
        let room = MOST - self.word().count();
        self.add(writes.min(room));
    }

    /// A write has ended: the version moves and the count goes down in one step, so that nobody
    /// sees one without the other.
    pub(crate) fn end(&self, mutant: Mutant) {
        let moved = if mutant.has(Fault::Moving) {
            0
        } else {
            VERSION
        };
        // A stuck slot counts no more, and a mutant may not have counted.
        let is_counted = (1..MOST).contains(&self.word().count());
        self.add(moved.wrapping_sub(u64::from(is_counted)));
    }

    /// The version moves; what is under way goes on.
    pub(crate) fn move_now(&self) {
        self.add(VERSION);
    }

    fn add(&self, change: u64) {
        self.0.word.fetch_add(change, Ordering::SeqCst);
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Table {}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name())
            .field("version", &self.word().version())
            .field("under_way", &self.word().count())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_moves_the_version_and_the_count_in_one_word() {
        let table = Table::new("t");
        table.begin(1, Mutant::default());
        table.begin(1, Mutant::default());
        assert_eq!((table.word().version(), table.word().count()), (0, 2));
        table.end(Mutant::default());
        assert_eq!((table.word().version(), table.word().count()), (1, 1));
        table.move_now();
        assert_eq!((table.word().version(), table.word().count()), (2, 1));
    }

    #[test]
    fn a_slot_with_too_many_writes_is_stuck_rather_than_free() {
        let table = Table::new("t");
        table.begin(MOST - 1, Mutant::default());
        table.begin(5, Mutant::default());
        assert_eq!(table.word().count(), MOST);
        table.end(Mutant::default());
        assert_eq!((table.word().version(), table.word().count()), (1, MOST));
    }

    #[test]
    fn a_version_wraps_around_without_harm() {
        let table = Table::new("t");
        table.add(u64::MAX - MOST);
        table.move_now();
        assert_eq!((table.word().version(), table.word().count()), (0, 0));
    }
}
