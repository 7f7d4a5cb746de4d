//! `SHOW TIDEGATE SESSIONS`: who is connected, and what each does.

use super::{Column, Table, Value, number, text};
use crate::hyperdrives::Served;
use crate::registry::{Entry, Registry};

const COLUMNS: &[Column] = &[
    number("Id"),
    text("User"),
    text("Peer"),
    text("Program"),
    text("Database"),
    text("State"),
    text("Command"),
    number("Time"),
    number("Connected"),
    number("Thread"),
    text("Pins"),
];

pub(super) fn table(served: &Served, registry: &Registry) -> Table {
    let sessions = registry.sessions_of(served.hyperdrive.id);
    Table {
        columns: COLUMNS,
        rows: sessions.iter().map(|entry| row(entry)).collect(),
    }
}

/// Times are in seconds, as in `SHOW PROCESSLIST`; `Time` is since the last command came. `Thread`
/// is the id of the lease's connection in the origin's own process list.
fn row(entry: &Entry) -> Vec<Value> {
    let activity = entry.activity();
    let thread = entry.thread();
    let command = activity.command.map(|command| command.name().to_owned());
    let program = (!entry.program.is_empty()).then(|| entry.program.to_string());
    let state = state(command.is_some(), thread.is_some());
    vec![
        Value::Number(entry.id.into()),
        Value::Text(entry.user.to_string()),
        Value::Text(entry.peer.to_string()),
        Value::text_or_null(program),
        Value::text_or_null(entry.database()),
        Value::Text(state.to_owned()),
        Value::text_or_null(command),
        Value::Number(activity.time.as_secs()),
        Value::Number(entry.age().as_secs()),
        thread.map_or(Value::Null, |thread| Value::Number(thread.into())),
        Value::Text(entry.pins().join(", ")),
    ]
}

/// What the session does, by whether it has a command and a lease.
fn state(has_command: bool, has_lease: bool) -> &'static str {
    match (has_command, has_lease) {
        (false, false) => "idle",
        // It keeps its connection, for one of its pins.
        (false, true) => "pinned",
        // For a lease, or for the edge itself.
        (true, false) => "waiting",
        (true, true) => "running",
    }
}
