//! The versions that a result was read under.

use crate::table::{Table, Word};

/// The versions that a result was read under. Made by [`crate::Versions::note`].
#[derive(Debug)]
pub struct Noted {
    /// Nothing was under way on any of them.
    tables: Box<[(Table, Word)]>,
}

impl Noted {
    /// Notes how these tables stand.
    pub(crate) fn take<'a>(tables: impl Iterator<Item = &'a Table>) -> Self {
        Self {
            tables: tables.map(|table| (table.clone(), table.word())).collect(),
        }
    }

    /// Nothing was under way on any of the tables.
    pub(crate) fn is_quiet(&self) -> bool {
        self.tables.iter().all(|(_, word)| word.is_quiet())
    }

    /// Whether no write to any of the tables has begun since, and nothing was moved. Once it is
    /// false it stays so.
    pub fn is_current(&self) -> bool {
        self.tables
            .iter()
            .all(|(table, noted)| table.word() == *noted)
    }

    /// Notes how the tables stand now, whatever was noted: what a mutant does.
    pub(crate) fn taken_again(self) -> Self {
        Self::take(self.tables.iter().map(|(table, _)| table))
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.tables)
    }
}
