//! After a command: what it did to the session is noted, and the lease is given back, kept, or
//! closed.

use std::collections::BTreeSet;

use mysql_proto::{Command, StatusFlags, Summary, write_command};
use mysql_sql::{Effect, StatementKind};
use tracing::{debug, warn};

use super::{OF_SESSION, Previous, Session};
use crate::error::{OriginLoss, SessionEnd, Trouble};
use crate::refusal;

/// Errors with which a server closes the connection, or may: shutdown, killed, packets out of
/// order or too large, network trouble.
/// <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>
fn closes_connection(code: u16) -> bool {
    matches!(
        code,
        1043 | 1047 | 1053 | 1077..=1080 | 1152..=1161 | 1184 | 1927 | 3169 | 4031
    )
}

impl Session {
    /// Notes what a response tells of the session.
    pub(super) fn note(
        &mut self,
        command: Command,
        kind: StatementKind,
        effect: Effect,
        summary: &Summary,
    ) {
        let Some(lease) = &mut self.held else { return };
        self.previous = Previous::On(lease.visit());
        let failed = summary.error.is_some();
        // A write that fails half way, or returns rows, has no OK packet to tell an id.
        let may_hide_id = kind == StatementKind::Write && (failed || summary.result_sets > 0);
        if summary.last_insert_id != 0 || effect.sets_insert_id || may_hide_id {
            lease.note_insert_id(summary.last_insert_id);
        }
        if summary.error.is_some_and(closes_connection) {
            lease.begin_command();
        }
        if let Some(status) = summary.status {
            self.status = Some(status.intersection(OF_SESSION));
            let in_transaction = status.contains(StatusFlags::IN_TRANS);
            if in_transaction && !self.pins.transaction {
                self.served.metrics.transactions.inc();
            }
            // After an error within a transaction nobody says whether it is still open.
            self.pins.transaction = in_transaction || (failed && self.pins.transaction);
        } else if failed
            && !self
                .status
                .unwrap_or_default()
                .contains(StatusFlags::AUTOCOMMIT)
        {
            // An error tells no status, and without autocommit any statement begins a transaction.
            self.pins.transaction = true;
        }
        if let Some(id) = summary.statement_id
            && command == Command::STMT_PREPARE
            && self.pins.prepared(id)
        {
            self.served.metrics.pin("prepared_statements");
        }
        // To ask for the last insert id would wipe the warnings out.
        let warns_amid_news = summary.warnings > 0 && summary.last_insert_id != 0;
        self.pins.next_statement = effect.keep_for_next
            || warns_amid_news
            || (effect.reads_previous && self.pins.next_statement);
        self.note_effect(effect, failed);
    }

    fn note_effect(&mut self, effect: Effect, failed: bool) {
        if let Some(database) = effect.use_database
            && !failed
        {
            self.set_database(database);
        }
        if let Some(reason) = effect.pin
            && self.pins.pin_statement(reason)
        {
            self.served.metrics.pin(reason.name());
            debug!(reason = reason.name(), "Pinned a session");
        }
    }

    /// The question about the last statement did not come.
    pub(super) async fn stop_waiting_for_question(&mut self) {
        self.pins.next_statement = false;
        self.previous = Previous::Gone;
        self.release().await;
    }

    /// Gives the lease back unless something pins it.
    pub(super) async fn settle(&mut self) -> Result<(), SessionEnd> {
        let settled = self.held.as_ref().is_none_or(|lease| lease.is_settled());
        if self.pins.hold() {
            // Its next answer may be the one to another question.
            return if settled {
                Ok(())
            } else {
                Err(SessionEnd::StateLost)
            };
        }
        if settled {
            self.release().await;
        } else {
            self.held = None;
        }
        Ok(())
    }

    /// Gives the lease back, with the last insert id taken from it.
    async fn release(&mut self) {
        if !self.take_insert_id().await {
            self.held = None;
        }
        if let Some(lease) = self.held.take() {
            lease.give_back();
        }
    }

    /// Takes the last insert id from the connection if it is news, so that a statement on another
    /// connection can be given it. What an OK packet carries is another thing: an explicit value of
    /// an `AUTO_INCREMENT` column shows there too. False: the connection is of no use any more.
    async fn take_insert_id(&mut self) -> bool {
        let Some(lease) = &mut self.held else {
            return false;
        };
        let before = lease.insert_id();
        if !before.is_news {
            return true;
        }
        self.previous = Previous::Gone;
        match lease.ask_insert_id().await {
            Ok(Some(value)) => {
                if value != before.known || before.told_known {
                    self.insert_id = value;
                }
                true
            }
            Ok(None) => {
                warn!("Origin gave no number for LAST_INSERT_ID()");
                false
            }
            Err(error) => {
                debug!(%error, "Lost an origin connection between two statements");
                false
            }
        }
    }

    /// Parts with the lease in hand at the end of the session (or at its reset): prepared
    /// statements are closed; a connection with any other state, with an open transaction, or amid
    /// a command is closed itself, which rolls back.
    pub(super) async fn leave_lease(&mut self) {
        let statements = self.pins.take_statements();
        let is_settled = self.held.as_ref().is_none_or(|lease| lease.is_settled());
        let is_clean = self.pins.state().is_none() && !self.pins.transaction && is_settled;
        self.pins = super::pins::Pins::default();
        if !is_clean {
            self.held = None;
            return;
        }
        if !statements.is_empty() && !self.close_statements(statements).await {
            self.held = None;
        }
        self.release().await;
    }

    /// Closes statements at the origin. There is no response to wait for.
    async fn close_statements(&mut self, statements: BTreeSet<u32>) -> bool {
        let Some(lease) = &mut self.held else {
            return false;
        };
        let mut packets = Vec::new();
        for id in statements {
            write_command(&mut packets, Command::STMT_CLOSE, &id.to_le_bytes());
        }
        lease.send(&packets).await.is_ok()
    }

    /// Tells the client of trouble with its command; the session goes on.
    pub(super) async fn tell(&mut self, trouble: Trouble) -> Result<(), SessionEnd> {
        self.tell_within(trouble, None).await
    }

    pub(super) async fn tell_within(
        &mut self,
        trouble: Trouble,
        next_packet: Option<u8>,
    ) -> Result<(), SessionEnd> {
        let error = refusal::of_trouble(&trouble, &self.served.hyperdrive);
        debug!(
            code = error.code,
            message = error.message,
            "Refused a command"
        );
        self.shared.metrics.error(error.code);
        let state_lost = self.held.is_none() && self.pins.hold();
        self.downstream.send_error(next_packet, &error).await?;
        if state_lost {
            return Err(SessionEnd::StateLost);
        }
        Ok(())
    }

    /// The origin is gone with a command on it. Whatever was pinned there is gone too, and a client
    /// that went on would run the rest of its transaction outside of it: so the session ends, as
    /// with a direct connection.
    pub(super) async fn origin_lost(
        &mut self,
        loss: OriginLoss,
        next_packet: Option<u8>,
    ) -> Result<(), SessionEnd> {
        self.served.metrics.origin_losses.inc();
        self.held = None;
        if next_packet.is_none() {
            warn!(%loss, "Lost an origin connection amid a packet");
            return Err(SessionEnd::StateLost);
        }
        self.tell_within(Trouble::OriginLost(loss), next_packet)
            .await
    }
}
