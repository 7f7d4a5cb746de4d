//! The straight way: plain reads on a connection that is as they need it.
//!
//! Most of what a pool is for are statements that set nothing, pin nothing and ask about nothing,
//! of a session that holds no connection, while one is idle that is in that session's state
//! already. Nothing has to be brought there, tracked on the way, or taken from there afterwards. So
//! of the way that others go (`relay.rs`, `note.rs`, `settle.rs`) no more is left than this:
//!
//! ```text
//!   lease ── none idle, not ready, or the session is not at ease ──► as any other
//!     │
//!   send ── the connection turns out dead, and nothing left ───────► as any other, elsewhere
//!     │
//!   pass the response on, piece by piece, as any other
//!     │
//!   give back ── it failed, warned, or told anything new ──────────► noted and settled like those
//! ```
//!
//! What is asked here at each step is what the others find nothing to do for. A condition that is
//! left out does not make it faster, but wrong.

use mysql_proto::{StatusFlags, Summary};
use mysql_sql::{Effect, StatementKind};

use super::attributes::has_attributes;
use super::outcome::{Relayed, SendTrouble, unsent};
use super::outgoing::Outgoing;
use super::statements::{Aimed, Execution};
use super::{OF_SESSION, Session};
use crate::downstream::CommandPacket;
use crate::error::SessionEnd;
use crate::origin::OriginConn;

impl Session {
    /// Relays a text that is a plain read.
    pub(super) async fn relay_plain(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        const KIND: StatementKind = StatementKind::Read;
        let Some(relayed) = self.relay_straight(packet, None).await? else {
            let mut effect = Effect::default();
            let outgoing = Outgoing::unchanged(packet).of(KIND, &effect);
            return self.relay_statement(&outgoing, KIND, &mut effect).await;
        };
        let summary = match relayed {
            Relayed::Response(summary) => summary,
            Relayed::Failed(how) => return self.tell_failed(*how).await,
        };
        if self.settle_straight(&summary) {
            return Ok(());
        }
        self.note(KIND, &Effect::default(), &summary).await?;
        self.settle().await
    }

    /// Sends a plain read, a text or an execution, and passes its response on. `None`: nothing of
    /// it left, and it has to be sent as any other.
    pub(super) async fn relay_straight(
        &mut self,
        packet: CommandPacket,
        execution: Option<&Execution<'_>>,
    ) -> Result<Option<Relayed>, SessionEnd> {
        if !self.is_at_ease(packet) || !self.lease_straight() {
            return Ok(None);
        }
        let aimed = match execution {
            Some(execution) => self.aim_straight(packet, execution),
            None => Some(Aimed::default()),
        };
        let Some(aimed) = aimed else {
            return Ok(None);
        };
        self.note_versions();
        let Some(lease) = &mut self.held else {
            return Ok(None);
        };
        lease.begin_command();
        let bytes = aimed.instead.as_deref();
        let bytes = bytes.unwrap_or_else(|| self.downstream.packet(packet));
        if let Err(error) = lease.send(bytes).await {
            if !error.sent {
                self.held = None;
                return Ok(None);
            }
            self.downstream.consume(packet);
            self.filling = None;
            return unsent(SendTrouble::lost(error.source), packet).map(Some);
        }
        self.downstream.consume(packet);
        if let Some(execution) = execution {
            execution.begun();
        }
        self.calling.moves = self.served.pool.connector().programs().moves();
        self.note_unnamed(false);
        self.note_home();
        self.relay_response(packet).await.map(Some)
    }

    /// Gives the lease back behind a response that tells nothing new. False: it has to be noted and
    /// settled as any other.
    pub(super) fn settle_straight(&mut self, summary: &Summary) -> bool {
        self.note_unnamed(false);
        let Some(lease) = &self.held else {
            return false;
        };
        if !self.tells_nothing_new(summary) || !has_nothing_to_take(lease) {
            return false;
        }
        self.previous
            .note_plain(Some(lease.visit()), summary.last_rows());
        self.note_uncommitted(summary);
        self.give_back();
        true
    }

    /// True for a session that has nothing on a connection, nothing under way, and no doubt of what
    /// the next one has to be like.
    fn is_at_ease(&self, packet: CommandPacket) -> bool {
        packet.is_whole
            && self.held.is_none()
            && !self.pins.hold()
            && !self.pins.is_dirty()
            && self.in_flight.is_none()
            && self.defining.is_none()
            && self.logins.are_settled()
            && !self.served.pool.connector().runs_on_reads()
            && !self.may_write_by_reading()
    }

    /// Takes an idle connection that is ready. False: there is none, or it is not, but in hand all
    /// the same.
    fn lease_straight(&mut self) -> bool {
        let pool = &self.served.pool;
        let idle = pool.lease_idle(&self.profile, &self.state, self.previous.visit);
        let Some(lease) = idle else { return false };
        self.hold(lease);
        let Some(lease) = &self.held else {
            return false;
        };
        let is_default_untold = self.state.has_default_mode() && lease.default_escapes().is_none();
        let client_has_attributes = has_attributes(self.downstream.capabilities());
        lease.is_in_state(&self.state)
            && !lease.must_reset()
            && !lease.handles.has_closing()
            && !self.forces_escapes
            && !is_default_untold
            && client_has_attributes == has_attributes(lease.capabilities())
    }

    /// True for the response of a read that went as it should, in the status that the session was
    /// in.
    fn tells_nothing_new(&self, summary: &Summary) -> bool {
        let is_known = |status: StatusFlags| {
            !status.contains(StatusFlags::IN_TRANS)
                && Some(status.intersection(OF_SESSION)) == self.status
        };
        summary.error.is_none()
            && summary.warnings == 0
            && summary.last_insert_id == 0
            && summary.result_sets == 1
            && summary.ends_with_rows
            && !summary.cursor_open
            && summary.status.is_some_and(is_known)
    }
}

/// True for a connection on which there is nothing that the client may still ask about, or that the
/// next session must not find.
fn has_nothing_to_take(lease: &OriginConn) -> bool {
    lease.is_settled() && lease.has_neutral_id() && !lease.has_conditions()
}
