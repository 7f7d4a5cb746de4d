//! `COM_STMT_EXECUTE`.

use std::borrow::Cow;
use std::sync::Arc;

use mysql_proto::Summary;
use mysql_sql::{Effect, StatementKind, classify};
use query_cache::Entry;

use super::{Bound, Execution, Session};
use crate::cache::{Bypass, Kept};
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::session::attributes::has_attributes;
use crate::session::cached::Read;
use crate::session::commits::{WriteSet, only_reads};
use crate::session::outcome::Relayed;
use crate::session::outgoing::Outgoing;
use crate::session::questions::{Asked, Source};
use crate::statements::StatementText;

/// What is executed when a client asks for a statement that asks about the one before it.
enum ToExecute {
    /// The statement itself.
    Own,
    /// Another, with literals in the place of calls.
    Other(Arc<StatementText>),
    /// None: the client has this for an answer.
    Nothing(Vec<u8>),
}

/// Where the flags of an execution are, behind its command's byte and the statement's id: before
/// them nothing says what it executes.
const FLAGS: usize = 5;

/// An execution has at least an id, flags, and a number of times.
const SHORTEST: usize = 9;

/// Errors with which an origin refuses the parameters of an execution, or the handle itself: wrong
/// arguments, TiDB's unknown error, unknown handler, malformed packet. What it has taken of the
/// types is not known then.
fn spoils_handle(code: u16) -> bool {
    matches!(code, 1105 | 1210 | 1243 | 1835)
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
        let (id, text) = match self.executable(packet, SHORTEST) {
            Ok(found) => found,
            Err(None) => return self.unknown_statement(packet).await,
            Err(Some(trouble)) => return self.give_up(packet, trouble).await,
        };
        let kept = match self.look_up_execution(packet, id, &text).await {
            Ok(kept) => kept,
            Err(trouble) => return self.give_up(packet, trouble).await,
        };
        if let Some(kept) = kept {
            return self.answer_kept(packet, &kept).await;
        }
        let mut effect = Cow::Borrowed(&text.statement().effect);
        self.statements.carry.clear();
        self.statements.lacks = 0;
        self.statements.asks_for_cursor = asks_for_cursor(self.downstream.argument(packet));
        self.drop_cursor(id);
        let mut other = None;
        if effect.reads_previous || effect.reads_insert_id || !effect.questions.is_empty() {
            match Box::pin(self.ask_prepared(&text, effect.to_mut())).await {
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
        if let Err(trouble) = self.take_lease().await {
            return self.give_up(packet, trouble).await;
        }
        text.executed();
        let execution = Execution {
            id,
            text: other.as_ref().unwrap_or(&text),
            once: other.is_some(),
        };
        let mut outgoing =
            Outgoing::execution(packet, execution).of(text.statement().kind, &effect);
        outgoing.writes = self.writes_of(&text);
        let summary = match self.relay(&outgoing, &effect).await? {
            Relayed::Response(summary) => summary,
            Relayed::Failed(how) => return self.tell_failed(*how).await,
        };
        self.note_executed(&outgoing, &summary);
        self.note(text.statement().kind, &effect, &summary).await?;
        self.settle().await
    }

    /// The result that is kept of an execution, if it may be answered so. `None`: it goes to the
    /// origin; what that answers may be kept.
    async fn look_up_execution(
        &mut self,
        packet: CommandPacket,
        id: u32,
        text: &Arc<StatementText>,
    ) -> Result<Option<Arc<Entry<Kept>>>, Trouble> {
        let keeps = self
            .served
            .cache
            .as_ref()
            .is_some_and(|cache| cache.keeps());
        if !keeps || text.statement().kind != StatementKind::Read {
            return Ok(None);
        }
        let payload = self.downstream.payload(packet);
        let has_attributes = has_attributes(self.downstream.capabilities());
        let flavor = self.served.pool.connector().flavor();
        let prepared = self.statements.get(id);
        let prepared =
            prepared.filter(|it| it.bound.is_none() && text.is_kept() && packet.is_whole);
        let plain = prepared.and_then(|it| it.plain_execution(payload, has_attributes));
        let (Some(prepared), Some(plain)) = (prepared, plain) else {
            self.count_past(text, Bypass::Execution);
            return Ok(None);
        };
        let shape = prepared.shape_for(&plain, flavor);
        let read = Read::Execution(text, shape, plain.get(FLAGS..).unwrap_or_default());
        let mut kept = None;
        if self.may_look_up() {
            kept = self.look_up(&self.key_of(read));
        }
        let plain = plain.clone().into_owned();
        if kept.is_none() {
            let touches = text.touches(self.dialect());
            let Some(planned) = self.plan(read, touches) else {
                return Ok(None);
            };
            kept = Box::pin(self.await_flight(planned)).await?;
        }
        if kept.is_some()
            && let Some(prepared) = self.statements.get_mut(id)
        {
            text.executed();
            prepared.note_plain(&plain, flavor);
        }
        Ok(kept)
    }

    /// What an execution of a statement may change.
    pub(super) fn writes_of<'t>(&self, text: &'t StatementText) -> Option<WriteSet<'t>> {
        self.served.cache.as_ref()?;
        if only_reads(text.statement()) {
            return Some(WriteSet::NOTHING);
        }
        let touches = text.touches(self.dialect())?;
        Some(WriteSet::of(touches, text.under().database_name()))
    }

    /// Executed again, a statement has no cursor any more. On MySQL its handle is of no use without
    /// one, so another takes its place.
    fn drop_cursor(&mut self, id: u32) {
        let is_over = self.statements.get(id).is_some_and(|prepared| {
            let bound = prepared.bound.as_ref();
            prepared.text().is_kept()
                && bound.is_some_and(|bound| bound.handle.had_cursor && !bound.long_data)
        });
        if !is_over || self.statements.asks_for_cursor {
            return;
        }
        self.pins.unbind(id);
        if let (Some(bound), Some(lease)) = (self.statements.unbind(id), &mut self.held) {
            lease.handles.close(bound.handle);
        }
    }

    /// What to execute of a statement that asks about the one before it.
    async fn ask_prepared(
        &mut self,
        text: &Arc<StatementText>,
        effect: &mut Effect,
    ) -> Result<ToExecute, Trouble> {
        let sql = match self.ask(Source::Text(text.sql()), effect).await? {
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
    fn note_executed(&mut self, outgoing: &Outgoing<'_>, summary: &Summary) {
        let Some(execution) = &outgoing.execution else {
            return;
        };
        let id = execution.id;
        let is_bound = self
            .statements
            .get(id)
            .is_some_and(|prepared| prepared.bound.is_some());
        if is_bound && !execution.once {
            return self.unbind(id, |bound| {
                bound.long_data = false;
                bound.cursor = summary.cursor_open;
            });
        }
        let is_spoilt = summary.error.is_some_and(spoils_handle);
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
