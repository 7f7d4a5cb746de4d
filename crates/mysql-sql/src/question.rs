//! What a statement asks about its connection or the statement before, in calls that a literal can
//! stand for.

use std::ops::Range;

/// A call in a statement's text that can be replaced by a literal, see
/// [`substitute`](crate::substitute()).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked for.
    pub kind: QuestionKind,
    /// Where the call stands in the text.
    pub range: Range<usize>,
    /// The item of a select list that the call belongs to, if that has no alias: the server would
    /// name the column after its text, and has to be told to do so still.
    pub column: Option<Range<usize>>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuestionKind {
    /// `LAST_INSERT_ID()`, `@@last_insert_id`, `@@identity`.
    LastInsertId,
    /// `ROW_COUNT()`.
    RowCount,
    /// `FOUND_ROWS()`.
    FoundRows,
    /// `CONNECTION_ID()`, `@@pseudo_thread_id`.
    ConnectionId,
    /// `@@warning_count`.
    WarningCount,
    /// `@@error_count`.
    ErrorCount,
}

impl QuestionKind {
    /// True when it asks about the statement before.
    pub fn is_about_previous(self) -> bool {
        matches!(
            self,
            Self::RowCount | Self::FoundRows | Self::WarningCount | Self::ErrorCount
        )
    }
}
