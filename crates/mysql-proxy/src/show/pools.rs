//! `SHOW TIDEGATE POOLS`: the pool of origin connections.

use super::{Column, Table, Value, number, text};
use crate::hyperdrives::Served;

const COLUMNS: &[Column] = &[
    text("Hyperdrive"),
    text("Origin"),
    text("Version"),
    number("Open"),
    number("Idle"),
    number("Leased"),
    number("Waiting"),
    number("Longest_wait_ms"),
    number("Min"),
    number("Max"),
    number("Connects"),
    number("Closes"),
];

pub(super) fn table(served: &Served) -> Table {
    let stats = served.pool.stats();
    let origin = served.pool.connector();
    let longest_wait = u64::try_from(stats.longest_wait.as_millis()).unwrap_or(u64::MAX);
    Table {
        columns: COLUMNS,
        rows: vec![vec![
            Value::Text(served.hyperdrive.name.clone()),
            Value::Text(origin.origin().address.to_string()),
            Value::text_or_null(origin.server_version().map(str::to_owned)),
            Value::count(stats.open),
            Value::count(stats.idle),
            Value::count(stats.leased),
            Value::count(stats.waiting),
            Value::Number(longest_wait),
            Value::count(stats.min),
            Value::count(stats.max),
            Value::Number(stats.connects),
            Value::Number(stats.closes),
        ]],
    }
}
