//! `SHOW TIDEGATE STATEMENTS`: the prepared statements that somebody has.

use super::{Column, Table, Value, number, text};
use crate::hyperdrives::Served;

const COLUMNS: &[Column] = &[
    text("Statement"),
    number("Sessions"),
    number("Connections"),
    number("Executions"),
];

/// Those executed most come first. Long texts are cut.
pub(super) fn table(served: &Served) -> Table {
    let rows = served.texts.figures().into_iter().map(|figures| {
        vec![
            Value::Text(String::from_utf8_lossy(&figures.text).into_owned()),
            Value::Number(figures.sessions.into()),
            Value::Number(figures.connections.into()),
            Value::Number(figures.executions),
        ]
    });
    Table {
        columns: COLUMNS,
        rows: rows.collect(),
    }
}
