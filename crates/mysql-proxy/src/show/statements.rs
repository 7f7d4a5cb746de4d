//! `SHOW TIDEGATE STATEMENTS`: the prepared statements that somebody has.

use super::{Column, Table, number, text};

const COLUMNS: &[Column] = &[
    text("Statement"),
    number("Sessions"),
    number("Connections"),
    number("Executions"),
];

/// Sessions keep none yet: they are prepared where they are executed.
pub(super) fn table() -> Table {
    Table {
        columns: COLUMNS,
        rows: Vec::new(),
    }
}
