//! What a write touches.

use crate::table::Table;

/// What a write touches, or all writes of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// It writes nothing.
    #[default]
    Nothing,
    /// It writes to these tables and no other.
    Tables(Vec<Table>),
    /// It may write to any table.
    Everything,
}

impl Writes {
    /// Whether it writes nothing.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Tables(tables) => tables.is_empty(),
            Self::Everything => false,
        }
    }

    /// Adds what another write touches.
    pub fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Everything, _) | (_, Self::Nothing) => {}
            (Self::Tables(tables), Self::Tables(others)) => {
                for table in others {
                    if !tables.contains(&table) {
                        tables.push(table);
                    }
                }
            }
            (_, other) => *self = other,
        }
    }
}
