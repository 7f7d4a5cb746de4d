//! `SHOW TIDEGATE …`: what the edge knows of a hyperdrive, as result sets that any client reads.
//!
//! Each table shows what belongs to the asking session's own hyperdrive, and nothing else.

mod cache;
mod explain;
mod pins;
mod pools;
mod sessions;
mod statements;

use mysql_proto::{
    Capabilities, ColumnDefinition, ColumnFlags, ColumnType, StatusFlags, TextResultSet,
};
use mysql_sql::TidegateTable;

use crate::hyperdrives::Served;
use crate::registry::Registry;
pub(crate) use explain::Explanation;

/// `utf8mb4_general_ci`, in which the texts are.
const TEXT: u16 = 45;
/// `binary`, which numbers have.
const BINARY: u16 = 63;

/// The longest number in digits.
const NUMBER_LEN: u32 = 20;
/// The longest text in bytes, for clients that make room for it: 64 characters, which names have at
/// most. Longer ones are sent all the same.
const TEXT_LEN: u32 = 256;

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Column {
    name: &'static str,
    is_number: bool,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Null,
    Number(u64),
    Text(String),
}

/// A table that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<Value>>,
}

/// What there is to be shown; the error of anything else lists it.
pub(crate) const TABLES: &str = "POOLS, SESSIONS, PINS, STATEMENTS and CACHE";

/// The rows of a table. `None`: there is none of this name.
pub(crate) fn table(table: TidegateTable, served: &Served, registry: &Registry) -> Option<Table> {
    match table {
        TidegateTable::Pools => Some(pools::table(served)),
        TidegateTable::Sessions => Some(sessions::table(served, registry)),
        TidegateTable::Pins => Some(pins::table(served, registry)),
        TidegateTable::Statements => Some(statements::table(served)),
        TidegateTable::Cache => Some(cache::table(served)),
        TidegateTable::Unknown => None,
    }
}

impl Table {
    /// Appends the result set, of which the first packet has the sequence id 1.
    pub(crate) fn write(&self, out: &mut Vec<u8>, capabilities: Capabilities, status: StatusFlags) {
        let columns: Vec<_> = self.columns.iter().copied().map(definition).collect();
        let mut set = TextResultSet::columns(out, 1, capabilities, status, &columns);
        for row in &self.rows {
            let digits: Vec<_> = row.iter().map(Value::digits).collect();
            let values = row.iter().zip(&digits).map(|(value, digits)| match value {
                Value::Null => None,
                Value::Number(_) => Some(digits.as_bytes()),
                Value::Text(text) => Some(text.as_bytes()),
            });
            set.row(out, values);
        }
        set.finish(out, 0);
    }
}

impl Value {
    fn digits(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Null | Self::Text(_) => String::new(),
        }
    }

    fn text_or_null(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    fn count(count: usize) -> Self {
        Self::Number(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

const fn text(name: &'static str) -> Column {
    Column {
        name,
        is_number: false,
    }
}

const fn number(name: &'static str) -> Column {
    Column {
        name,
        is_number: true,
    }
}

fn definition(column: Column) -> ColumnDefinition {
    if column.is_number {
        ColumnDefinition {
            column_length: NUMBER_LEN,
            flags: ColumnFlags::UNSIGNED | ColumnFlags::NUM | ColumnFlags::BINARY,
            ..ColumnDefinition::new(column.name, ColumnType::LONGLONG, BINARY)
        }
    } else {
        ColumnDefinition {
            column_length: TEXT_LEN,
            ..ColumnDefinition::new(column.name, ColumnType::VAR_STRING, TEXT)
        }
    }
}

#[cfg(test)]
mod tests {
    use mysql_proto::{Command, ResponseState, ResponseTracker};

    use super::*;

    #[test]
    fn writes_a_result_set_with_and_without_eof_packets() {
        const COLUMNS: &[Column] = &[text("Name"), number("Count")];
        let table = Table {
            columns: COLUMNS,
            rows: vec![
                vec![Value::Text("a".to_owned()), Value::Number(7)],
                vec![Value::Null, Value::count(8)],
            ],
        };
        for capabilities in [Capabilities::empty(), Capabilities::DEPRECATE_EOF] {
            let capabilities = capabilities | Capabilities::PROTOCOL_41;
            let mut out = Vec::new();
            table.write(&mut out, capabilities, StatusFlags::AUTOCOMMIT);
            let mut tracker = ResponseTracker::new(Command::QUERY, capabilities);
            let fed = tracker.feed(&out).unwrap();
            assert_eq!((fed.state, fed.consumed), (ResponseState::Done, out.len()));
            assert_eq!(tracker.summary().rows, 2);
            // A text of one byte and a number of one digit; NULL and a number.
            for row in [&b"\x01a\x017"[..], b"\xFB\x018"] {
                assert!(out.windows(row.len()).any(|window| window == row));
            }
        }
    }
}
