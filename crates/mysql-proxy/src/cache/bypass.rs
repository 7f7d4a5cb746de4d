//! Why a read goes past the cache.

use mysql_sql::NotKept;

/// Why a read goes past the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bypass {
    /// By what the statement is.
    Statement(NotKept),
    /// The configuration says so of a table.
    Rule,
    /// It reads no table.
    NoTable,
    /// A transaction is open, or statements do not commit by themselves.
    Transaction,
    /// The session keeps a connection, for whatever reason that is pinned.
    Pinned,
    /// The session reads what is not committed.
    ReadUncommitted,
    /// The session has set a variable by which it may read another state than the present one.
    SessionVariable,
    /// What the origin's tables are is not known at the moment.
    NoCatalog,
    /// It names a table that there is not, or that the origin's user is not shown.
    UnknownTable,
    /// It reads a view whose text the origin's user is not shown, or that is not understood.
    UnknownView,
    /// A table changes by itself: its engine, or a column that tells the time.
    UnstableTable,
    /// A write to one of its tables is being committed.
    Committing,
    /// The origin runs what was sent before the edge was started, and that may be a write.
    Earlier,
    /// It is not as it was prepared: another database, character set or mode.
    OtherState,
    /// It asks for a cursor, or has long data, or its parameters are not understood.
    Execution,
    /// Its last result could not be kept: too large, with warnings, an error.
    Result,
    /// Its text and parameters are longer than what is worth to be looked for.
    TooLong,
    /// It would have had to wait for another client that reads slowly.
    Stalled,
}

impl Bypass {
    /// As metrics and tables have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Statement(why) => why.name(),
            Self::Rule => "rule",
            Self::NoTable => "no_table",
            Self::Transaction => "transaction",
            Self::Pinned => "pinned",
            Self::ReadUncommitted => "read_uncommitted",
            Self::SessionVariable => "session_variable",
            Self::NoCatalog => "no_catalog",
            Self::UnknownTable => "unknown_table",
            Self::UnknownView => "unknown_view",
            Self::UnstableTable => "unstable_table",
            Self::Committing => "committing",
            Self::Earlier => "earlier",
            Self::OtherState => "other_state",
            Self::Execution => "execution",
            Self::Result => "result",
            Self::TooLong => "too_long",
            Self::Stalled => "stalled",
        }
    }
}
