//! What a statement reads and writes, for a cache of results.
//!
//! A second and slower look than [`classify`](crate::classify()): only what was not found in the
//! cache, and what may write, is read this closely.
//!
//! ```text
//! touches ─┬─► keeps:  may its result be kept?  ─► reader: which tables does it read?
//!          ├─► writes: what does it change?      ─► reader: which tables does it name?
//!          └─► hints:  what do its comments ask for?
//! ```
//!
//! The rules err on one side only. A result is kept if everything in the statement is known to give
//! the same answer as long as its tables do; a statement writes to everything unless it is known
//! which tables it names. What is behind the names, the text does not tell: views, triggers,
//! foreign keys and the kinds of tables are the caller's to look up, and so is whether a session
//! sees other tables by these names (temporary ones) or another time (`tidb_snapshot`).

mod change;
mod hints;
mod judge;
mod keeps;
mod keyword;
mod native;
mod piece;
mod query;
mod reader;
mod references;
mod table;
mod temporary;
mod writes;

use crate::classify::{Dialect, Statement};
use crate::routine::Routine;
use reader::MAX_NAMES;
use writes::Outcome;

pub(crate) use piece::is_number;
pub(crate) use temporary::written as written_by_temporary;

pub use hints::{Hints, hints, without_explain};
pub use keeps::merely_read;
pub use table::TableRef;

/// What a statement reads and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touches {
    /// The tables that it reads, each once: all that its result depends on. `Err`: why its result
    /// may not be kept.
    pub keeps: Result<Vec<TableRef>, NotKept>,
    /// What it changes.
    pub writes: Touched,
    /// It may commit a transaction that was open before it: false only for what is known not to.
    pub may_commit: bool,
    /// What its comments ask of the cache.
    pub hints: Hints,
}

/// What a statement changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// No table.
    Nothing,
    /// These tables and none besides, but for what hangs on them: triggers, foreign keys, the
    /// tables below a view.
    Tables(Vec<TableRef>),
    /// These tables, or none, and what these routines change, which the text calls.
    Called {
        /// Likewise.
        tables: Vec<TableRef>,
        /// Their own texts tell it.
        routines: Vec<Routine>,
    },
    /// Perhaps any table, or what a table is, or who may read it.
    Everything,
}

impl Touched {
    /// What it changes, if it calls these as well.
    fn calling(self, routines: &[Routine]) -> Self {
        let tables = match self {
            _ if routines.is_empty() => return self,
            Self::Nothing => Vec::new(),
            Self::Tables(tables) => tables,
            Self::Called { .. } | Self::Everything => return Self::Everything,
        };
        Self::Called {
            tables,
            routines: routines.to_vec(),
        }
    }

    /// What two statements change. More tables than one may name are taken for all of them.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, writes) | (writes, Self::Nothing) => writes,
            (Self::Everything | Self::Called { .. }, _)
            | (_, Self::Everything | Self::Called { .. }) => Self::Everything,
            (Self::Tables(mut tables), Self::Tables(others)) => {
                for table in others {
                    if !tables.contains(&table) {
                        tables.push(table);
                    }
                }
                if tables.len() > MAX_NAMES {
                    Self::Everything
                } else {
                    Self::Tables(tables)
                }
            }
        }
    }
}

/// Why the result of a statement may not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotKept {
    /// It begins with neither `SELECT` nor `WITH`.
    NotASelect,
    /// The text has several statements.
    SeveralStatements,
    /// It writes: `INTO`, `WITH … UPDATE`.
    Writes,
    /// It locks rows: `FOR UPDATE`, `FOR SHARE`, `LOCK IN SHARE MODE`.
    Locks,
    /// It reads a user variable or a system variable.
    Variable,
    /// It calls a function that is not known to be native.
    Function,
    /// It calls a native function that may give another answer each time, or to another session.
    Nondeterministic,
    /// It reads rows of another time: `FOR SYSTEM_TIME`, `AS OF TIMESTAMP`.
    Temporal,
    /// It asks for it: `SQL_NO_CACHE`, a comment; or a comment changes how it runs.
    Hint,
    /// It reads or changes the state of its session.
    Session,
    /// `FOUND_ROWS()` is not the number of its rows, and the rows alone are kept.
    FoundRows,
    /// It reads a table that the server keeps itself: `information_schema`.
    SystemTable,
    /// It reads no table.
    NoTable,
    /// Nothing that this version understands, or nothing that means the same to all servers.
    NotUnderstood,
}

impl NotKept {
    /// The reason's name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotASelect => "not_a_select",
            Self::SeveralStatements => "several_statements",
            Self::Writes => "writes",
            Self::Locks => "locks",
            Self::Variable => "variable",
            Self::Function => "function",
            Self::Nondeterministic => "nondeterministic",
            Self::Temporal => "temporal",
            Self::Hint => "hint",
            Self::Session => "session",
            Self::FoundRows => "found_rows",
            Self::SystemTable => "system_table",
            Self::NoTable => "no_table",
            Self::NotUnderstood => "not_understood",
        }
    }
}

/// Reads what a statement touches. `statement` is what [`classify`](crate::classify()) has told of
/// the same text in the same dialect.
///
/// The text of a view, as servers write it, can be read like any other.
pub fn touches(sql: &[u8], dialect: Dialect, statement: &Statement) -> Touches {
    let hints = hints(sql, dialect);
    let keeps = if hints.no_cache {
        Err(NotKept::Hint)
    } else {
        keeps::read(sql, dialect, statement)
    };
    let outcome = match keeps {
        // It was looked through for all that could write.
        Ok(_) => Outcome::NOTHING,
        Err(_) => writes::read(sql, dialect, statement),
    };
    Touches {
        keeps,
        writes: outcome.writes,
        may_commit: outcome.may_commit,
        hints,
    }
}

#[cfg(test)]
mod tests;
