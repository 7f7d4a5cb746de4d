//! A command on its way to the origin, and what becomes of it where that is not straight.

use mysql_sql::{Effect, StatementKind};

use super::commits::WriteSet;
use super::statements::Execution;
use crate::downstream::CommandPacket;

/// A command on its way to the origin.
pub(super) struct Outgoing<'a> {
    /// What the client sent.
    pub(super) packet: CommandPacket,
    /// The statement that goes out in the place of the client's.
    pub(super) sql: Option<Vec<u8>>,
    /// The packet is an execution of a prepared statement, whose id it gets on the way.
    pub(super) execution: Option<Execution<'a>>,
    /// What it asks was answered, or left to the connection in hand, by what is known of that: it
    /// must not go to another.
    pub(super) stays: bool,
    /// It is a write, which goes on when its client vanishes, unless that would have to commit it.
    pub(super) finishes: bool,
    /// The whole packet that goes out in the place of the client's.
    pub(super) packet_instead: Option<Vec<u8>>,
    /// What it may change. `None`: nobody has looked.
    pub(super) writes: Option<WriteSet<'a>>,
}

impl<'a> Outgoing<'a> {
    /// As the client sent it.
    pub(super) fn unchanged(packet: CommandPacket) -> Self {
        Self {
            packet,
            sql: None,
            execution: None,
            stays: false,
            finishes: false,
            packet_instead: None,
            writes: None,
        }
    }

    /// As an execution of a prepared statement.
    pub(super) fn execution(packet: CommandPacket, execution: Execution<'a>) -> Self {
        Self {
            execution: Some(execution),
            ..Self::unchanged(packet)
        }
    }

    /// It is a statement of this kind and effect.
    pub(super) fn of(self, kind: StatementKind, effect: &Effect) -> Self {
        let calls = effect.calls_procedure();
        let writes = matches!(kind, StatementKind::Write | StatementKind::Define);
        Self {
            stays: effect.reads_previous,
            // A server runs it to its end for nobody: not reads, nor what only pins.
            finishes: calls || writes,
            ..self
        }
    }
}
