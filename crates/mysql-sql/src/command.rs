//! Statements that are not simply passed on: the proxy answers or translates them.

use std::ops::Range;

/// `SHOW [COUNT(*)] WARNINGS | ERRORS [LIMIT …]`.
///
/// See <https://dev.mysql.com/doc/refman/8.4/en/show-warnings.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// `ERRORS`: only conditions of that level.
    pub only_errors: bool,
    /// `COUNT(*)`: only how many there are.
    pub count: bool,
    /// How many rows to leave out at the beginning.
    pub offset: u64,
    /// Most rows to give then. `None`: all.
    pub limit: Option<u64>,
}

/// `KILL …`.
///
/// See <https://dev.mysql.com/doc/refman/8.4/en/kill.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The connection's id, and where its digits stand in the text. `None`: an expression, a user
    /// or a query id.
    pub id: Option<(u64, Range<usize>)>,
    /// `QUERY`: only what the connection runs now.
    pub query: bool,
}

/// `SHOW TIDEGATE …`: a look at the edge itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TidegateTable {
    /// `POOLS`.
    Pools,
    /// `SESSIONS`.
    Sessions,
    /// `PINS`.
    Pins,
    /// `STATEMENTS`.
    Statements,
    /// `CACHE`.
    Cache,
    /// Anything else behind `SHOW TIDEGATE`: an error, since no origin knows it either.
    Unknown,
}
