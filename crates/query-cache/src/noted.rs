//! What a result depends on, and the versions that it was read under.

use std::iter;
use std::sync::Arc;

use crate::table::{Table, Word};

/// The tables that a result depends on, and everything, on which each does. Cheap to clone: results
/// of the same tables share one list. Made by [`crate::Versions::dependencies`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependencies(Arc<[Table]>);

/// What a list takes beside its tables: two counts.
const LIST: usize = 16;

/// The versions that a result was read under. Made by [`crate::Versions::note`].
///
/// It holds no table of its own but their list, so that who fetches what is missing counts up and
/// down once, and not beside the version of each table.
#[derive(Debug)]
pub struct Noted {
    on: Dependencies,
    /// Of everything, and of the first table: most results depend on one.
    first: [Word; 2],
    others: Box<[Word]>,
}

impl Dependencies {
    pub(crate) fn of(everything: &Table, tables: impl IntoIterator<Item = Table>) -> Self {
        Self(iter::once(everything.clone()).chain(tables).collect())
    }

    /// The tables.
    pub fn tables(&self) -> &[Table] {
        self.0.get(1..).unwrap_or_default()
    }

    /// What depends on both, each once.
    #[must_use]
    pub fn and(self, more: &Self) -> Self {
        let mut news = more.0.iter().filter(|table| !self.0.contains(table));
        match news.next() {
            None => self,
            Some(first) => {
                let news = [first].into_iter().chain(news);
                Self(self.0.iter().chain(news).cloned().collect())
            }
        }
    }

    /// Whether nothing is under way on any of them.
    pub(crate) fn are_quiet(&self) -> bool {
        self.0.iter().all(|table| table.word().is_quiet())
    }
}

impl Noted {
    /// Notes how everything and the tables stand, in this order. `None`: something was under way on
    /// one of them.
    pub(crate) fn take(on: &Dependencies) -> Option<Self> {
        let noted = Self::now(on.clone());
        let is_quiet = noted.words().all(Word::is_quiet);
        is_quiet.then_some(noted)
    }

    fn now(on: Dependencies) -> Self {
        let mut words = on.0.iter().map(Table::word);
        let first = [(); 2].map(|()| words.next().unwrap_or_default());
        let others = words.collect();
        Self { on, first, others }
    }

    /// Whether no write to any of the tables has begun since, and nothing was moved. Once it is
    /// false it stays so.
    pub fn is_current(&self) -> bool {
        let mut both = self.on.0.iter().zip(self.words());
        both.all(|(table, word)| table.word() == word)
    }

    /// Notes how the tables stand now, whatever was noted: what a mutant does.
    pub(crate) fn taken_again(self) -> Self {
        Self::now(self.on)
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        // That of several tables was made for their statement; that of one is its catalog's.
        let list = match self.on.0.len() {
            ..=2 => 0,
            _ => LIST + size_of_val(&*self.on.0),
        };
        size_of_val(&*self.others) + list
    }

    /// As many as there are tables, or one more.
    fn words(&self) -> impl Iterator<Item = Word> {
        self.first.iter().chain(&self.others).copied()
    }
}
