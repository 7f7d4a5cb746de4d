//! `SHOW TIDEGATE CACHE`: how reads were answered, statement by statement.

use super::{Column, Table, Value, number, text};
use crate::hyperdrives::Served;

const COLUMNS: &[Column] = &[
    text("Statement"),
    number("Hits"),
    number("Stale"),
    number("Misses"),
    number("Bypassed"),
    text("Last_bypass"),
];

/// Those read most come first. Without a cache there are none.
pub(super) fn table(served: &Served) -> Table {
    let figures = served.cache.iter().flat_map(|cache| cache.figures.all());
    let rows = figures.map(|figures| {
        let reason = figures.last_bypass.map(|why| why.name().to_owned());
        vec![
            Value::Text(figures.text),
            Value::Number(figures.hits),
            Value::Number(figures.stale),
            Value::Number(figures.misses),
            Value::Number(figures.bypassed),
            Value::text_or_null(reason),
        ]
    });
    Table {
        columns: COLUMNS,
        rows: rows.collect(),
    }
}
