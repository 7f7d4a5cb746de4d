//! What the statements of a text leave for those behind them to ask about.

use super::Reader;
use crate::question::Server;
use crate::word::{self, Head};

/// What the statements before the one at hand, in the same text, may have left for it to ask about.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Clone, Copy, Default)]
pub(super) struct Earlier {
    /// There are any.
    pub(super) exist: bool,
    /// They may have changed what `FOUND_ROWS()` gives.
    pub(super) may_have_found: bool,
    /// They have made the connection forget the conditions of before the text: on MariaDB those
    /// are kept over what uses no table.
    pub(super) have_cleared: bool,
    /// They may have made or set an insert id.
    pub(super) may_have_id: bool,
}

impl Earlier {
    /// After what is not understood.
    pub(super) const ANYTHING: Self = Self {
        exist: true,
        may_have_found: true,
        have_cleared: true,
        may_have_id: true,
    };
}

impl Reader<'_> {
    /// What the statements up to the one at hand, which was read, have left.
    pub(super) fn with_earlier(&self, word: &[u8], head: Head) -> Earlier {
        let (earlier, effect) = (self.earlier, &self.effect);
        let may_find = self.may_give_rows(head) || effect.may_find_rows || effect.runs_program;
        Earlier {
            exist: true,
            may_have_found: earlier.may_have_found || may_find,
            have_cleared: earlier.have_cleared || self.may_use_tables(word, head),
            may_have_id: effect.may_change_insert_id(),
        }
    }

    /// False for a statement that surely gives no rows: servers keep what `FOUND_ROWS()` gives.
    /// (Whether it writes what a `SELECT` finds, its scan tells.)
    fn may_give_rows(&self, head: Head) -> bool {
        match head {
            Head::Begin
            | Head::Transaction
            | Head::Use
            | Head::Kill
            | Head::Create
            | Head::Drop
            | Head::Load => false,
            // MySQL counts the rows that an `UPDATE` matches, and what a `DO` computes as one.
            Head::Do | Head::Write if self.dialect.server == Server::MySql => true,
            Head::Set | Head::Do | Head::Insert | Head::Write => self.reads_rows,
            _ => true,
        }
    }

    /// False for a statement that surely uses no table.
    fn may_use_tables(&self, word: &[u8], head: Head) -> bool {
        match head {
            Head::Begin | Head::Transaction | Head::Use => false,
            Head::Set | Head::Do => self.reads_rows,
            Head::Read if word::is(word, "SELECT") => self.reads_rows,
            _ => true,
        }
    }
}
