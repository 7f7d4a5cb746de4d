//! A result set in either form, text or binary.

use std::io::Write;
use std::ops::Range;

use mysql_proto::{Capabilities, ColumnDefinition, ErrPacket, StatusFlags, TextResultSet};
use rusqlite::types::ValueRef;
use rusqlite::{Row, ffi};

use super::MAX_PACKET;
use super::binary_rows::BinaryRows;

/// The form of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Of `COM_QUERY`.
    Text,
    /// Of `COM_STMT_EXECUTE`.
    Binary,
}

/// A result set that is being written.
#[derive(Debug)]
pub(super) enum ResultSet {
    Text(TextResultSet, Scratch),
    Binary(BinaryRows),
}

impl ResultSet {
    pub(super) fn begin(
        out: &mut Vec<u8>,
        format: Format,
        capabilities: Capabilities,
        status: StatusFlags,
        columns: &[ColumnDefinition],
    ) -> Self {
        match format {
            Format::Text => Self::Text(
                // The command had the sequence id 0.
                TextResultSet::columns(out, 1, capabilities, status, columns),
                Scratch::default(),
            ),
            Format::Binary => Self::Binary(BinaryRows::columns(out, capabilities, status, columns)),
        }
    }

    pub(super) fn row(&mut self, out: &mut Vec<u8>, row: &Row<'_>) -> rusqlite::Result<()> {
        match self {
            Self::Text(set, scratch) => {
                scratch.fill(row)?;
                set.row(out, scratch.values());
                Ok(())
            }
            Self::Binary(rows) => rows.row(out, row),
        }
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        match self {
            Self::Text(set, _) => {
                set.finish(out, 0);
            }
            Self::Binary(rows) => rows.finish(out),
        }
    }

    pub(super) fn fail(self, out: &mut Vec<u8>, error: &ErrPacket) {
        match self {
            Self::Text(set, _) => set.fail(out, error),
            Self::Binary(rows) => rows.fail(out, error),
        }
    }
}

/// A row has the limit of a packet: columns of the longest value each would go far beyond it.
pub(super) fn check_length(len: usize) -> rusqlite::Result<()> {
    if len <= MAX_PACKET {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        ffi::Error::new(ffi::SQLITE_TOOBIG),
        Some("a row is bigger than 'max_allowed_packet' bytes".to_owned()),
    ))
}

/// The values of one row as text, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
    values: Vec<Option<Range<usize>>>,
}

impl Scratch {
    fn fill(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        self.bytes.clear();
        self.values.clear();
        for index in 0..row.as_ref().column_count() {
            let start = self.bytes.len();
            let value = row.get_ref(index)?;
            // Writing to a vector cannot fail.
            let written = match value {
                ValueRef::Null => Ok(()),
                ValueRef::Integer(number) => write!(self.bytes, "{number}"),
                ValueRef::Real(number) => write!(self.bytes, "{number}"),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => self.bytes.write_all(bytes),
            };
            debug_assert!(written.is_ok(), "a vector takes all");
            check_length(self.bytes.len())?;
            let range = start..self.bytes.len();
            self.values.push((value != ValueRef::Null).then_some(range));
        }
        Ok(())
    }

    fn values(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.values
            .iter()
            .map(|value| value.clone().and_then(|range| self.bytes.get(range)))
    }
}
