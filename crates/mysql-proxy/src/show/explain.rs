//! What the cache makes of one statement, as a result set.

use std::time::Duration;

use super::{Column, Table, Value, number, text};

const COLUMNS: &[Column] = &[
    text("Outcome"),
    text("Reason"),
    text("Reads"),
    text("Writes"),
    number("Max_age_ms"),
    number("Stale_while_revalidate_ms"),
    number("Age_ms"),
];

/// What the cache makes of one statement.
#[derive(Debug)]
pub(crate) struct Explanation {
    /// `hit`, `stale`, `miss` or `bypass`; of a statement that may write, `write`.
    pub(crate) outcome: &'static str,
    /// Why it is not answered from the cache.
    pub(crate) reason: Option<&'static str>,
    /// The tables that its result depends on, with those behind views.
    pub(crate) reads: Option<String>,
    /// The tables of which results are dropped when it is committed, or `everything`.
    pub(crate) writes: Option<String>,
    pub(crate) max_age: Option<Duration>,
    pub(crate) stale_while_revalidate: Option<Duration>,
    /// Of the result that is kept.
    pub(crate) age: Option<Duration>,
}

impl Explanation {
    pub(crate) fn table(self) -> Table {
        let millis = |time: Option<Duration>| {
            let millis = time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
            millis.map_or(Value::Null, Value::Number)
        };
        let row = vec![
            Value::Text(self.outcome.to_owned()),
            Value::text_or_null(self.reason.map(str::to_owned)),
            Value::text_or_null(self.reads),
            Value::text_or_null(self.writes),
            millis(self.max_age),
            millis(self.stale_while_revalidate),
            millis(self.age),
        ];
        Table {
            columns: COLUMNS,
            rows: vec![row],
        }
    }
}
