//! Why a session keeps its lease between two commands.

use std::collections::BTreeSet;

use mysql_sql::PinReason;

/// Most prepared statements of a session. MySQL allows a server 16,382 by default
/// (`max_prepared_stmt_count`); what is over it here is only not remembered for closing.
const MAX_STATEMENTS: usize = 16_382;

/// Why a session keeps its lease between two commands. Empty: it is given back.
#[derive(Debug, Default)]
pub(super) struct Pins {
    /// A transaction is open, by the origin's own word.
    pub(super) transaction: bool,
    /// The next statement will ask about the last one.
    pub(super) next_statement: bool,
    /// The connection carries state until the session ends: it is closed then, never lent again.
    state: Option<&'static str>,
    /// Ids of open prepared statements; they are closed when the session ends.
    statements: BTreeSet<u32>,
}

impl Pins {
    /// True while the lease has to be kept: to lose its connection is to lose what the client
    /// relies on.
    pub(super) fn hold(&self) -> bool {
        self.transaction
            || self.next_statement
            || self.state.is_some()
            || !self.statements.is_empty()
    }

    /// True when nothing but a question about the last statement is waited for.
    pub(super) fn only_for_next_statement(&self) -> bool {
        self.next_statement
            && !self.transaction
            && self.state.is_none()
            && self.statements.is_empty()
    }

    /// The connection carries state from now on. True: it did not before.
    pub(super) fn pin_state(&mut self, reason: &'static str) -> bool {
        let is_new = self.state.is_none();
        self.state.get_or_insert(reason);
        is_new
    }

    /// As [`Pins::pin_state`], for what a statement's text betrays.
    pub(super) fn pin_statement(&mut self, reason: PinReason) -> bool {
        self.pin_state(reason.name())
    }

    /// Why the connection cannot be lent again, if so.
    pub(super) fn state(&self) -> Option<&'static str> {
        self.state
    }

    /// A statement was prepared. True: the first one that is open.
    pub(super) fn prepared(&mut self, id: u32) -> bool {
        let is_first = self.statements.is_empty();
        if self.statements.len() < MAX_STATEMENTS {
            self.statements.insert(id);
        } else {
            self.pin_state("prepared_statements");
        }
        is_first
    }

    /// A statement was closed.
    pub(super) fn closed(&mut self, id: u32) {
        self.statements.remove(&id);
    }

    /// Takes the ids of all open statements out.
    pub(super) fn take_statements(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.statements)
    }

    /// True when this session prepared the statement and has not closed it.
    pub(super) fn has_statement(&self, id: u32) -> bool {
        self.statements.contains(&id) || self.state == Some("prepared_statements")
    }
}
