//! `SHOW TIDEGATE PINS`: why sessions keep their connections.

use std::collections::BTreeMap;

use super::{Column, Table, Value, number, text};
use crate::hyperdrives::Served;
use crate::registry::Registry;

const COLUMNS: &[Column] = &[text("Reason"), number("Sessions"), number("Since_start")];

/// `Sessions`: those pinned now; `Since_start`: pins since the edge started. Only reasons that
/// there have been.
pub(super) fn table(served: &Served, registry: &Registry) -> Table {
    let mut reasons: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for (reason, total) in served.metrics.pins() {
        reasons.entry(reason).or_default().1 = total;
    }
    for session in registry.sessions_of(served.hyperdrive.id) {
        for reason in session.pins() {
            reasons.entry(reason).or_default().0 += 1;
        }
    }
    let rows = reasons.into_iter().map(|(reason, (now, total))| {
        vec![
            Value::Text(reason.to_owned()),
            Value::count(now),
            Value::Number(total),
        ]
    });
    Table {
        columns: COLUMNS,
        rows: rows.collect(),
    }
}
