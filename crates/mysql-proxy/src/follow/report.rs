//! What an event of the log is to a listener.

use mysql_proto::{BinlogEventBody, BinlogStatement, PackedEvents, unpacked_events};
use tracing::debug;

use super::Listener;
use super::unpack::unpack;

/// Bits of `sql_mode` with which a statement reads otherwise than by default: `ANSI_QUOTES` and
/// `NO_BACKSLASH_ESCAPES`.
const OTHER_READING: u64 = 0x4 | 0x10_0000;

/// Tells a listener of events.
pub(super) struct Reporter<'a, L: Listener> {
    listener: &'a L,
    /// The table that was told last in this transaction: a statement names its tables each time.
    database: Vec<u8>,
    table: Vec<u8>,
}

impl<'a, L: Listener> Reporter<'a, L> {
    pub(super) fn new(listener: &'a L) -> Self {
        Self {
            listener,
            database: Vec::new(),
            table: Vec::new(),
        }
    }

    /// Tells of one event.
    pub(super) fn report(&mut self, event: &BinlogEventBody<'_>) {
        match event {
            BinlogEventBody::Table { database, table } => self.table(database, table),
            BinlogEventBody::Statement(statement) => self.statement(statement),
            BinlogEventBody::Packed(events) => self.packed(events),
            BinlogEventBody::Begin | BinlogEventBody::Commit => self.table.clear(),
            BinlogEventBody::Anything(why) => self.anything(why),
            BinlogEventBody::Format | BinlogEventBody::Rotate { .. } | BinlogEventBody::Nothing => {
            }
        }
    }

    fn table(&mut self, database: &[u8], table: &[u8]) {
        if self.table == table && self.database == database {
            return;
        }
        self.database.clear();
        self.database.extend_from_slice(database);
        self.table.clear();
        self.table.extend_from_slice(table);
        match (str::from_utf8(database), str::from_utf8(table)) {
            (Ok(database), Ok(table)) => self.listener.table_changed(database, table),
            _ => self.anything("a name is not in UTF-8"),
        }
    }

    fn statement(&self, statement: &BinlogStatement<'_>) {
        let reads_as_usual = statement
            .sql_mode
            .is_some_and(|mode| mode & OTHER_READING == 0);
        // Names of other character sets would have to be converted.
        let is_readable = statement.sql.is_ascii()
            || (is_utf8(statement.collation) && str::from_utf8(statement.sql).is_ok());
        match str::from_utf8(statement.database) {
            Ok(database) if reads_as_usual && is_readable => {
                self.listener.statement(database, statement.sql);
            }
            _ => self.anything("a statement cannot be read"),
        }
    }

    fn packed(&mut self, events: &PackedEvents<'_>) {
        let Some(bytes) = unpack(events) else {
            return self.anything("a transaction cannot be unpacked");
        };
        for event in unpacked_events(&bytes) {
            match event {
                Ok(event) => match event.body {
                    // It would be within itself.
                    BinlogEventBody::Packed(_) => self.anything("a transaction within another"),
                    body => self.report(&body),
                },
                Err(_) => self.anything("a transaction cannot be read"),
            }
        }
    }

    fn anything(&self, why: &str) {
        debug!(why, "The binary log tells of what cannot be told");
        self.listener.anything_changed();
    }
}

/// True for a collation of UTF-8, be it of three bytes or four: those that MySQL and MariaDB have,
/// those of MySQL 8, and those of MariaDB 10.10.
fn is_utf8(collation: Option<u16>) -> bool {
    matches!(
        collation,
        Some(33 | 45 | 46 | 76 | 83 | 192..=215 | 223..=247 | 255..=323 | 2048..=2559)
    )
}
