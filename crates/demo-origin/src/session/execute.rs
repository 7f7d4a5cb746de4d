//! Runs statements in SQLite, and writes what they give.

use std::sync::atomic::Ordering;

use mysql_proto::{ColumnType, ErrPacket, OkPacket, PacketWriter};
use rusqlite::types::Value;

use super::binary_rows;
use super::columns::{Columns, definition};
use super::failure::failure;
use super::outlet::{Outlet, Stop};
use super::rows::{Format, ResultSet};
use super::run::Worker;
use crate::dialect::{Statement, unsupported};

impl Worker {
    /// Runs a statement of SQLite's and writes what it gives.
    pub(super) fn sql(
        &self,
        text: &str,
        parameters: &[Value],
        format: Format,
        outlet: &mut Outlet<'_>,
    ) -> Result<(), Stop> {
        let changes_before = self.sqlite.total_changes();
        let mut statement = self.compile(text)?;
        if statement.parameter_count() != parameters.len() {
            return Err(unsupported("a parameter outside a prepared statement").into());
        }
        for (index, parameter) in parameters.iter().enumerate() {
            statement
                .raw_bind_parameter(index + 1, parameter)
                .map_err(|error| failure(&error))?;
        }
        let columns = Columns::of(&statement);
        let mut rows = statement.raw_query();
        let mut row = rows.next().map_err(|error| failure(&error))?;
        if columns.is_empty() {
            drop(rows);
            drop(statement);
            let ok = self.changed(text, changes_before);
            return self.ok(ok, outlet);
        }
        let status = self.status();
        let definitions = columns.definitions(row);
        let (out, capabilities) = (outlet.bytes(), self.capabilities);
        let mut set = ResultSet::begin(out, format, capabilities, status, &definitions);
        while let Some(current) = row {
            let next = set.row(outlet.bytes(), current).and_then(|()| rows.next());
            row = match next {
                Ok(next) => next,
                Err(error) => {
                    set.fail(outlet.bytes(), &failure(&error));
                    return Ok(());
                }
            };
            outlet.flush_if_full()?;
        }
        set.finish(outlet.bytes());
        Ok(())
    }

    pub(super) fn prepare(&mut self, sql: &str, outlet: &mut Outlet<'_>) -> Result<(), Stop> {
        let statement = self.translate(sql)?;
        let (parameters, columns) = match &statement {
            Statement::Sql { text, .. } => {
                let compiled = self.compile(text)?;
                let columns = Columns::of(&compiled).definitions(None);
                (compiled.parameter_count(), columns)
            }
            _ => (0, Vec::new()),
        };
        let id = self.prepared.add(statement, parameters)?;
        let parameter = definition("?", ColumnType::VAR_STRING);
        let (status, mut sequence_id) = (self.status(), 1);
        let out = outlet.bytes();
        let mut packet = PacketWriter::begin(out);
        // SQLite's own limits keep both counts within two bytes.
        let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes();
        let payload = packet.payload();
        payload.push(OkPacket::HEADER);
        payload.extend_from_slice(&id.to_le_bytes());
        payload.extend_from_slice(&count(columns.len()));
        payload.extend_from_slice(&count(parameters));
        payload.extend_from_slice(&[0, 0, 0]);
        packet.finish(&mut sequence_id);
        for columns in [vec![parameter; parameters], columns] {
            binary_rows::definitions(out, &mut sequence_id, self.capabilities, status, &columns);
        }
        Ok(())
    }

    /// The figures of a statement without rows.
    fn changed(&self, text: &str, changes_before: u64) -> OkPacket {
        if self.sqlite.total_changes() == changes_before {
            return OkPacket::default();
        }
        let affected_rows = self.sqlite.changes();
        let verb = text.split_whitespace().next().unwrap_or_default();
        let inserts = ["insert", "replace"]
            .iter()
            .any(|word| verb.eq_ignore_ascii_case(word));
        let mut last_insert_id = 0;
        if inserts {
            // SQLite tells the last id of several, MySQL the first.
            let others = i64::try_from(affected_rows).unwrap_or(0).saturating_sub(1);
            let last = self.sqlite.last_insert_rowid();
            let first = last.saturating_sub(others).max(last.min(1));
            self.facts.last_insert_id.store(first, Ordering::Relaxed);
            last_insert_id = first.cast_unsigned();
        }
        OkPacket {
            affected_rows,
            last_insert_id,
            ..OkPacket::default()
        }
    }

    pub(super) fn execute(&self, text: &str) -> Result<(), ErrPacket> {
        let mut statement = self.compile(text)?;
        let mut rows = statement.raw_query();
        rows.next().map(drop).map_err(|error| failure(&error))
    }

    fn compile(&self, text: &str) -> Result<rusqlite::CachedStatement<'_>, ErrPacket> {
        self.sqlite
            .prepare_cached(text)
            .map_err(|error| failure(&error))
    }
}
