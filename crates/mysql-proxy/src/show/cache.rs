//! `SHOW TIDEGATE CACHE`: how reads were answered, statement by statement.

use std::cmp::Reverse;

use super::{Column, Table, Value, number, text};
use crate::cache::Bypass;
use crate::hyperdrives::Served;

const COLUMNS: &[Column] = &[
    text("Statement"),
    number("Hits"),
    number("Stale"),
    number("Misses"),
    number("Bypassed"),
    text("Last_bypass"),
    text("Bypasses"),
    text("Fingerprint"),
];

/// Those read most come first. Without a cache there are none.
pub(super) fn table(served: &Served) -> Table {
    let figures = served.cache.iter().flat_map(|cache| cache.figures.all());
    let rows = figures.map(|figures| {
        let last = figures.bypasses.first();
        let last = last.map(|(why, _)| why.name().to_owned());
        vec![
            Value::Text(figures.text.clone()),
            Value::Number(figures.hits),
            Value::Number(figures.stale),
            Value::Number(figures.misses),
            Value::Number(figures.bypassed()),
            Value::text_or_null(last),
            Value::text_or_null(by_reason(&figures.bypasses)),
            Value::text_or_null(figures.fingerprint),
        ]
    });
    Table {
        columns: COLUMNS,
        rows: rows.collect(),
    }
}

/// How often each was the reason, the most frequent first: `transaction 12, committing 3`.
fn by_reason(bypasses: &[(Bypass, u64)]) -> Option<String> {
    let mut bypasses: Vec<_> = bypasses.iter().collect();
    bypasses.sort_by_key(|(_, times)| Reverse(*times));
    let told = bypasses
        .iter()
        .map(|(why, times)| format!("{} {times}", why.name()));
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}
