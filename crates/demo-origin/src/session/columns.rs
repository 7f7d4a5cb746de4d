//! What a result set says of its columns: MySQL's types from what SQLite declares, else from the
//! first row.

use mysql_proto::{ColumnDefinition, ColumnFlags, ColumnType};
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

/// `utf8mb4_general_ci`.
const TEXT: u16 = 45;
/// Bytes that are no text; numbers have it too.
const BINARY: u16 = 63;

/// Declared in the table, by SQLite's own rules of affinity.
///
/// <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>
fn declared(declaration: &str) -> ColumnType {
    let declaration = declaration.to_ascii_uppercase();
    let has = |part: &str| declaration.contains(part);
    if has("INT") || has("BOOL") {
        ColumnType::LONGLONG
    } else if has("CHAR") || has("CLOB") || has("TEXT") || has("DATE") || has("TIME") {
        // SQLite has no type for time: it is text.
        ColumnType::VAR_STRING
    } else if has("BLOB") || has("BINARY") {
        ColumnType::BLOB
    } else if has("REAL") || has("FLOA") || has("DOUB") || has("NUM") || has("DEC") {
        ColumnType::DOUBLE
    } else {
        ColumnType::VAR_STRING
    }
}

/// An expression has the type of its first value. NULL could be anything: text holds it all.
fn of_value(value: ValueRef<'_>) -> ColumnType {
    match value {
        ValueRef::Integer(_) => ColumnType::LONGLONG,
        ValueRef::Real(_) => ColumnType::DOUBLE,
        ValueRef::Blob(_) => ColumnType::BLOB,
        ValueRef::Null | ValueRef::Text(_) => ColumnType::VAR_STRING,
    }
}

/// Names and declarations, taken before the statement runs.
pub(super) struct Columns(Vec<(String, Option<ColumnType>)>);

impl Columns {
    pub(super) fn of(statement: &Statement<'_>) -> Self {
        let columns = statement.columns();
        let column = |column: &rusqlite::Column<'_>| {
            (column.name().to_owned(), column.decl_type().map(declared))
        };
        Self(columns.iter().map(column).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With the types of the first row, if there is one.
    pub(super) fn definitions(&self, first: Option<&Row<'_>>) -> Vec<ColumnDefinition> {
        let mut definitions = Vec::with_capacity(self.0.len());
        for (index, (name, declared)) in self.0.iter().enumerate() {
            let value = first.and_then(|row| row.get_ref(index).ok());
            let column_type = declared
                .or_else(|| value.map(of_value))
                .unwrap_or(ColumnType::VAR_STRING);
            definitions.push(definition(name, column_type));
        }
        definitions
    }
}

/// A column, or a parameter.
pub(super) fn definition(name: &str, column_type: ColumnType) -> ColumnDefinition {
    let (charset, length, flags, decimals) = match column_type {
        ColumnType::LONGLONG => (BINARY, 20, ColumnFlags::BINARY | ColumnFlags::NUM, 0),
        ColumnType::DOUBLE => (BINARY, 22, ColumnFlags::BINARY | ColumnFlags::NUM, 31),
        ColumnType::BLOB => (BINARY, 65_535, ColumnFlags::BINARY | ColumnFlags::BLOB, 0),
        _ => (TEXT, 65_535, ColumnFlags::empty(), 0),
    };
    ColumnDefinition {
        column_length: length,
        flags,
        decimals,
        ..ColumnDefinition::new(name, column_type, charset)
    }
}
