//! The prepared statements of a session.

use std::collections::HashMap;

use mysql_proto::ErrPacket;
use rusqlite::types::Value;

use super::MAX_PACKET;
use super::parameters::{self, ParameterType};
use super::wire::{malformed, take};
use crate::dialect::Statement;

/// Statements that a session may hold. Drivers keep some hundreds at most.
const MAX_STATEMENTS: usize = 1024;

/// One prepared statement. SQLite's own form of it is in the connection's cache, found by its text.
#[derive(Debug)]
pub(super) struct PreparedStatement {
    pub(super) statement: Statement,
    pub(super) parameters: usize,
    types: Vec<ParameterType>,
    /// Parameters that were sent ahead, by their number.
    long_data: HashMap<u16, Vec<u8>>,
    /// More was sent ahead than may be: the next execution says so.
    too_long: bool,
}

/// All of them, by id.
#[derive(Debug, Default)]
pub(super) struct PreparedStatements {
    by_id: HashMap<u32, PreparedStatement>,
    last_id: u32,
}

impl PreparedStatements {
    /// Adds a statement and returns its id.
    pub(super) fn add(
        &mut self,
        statement: Statement,
        parameters: usize,
    ) -> Result<u32, ErrPacket> {
        if self.by_id.len() >= MAX_STATEMENTS {
            return Err(ErrPacket::new(
                1461,
                *b"42000",
                format!("Can't hold more than {MAX_STATEMENTS} prepared statements: close some"),
            ));
        }
        self.last_id = self.last_id.wrapping_add(1);
        self.by_id.insert(
            self.last_id,
            PreparedStatement {
                statement,
                parameters,
                types: Vec::new(),
                long_data: HashMap::new(),
                too_long: false,
            },
        );
        Ok(self.last_id)
    }

    /// Reads an execution: the statement and its parameters. `bytes` is what follows the command.
    pub(super) fn execution(
        &mut self,
        mut bytes: &[u8],
    ) -> Result<(Statement, Vec<Value>), ErrPacket> {
        let prepared = self.of(&mut bytes)?;
        // Flags ask for a cursor, which a server need not open; the iteration count is always 1.
        take::<5>(&mut bytes)?;
        let long_data = std::mem::take(&mut prepared.long_data);
        if std::mem::take(&mut prepared.too_long) {
            return Err(ErrPacket::new(
                1153,
                *b"08S01",
                "Got a parameter bigger than 'max_allowed_packet' bytes",
            ));
        }
        let types = &mut prepared.types;
        let values = parameters::read(bytes, prepared.parameters, types, &long_data)?;
        Ok((prepared.statement.clone(), values))
    }

    /// Takes a piece of a parameter. There is no response, so that errors wait for the execution.
    pub(super) fn long_data(&mut self, mut bytes: &[u8]) {
        let Ok(prepared) = self.of(&mut bytes) else {
            return;
        };
        let Ok(number) = take(&mut bytes).map(u16::from_le_bytes) else {
            return;
        };
        let held: usize = prepared.long_data.values().map(Vec::len).sum();
        if held + bytes.len() > MAX_PACKET || usize::from(number) >= prepared.parameters {
            prepared.too_long = true;
            return;
        }
        let data = prepared.long_data.entry(number).or_default();
        data.extend_from_slice(bytes);
    }

    /// Drops what was sent ahead.
    pub(super) fn reset(&mut self, mut bytes: &[u8]) -> Result<(), ErrPacket> {
        let prepared = self.of(&mut bytes)?;
        prepared.long_data.clear();
        prepared.too_long = false;
        Ok(())
    }

    /// Forgets a statement. There is no response.
    pub(super) fn close(&mut self, mut bytes: &[u8]) {
        if let Ok(id) = take(&mut bytes).map(u32::from_le_bytes) {
            self.by_id.remove(&id);
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.by_id.clear();
    }

    /// The statement that the id at the front of `bytes` names.
    fn of(&mut self, bytes: &mut &[u8]) -> Result<&mut PreparedStatement, ErrPacket> {
        let id = u32::from_le_bytes(take(bytes).map_err(|_| malformed())?);
        self.by_id.get_mut(&id).ok_or_else(|| {
            let message = format!("Unknown prepared statement handler ({id}) given to the server");
            ErrPacket::new(1243, *b"HY000", message)
        })
    }
}
