//! The versions that a result was read under.

use std::iter;

use crate::table::{Table, Word};

/// The versions that a result was read under. Made by [`crate::Versions::note`].
///
/// Most results depend on one table, and each on everything: those are in place, so that a hit
/// compares them without a look elsewhere.
#[derive(Debug)]
pub struct Noted {
    everything: Seen,
    first: Option<Seen>,
    others: Box<[Seen]>,
}

/// How a table stood.
#[derive(Clone, Debug)]
struct Seen {
    table: Table,
    word: Word,
}

impl Seen {
    fn of(table: &Table) -> Self {
        Self {
            table: table.clone(),
            word: table.word(),
        }
    }

    fn is_current(&self) -> bool {
        self.table.word() == self.word
    }
}

impl Noted {
    /// Notes how everything and these tables stand, in this order. `None`: something was under way
    /// on one of them.
    pub(crate) fn take(everything: &Table, tables: &[Table]) -> Option<Self> {
        let (first, others) = match tables {
            [] => (None, &[] as &[Table]),
            [first, others @ ..] => (Some(first), others),
        };
        let noted = Self {
            everything: Seen::of(everything),
            first: first.map(Seen::of),
            others: others.iter().map(Seen::of).collect(),
        };
        let is_quiet = noted.all().all(|seen| seen.word.is_quiet());
        is_quiet.then_some(noted)
    }

    /// Whether no write to any of the tables has begun since, and nothing was moved. Once it is
    /// false it stays so.
    pub fn is_current(&self) -> bool {
        self.all().all(Seen::is_current)
    }

    /// Notes how the tables stand now, whatever was noted: what a mutant does.
    pub(crate) fn taken_again(mut self) -> Self {
        let others = self.others.iter_mut().chain(&mut self.first);
        for seen in others.chain([&mut self.everything]) {
            seen.word = seen.table.word();
        }
        self
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.others)
    }

    fn all(&self) -> impl Iterator<Item = &Seen> {
        iter::once(&self.everything)
            .chain(&self.first)
            .chain(&self.others)
    }
}
