//! What results depend on: a version per table, which moves with each write.
//!
//! # Why a hit is never too old
//!
//! The promise: a read shows nothing older than any write acknowledged, and any read completed,
//! before it began, whoever made them. (For writes that pass through here; what bypasses them is
//! bounded by an entry's lifetime.)
//!
//! ```text
//!  writer   begin ──► send ──► · commits at the origin · ──► outcome known ──► end ──► client: OK
//!             │                                                                 │
//!  slot    v, 0 ─► v, 1 ───────────── nobody notes, fills or hits ──────────► v + 1, 0
//!
//!  reader   note ──► send ──► · reads at the origin · ──► fill, if current      hit, if current
//!             │                                             │                    │
//!  slot    v, 0 ─────────────────────────────────────────  v, 0  ─────────────  v, 0
//! ```
//!
//! A slot's word only grows, so a word that is as noted says that no write has *begun* since the
//! note; and no write changes the origin before it has begun. Hence:
//!
//! - When a hit finds its table as noted, the origin's table is what it was when the result was
//!   read: the hit is as good as a read at the origin at that moment. Writes acknowledged before
//!   the note were there already, and a read that was completed before the hit cannot have seen
//!   more, for whatever it saw had begun.
//! - With several tables the moment is that of the first comparison: each of the later ones says
//!   that its table had not changed at that moment either.
//! - A write may begin between the comparison of a fill and its insertion. The entry keeps the
//!   words of its note, so it is never served.
//! - A follower of a flight compares when it is given the result, which makes it a hit like any
//!   other. So it may join a flight that was sent long before: one that is older than a write is
//!   not current any more.
//! - A write whose outcome nobody knows never ends: it may still come to pass.
//!
//! "Before", "since" and "moment" are those of one order of all steps on all slots; what happens
//! between them at the origin is ordered with them by the messages. That is why all steps are
//! sequentially consistent.
//!
//! # Generations
//!
//! Which tables a statement reads and writes is found in a *catalog* of the origin (views,
//! triggers, foreign keys). Each catalog has a [`Generation`], and what was found by an older one
//! than the newest is not trusted: a read is not kept, a write counts as one on everything. There
//! is one slot for everything, on which each result depends.

use std::collections::HashMap;
use std::fmt;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::mutant::Mutant;
use crate::noted::{Dependencies, Noted};
use crate::table::Table;
use crate::writes::Writes;

/// The versions of all tables of one origin. Cheap to clone; all clones share them.
#[derive(Clone)]
pub struct Versions {
    shared: Arc<Shared>,
}

/// Which catalog something was found by; later ones are greater. What was found by several counts
/// as found by the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

/// A write on its way: nothing that it touches is served or kept until it has ended.
///
/// Dropped without [`Committing::end`] it stays under way for good. That is for whoever cannot know
/// whether the write came to pass: it may still. Keep it instead while the outcome may yet be found
/// out.
#[must_use = "a write that is not ended keeps its tables from being cached"]
#[derive(Debug)]
pub struct Committing {
    versions: Versions,
    writes: Writes,
    generation: Generation,
}

struct Shared {
    tables: RwLock<HashMap<Box<str>, Table>>,
    everything: Table,
    /// Changed only under the lock of `under_way`.
    generation: AtomicU64,
    under_way: Mutex<UnderWay>,
    mutant: Mutant,
}

/// How many writes are on their way, those abandoned included.
#[derive(Debug, Default)]
struct UnderWay {
    all: u64,
    /// Those of the newest generation. The others are counted on everything.
    newest: u64,
}

impl Versions {
    /// Makes versions of no table yet.
    pub fn new(mutant: Mutant) -> Self {
        Self {
            shared: Arc::new(Shared {
                tables: RwLock::default(),
                everything: Table::new("*"),
                generation: AtomicU64::new(0),
                under_way: Mutex::default(),
                mutant,
            }),
        }
    }

    /// The table of this name. It is made when it is first asked for and kept for good (some 100
    /// bytes), so ask only for tables that the origin has, not for what clients write.
    pub fn table(&self, name: &str) -> Table {
        if let Some(table) = self.find(name) {
            return table;
        }
        let mut tables = self
            .shared
            .tables
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let table = tables
            .entry(name.into())
            .or_insert_with(|| Table::new(name));
        table.clone()
    }

    /// The table of this name, if somebody has asked for it. A write must not ask this way: who
    /// reads the table first may come while it is under way.
    pub fn find(&self, name: &str) -> Option<Table> {
        let tables = self.shared.tables.read();
        let tables = tables.unwrap_or_else(PoisonError::into_inner);
        tables.get(name).cloned()
    }

    /// What a result depends on that is read from these tables.
    pub fn dependencies(&self, tables: impl IntoIterator<Item = Table>) -> Dependencies {
        Dependencies::of(&self.shared.everything, tables)
    }

    /// A write is about to be sent, or a commit of writes. Until it has ended, nothing that depends
    /// on these tables is served or kept.
    ///
    /// `generation` is that of the catalog by which the tables were found.
    pub fn begin(&self, writes: Writes, generation: Generation) -> Committing {
        let Shared {
            everything, mutant, ..
        } = &*self.shared;
        let mut under_way = self.under_way();
        under_way.all += 1;
        if generation == self.generation() {
            under_way.newest += 1;
        } else {
            everything.begin(1, *mutant);
        }
        for table in self.touched(&writes) {
            table.begin(1, *mutant);
        }
        Committing {
            versions: self.clone(),
            writes,
            generation,
        }
    }

    /// Moves versions at once: what was read before is served no more. For a purge, and for a write
    /// that is known to have happened elsewhere.
    pub fn move_now(&self, writes: &Writes) {
        let _under_way = self.under_way();
        for table in self.touched(writes) {
            table.move_now();
        }
    }

    /// Notes the versions that a result will be read under; must be called before its statement is
    /// sent. None if the result cannot be kept: a write to one of the tables is on its way, or
    /// `generation`, by whose catalog they were found, is not the newest.
    pub fn note(&self, on: &Dependencies, generation: Generation) -> Option<Noted> {
        let noted = Noted::take(on)?;
        // Looked at after the words: a generation that is replaced from now on moves everything.
        (generation == self.generation()).then_some(noted)
    }

    /// Whether [`Versions::note`] would note something at this moment.
    pub fn can_note(&self, on: &Dependencies, generation: Generation) -> bool {
        on.are_quiet() && generation == self.generation()
    }

    /// The newest generation.
    pub fn generation(&self) -> Generation {
        Generation(self.shared.generation.load(Ordering::SeqCst))
    }

    /// Begins a generation: what was found by the catalogs so far is not trusted any more. Nothing
    /// read before is served again, and writes on their way count as writes on everything.
    ///
    /// Call it when the origin's tables may have changed, *then* read the catalog, and use the
    /// generation with it. Between the two nothing is kept, for want of a catalog.
    pub fn new_generation(&self) -> Generation {
        self.begin_generation(&mut self.under_way())
    }

    fn begin_generation(&self, under_way: &mut UnderWay) -> Generation {
        let Shared {
            everything, mutant, ..
        } = &*self.shared;
        // Before the move: see `note`.
        let previous = self.shared.generation.fetch_add(1, Ordering::SeqCst);
        everything.begin(under_way.newest, *mutant);
        everything.move_now();
        under_way.newest = 0;
        Generation(previous + 1)
    }

    /// Likewise, if this is still the newest. `None`: it is not, and what was found by it is of
    /// before.
    pub fn next_generation(&self, newest: Generation) -> Option<Generation> {
        let mut under_way = self.under_way();
        (self.generation() == newest).then(|| self.begin_generation(&mut under_way))
    }

    /// Writes on their way, with those whose outcome was never known.
    pub fn committing(&self) -> u64 {
        self.under_way().all
    }

    fn end(&self, writes: &Writes, generation: Generation) {
        let Shared {
            everything, mutant, ..
        } = &*self.shared;
        let mut under_way = self.under_way();
        under_way.all -= 1;
        for table in self.touched(writes) {
            table.end(*mutant);
        }
        if generation == self.generation() {
            under_way.newest -= 1;
        } else {
            everything.end(*mutant);
        }
    }

    /// The slots of what a write touches.
    fn touched<'a>(&'a self, writes: &'a Writes) -> &'a [Table] {
        match writes {
            Writes::Nothing => &[],
            Writes::Tables(tables) => tables,
            Writes::Everything => slice::from_ref(&self.shared.everything),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        let under_way = self.shared.under_way.lock();
        under_way.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Committing {
    /// What it touches.
    pub fn writes(&self) -> &Writes {
        &self.writes
    }

    /// The outcome is known, whatever it is, and whoever waits for it has not been told: the
    /// versions move, and what is read from now on is kept again.
    pub fn end(self) {
        self.versions.end(&self.writes, self.generation);
    }
}

impl fmt::Debug for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Versions")
            .field("generation", &self.generation())
            .field("committing", &self.committing())
            .finish_non_exhaustive()
    }
}
