//! `COM_STMT_EXECUTE`.

use std::borrow::Cow;
use std::sync::Arc;

use mysql_proto::Summary;
use mysql_sql::{Assignment, Effect, PinReason, classify};

use super::{Bound, Execution, Session};
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::session::outcome::Relayed;
use crate::session::outgoing::Outgoing;
use crate::session::questions::{Asked, Source};
use crate::session::warnings::may_be_of_parameters;
use crate::statements::{Prepared, StatementText};

/// What is executed when a client asks for a statement that asks about the one before it.
enum ToExecute {
    /// The statement itself.
    Own,
    /// Another, with literals in the place of calls.
    Other(Arc<StatementText>),
    /// None: the client has this for an answer.
    Nothing(Vec<u8>),
}

/// An execution has at least an id, flags, and a number of times.
pub(super) const SHORTEST_EXECUTION: usize = 9;

/// A literal takes the place of what it asks, in another text than the one that has the long data.
const ASKS_WITH_PIECES: Trouble = Trouble::NotSupported(
    "long data for a statement that asks for its connection, or about the one before it",
);

/// Errors with which an origin refuses the parameters of an execution, or the handle itself: those
/// of MySQL and others for parameters, TiDB's unknown error, unknown handler. What it has taken of
/// the types is not known then.
fn spoils_handle(code: u16) -> bool {
    matches!(code, 1105 | 1243) || may_be_of_parameters(code)
}

/// True if an execution asks for a cursor, of any kind.
fn asks_for_cursor(argument: &[u8]) -> bool {
    /// Behind the statement's id.
    const FLAGS: usize = 4;
    const CURSORS: u8 = 0b111;
    argument
        .get(FLAGS)
        .is_some_and(|flags| flags & CURSORS != 0)
}

impl Session {
    /// `COM_STMT_EXECUTE`.
    pub(super) async fn execute(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = match self.executable(packet, SHORTEST_EXECUTION) {
            Ok(id) => id,
            Err(None) => return self.unknown_statement(packet).await,
            Err(Some(trouble)) => return self.give_up(packet, trouble).await,
        };
        match self.take_part_in_execution(packet, id).await {
            Ok(Some(kept)) => return self.answer_kept(packet, &kept).await,
            Ok(None) => {}
            Err(trouble) => return self.give_up(packet, trouble).await,
        }
        self.served.metrics.commands.inc();
        let Some(text) = self.statements.text(id) else {
            return self.unknown_statement(packet).await;
        };
        self.statements.carry.clear();
        self.statements.lacks = 0;
        self.statements.asks_for_cursor = asks_for_cursor(self.downstream.argument(packet));
        if text.is_plain() {
            let execution = Execution::own(id, &text);
            match self.relay_straight(packet, Some(&execution)).await? {
                Some(Relayed::Response(summary)) if self.settle_straight(&summary) => {
                    return Ok(());
                }
                Some(relayed) => {
                    let effect = &text.statement().effect;
                    return self.end_execution(&execution, effect, relayed).await;
                }
                None => {}
            }
        }
        self.run(packet, id, &text).await
    }

    /// Relays an execution for which nothing is kept, and that does not go straight.
    async fn run(
        &mut self,
        packet: CommandPacket,
        id: u32,
        text: &Arc<StatementText>,
    ) -> Result<(), SessionEnd> {
        let mut effect = match self.effect_on_lock(packet, id, text) {
            Some(effect) => Cow::Owned(effect),
            None => Cow::Borrowed(&text.statement().effect),
        };
        if !effect.routines.named().is_empty() {
            self.look_at_routines(effect.to_mut(), text.under().database_name());
        }
        self.drop_cursor(id);
        let mut other = None;
        if effect.reads_previous || effect.reads_insert_id || !effect.questions.is_empty() {
            match Box::pin(self.ask_prepared(id, text, effect.to_mut())).await {
                Ok(ToExecute::Own) => {}
                Ok(ToExecute::Other(text)) => other = Some(text),
                Ok(ToExecute::Nothing(answer)) => {
                    return Box::pin(self.answer_bytes(packet, &answer)).await;
                }
                Err(trouble) => return self.give_up(packet, trouble).await,
            }
        }
        if !effect.user_variables.is_empty() {
            self.expect_user_variables(effect.to_mut());
        }
        if effect.pin.is_none() && self.sets_foreign_strings(text) {
            effect.to_mut().pin = Some(PinReason::UserVariable);
        }
        let execution = Execution {
            id,
            text: other.as_ref().unwrap_or(text),
            once: other.is_some(),
        };
        let mut outgoing =
            Outgoing::execution(packet, execution).of(text.statement().kind, &effect);
        self.note_alone(&outgoing);
        if let Err(trouble) = self.take_lease().await {
            return self.give_up(packet, trouble).await;
        }
        text.executed();
        outgoing.writes = self.writes_of(text);
        let relayed = self.relay(&outgoing, &effect).await?;
        self.end_execution(&execution, &effect, relayed).await
    }

    /// Notes what an execution has left, and settles that.
    async fn end_execution(
        &mut self,
        execution: &Execution<'_>,
        effect: &Effect,
        relayed: Relayed,
    ) -> Result<(), SessionEnd> {
        let summary = match relayed {
            Relayed::Response(summary) => summary,
            Relayed::Failed(how) => return self.tell_failed(*how).await,
        };
        self.note_executed(execution, &summary);
        let older = self.take_older(&summary);
        let kind = execution.text.statement().kind;
        self.note(kind, effect, &summary).await?;
        if let Some(older) = older {
            Box::pin(self.add_to(older)).await;
        }
        self.settle().await
    }

    /// True for a statement that sets user variables to strings of the character set in which it
    /// was prepared, where the session's is another now.
    fn sets_foreign_strings(&self, text: &StatementText) -> bool {
        let is_string = |set: &Assignment| match set {
            Assignment::UserVariable { value, .. } => value.starts_with('\''),
            _ => false,
        };
        let mut sets = text.statement().effect.sets.iter();
        sets.any(is_string) && !self.state.reads_strings_as(text.under())
    }

    /// Executed again, a statement has no cursor any more. On MySQL its handle is of no use without
    /// one, so another takes its place.
    fn drop_cursor(&mut self, id: u32) {
        let bound = self.statements.get(id).and_then(|one| one.bound.as_ref());
        if bound.is_some_and(|bound| bound.fetched.is_some()) {
            return self.unbind(id, |bound| bound.cursor = false);
        }
        let Some(prepared) = self.statements.get(id) else {
            return;
        };
        // It has the answers of its time in its text.
        let is_of_its_time = prepared.is_bound_to_other();
        let had_cursor = |bound: &Bound| bound.handle.had_cursor && !bound.long_data;
        let is_over = prepared.text().is_kept()
            && prepared.bound.as_ref().is_some_and(had_cursor)
            && !self.statements.asks_for_cursor;
        if is_of_its_time || is_over {
            self.close_bound(id);
        }
    }

    /// What to execute of a statement that asks about the one before it. Pieces of parameters wait
    /// for its own handle: they are dropped where that cannot be had, as they would come with a
    /// later execution otherwise.
    async fn ask_prepared(
        &mut self,
        id: u32,
        text: &Arc<StatementText>,
        effect: &mut Effect,
    ) -> Result<ToExecute, Trouble> {
        let has_pieces = self.statements.get(id).is_some_and(Prepared::has_pieces);
        let source = if has_pieces {
            Source::TextWithPieces(text.sql())
        } else {
            Source::Text(text.sql())
        };
        let asked = self.ask(source, effect).await;
        if has_pieces && !matches!(asked, Ok(Asked::Send(None))) {
            self.close_bound(id);
            return Err(asked.err().unwrap_or(ASKS_WITH_PIECES));
        }
        let sql = match asked? {
            Asked::Send(None) => return Ok(ToExecute::Own),
            Asked::Send(Some(sql)) => sql,
            Asked::Answered(answer) => return Ok(ToExecute::Nothing(answer)),
        };
        if !text.is_kept() {
            return Err(Trouble::PreviousGone);
        }
        let statement = classify(&sql, self.dialect());
        let other =
            self.served
                .texts
                .intern(&sql, text.under(), self.dialect().escapes, &statement);
        other.map(ToExecute::Other).ok_or(Trouble::PreviousGone)
    }

    /// Notes what an execution has done to its handle.
    fn note_executed(&mut self, execution: &Execution<'_>, summary: &Summary) {
        let id = execution.id;
        let is_bound = self
            .statements
            .get(id)
            .is_some_and(|prepared| prepared.bound.is_some());
        // TiDB takes the time of the next transaction (`AS OF TIMESTAMP`) for that of a handle
        // which is prepared ahead of it.
        let may_have_time =
            self.pins.next_transaction || self.pins.has(PinReason::NotUnderstood.name());
        let is_of_other_time = may_have_time && self.served.pool.connector().flavor().is_tidb();
        let is_spoilt = is_of_other_time || summary.error.is_some_and(spoils_handle);
        if is_bound && !execution.once {
            let is_kept = |one: &Prepared| one.text().is_kept();
            if is_spoilt && self.statements.get(id).is_some_and(is_kept) {
                return self.close_bound(id);
            }
            return self.unbind(id, |bound| {
                bound.long_data = false;
                bound.cursor = summary.cursor_open;
            });
        }
        if !(summary.cursor_open || is_spoilt || execution.once) {
            return;
        }
        let Some(lease) = &mut self.held else { return };
        let Some(handle) = lease.handles.take(self.statements.last_used) else {
            return;
        };
        if summary.cursor_open {
            self.statements.bind(id, Bound::new(handle));
            self.unbind(id, |bound| bound.cursor = true);
        } else {
            lease.handles.close(handle);
        }
    }
}
