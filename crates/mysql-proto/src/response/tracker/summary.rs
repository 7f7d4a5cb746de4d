//! What a response has told.

use crate::StatusFlags;

/// What a response has told so far.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The session's status, as it was last told. `None`: not told, for example because of an
    /// error.
    pub status: Option<StatusFlags>,
    /// How often it was told: with each result, and ahead of its rows where an EOF packet stands
    /// there.
    pub statuses: u32,
    /// Some result of this response told of an open transaction, even if the last did not.
    pub in_transaction_seen: bool,
    /// Rows that the last statement without a result set has changed.
    pub affected_rows: u64,
    /// The insert id that an OK packet told last; 0: none did.
    pub last_insert_id: u64,
    /// Warnings of all statements.
    pub warnings: u32,
    /// The code of the error that ended the response.
    pub error: Option<u16>,
    /// Rows of all result sets.
    pub rows: u64,
    /// Rows of the result sets before the last one.
    pub rows_before: u64,
    /// Result sets, also those without rows.
    pub result_sets: u32,
    /// The last result is such a set.
    pub ends_with_rows: bool,
    /// The id of the statement that was prepared.
    pub statement_id: Option<u32>,
    /// Parameters of the statement that was prepared.
    pub statement_params: u16,
    /// Columns of the statement that was prepared; 0 if it gives no rows.
    pub statement_columns: u16,
    /// The command asked for no cursor, so that whatever a status says none is the client's: a
    /// procedure's own shows there too.
    pub no_cursor: bool,
    /// A cursor is open that has more rows.
    pub cursor_open: bool,
}

impl Summary {
    /// Rows of the last result set.
    pub fn last_rows(&self) -> u64 {
        self.rows.saturating_sub(self.rows_before)
    }

    pub(super) fn note_status(&mut self, status: StatusFlags, warnings: u16) {
        self.status = Some(status);
        self.statuses = self.statuses.saturating_add(1);
        self.in_transaction_seen |= status.contains(StatusFlags::IN_TRANS);
        self.warnings = self.warnings.saturating_add(u32::from(warnings));
    }
}
