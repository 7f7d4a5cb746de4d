//! What may be left on a connection that no state tells.

/// How a connection was used since its login, or its last reset.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wear {
    /// A command was sent on it.
    pub(super) used: bool,
    /// A statement ran on it that may have left something: a trigger may set variables.
    pub(super) touched: bool,
    /// A program may have run on it: a routine that a statement calls, or one that no statement
    /// names. That stays so when there is none any more.
    pub(super) ran_program: bool,
    /// One of the programs that ran on it may have made a temporary table.
    pub(super) names_unsure: bool,
    /// It was touched when the present session took it.
    pub(super) has_leftovers: bool,
    /// It has to be reset before the present session uses it.
    pub(super) must_reset: bool,
    /// It may remember warnings or errors.
    pub(super) has_conditions: bool,
}
