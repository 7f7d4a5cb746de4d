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
    pub column: Option<Column>,
    /// It asks for what a statement before it in the same text may have changed: no literal tells.
    pub is_behind: bool,
}

/// An item of a select list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Where it stands in the text.
    pub range: Range<usize>,
    /// What of the text the server names it after: TiDB takes comments behind it along.
    pub name: Range<usize>,
}

/// What takes a question's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A literal.
    Value(i128),
    /// The call itself, with 0 for this value: that of a connection of TiDB's, which cannot be told
    /// that there is no insert id.
    ZeroFor(u64),
}

/// Whose types the answers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// MySQL.
    MySql,
    /// MariaDB.
    MariaDb,
    /// TiDB.
    TiDb,
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
