//! `COM_STMT_PREPARE`: always asks the origin, so that the client has fresh metadata and the
//! origin's own errors.

use std::sync::Arc;

use mysql_proto::{
    Command, HEADER_LEN, ResponseState, ResponseTracker, Summary, patch_statement_id,
};
use mysql_sql::{Conditions, Effect, PinReason, Statement, StatementKind};

use super::room::{Rooms, TOO_MANY};
use super::{Bound, Prepared, Session};
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::session::outcome::{Relayed, SendTrouble, unanswered, unsent};
use crate::session::outgoing::Outgoing;
use crate::state::{Doubt, SessionState};
use crate::statements::{Handle, StatementText};

/// Bytes of the response that hold the statement's id: a header, the OK's first byte, the id.
const ID_END: usize = HEADER_LEN + 5;

/// It would be prepared in its database, from where nothing leads back.
const COMES_FROM_ELSEWHERE: Trouble = Trouble::NotSupported(
    "a statement that was prepared in another database, in one whose name is not UTF-8",
);

impl Session {
    /// `COM_STMT_PREPARE`.
    pub(super) async fn prepare(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        self.statements.last_prepared = None;
        if let Err(trouble) = self.learn_status().await {
            return self.give_up(packet, trouble).await;
        }
        if self.statements.is_full() {
            return self.give_up(packet, Trouble::TooManyStatements).await;
        }
        let sql = self.downstream.argument(packet);
        let statement = self.classify(sql, packet.is_whole);
        if statement.effect.tidegate.is_some() || statement.effect.kill.is_some() {
            return self.give_up(packet, Trouble::NotPreparable).await;
        }
        // It runs nothing, but servers settle the types of variables that it reads.
        let mut effect = Effect {
            user_variables: statement.effect.user_variables.clone(),
            conditions: self.conditions_over(&statement),
            ..Effect::default()
        };
        self.expect_user_variables(&mut effect);
        if let Err(trouble) = self.take_lease().await {
            return self.give_up(packet, trouble).await;
        }
        let kind = statement.kind;
        let text = self.text(packet, statement);
        let summary = match self.relay_preparation(packet, &text, &effect).await? {
            Relayed::Response(summary) => summary,
            Relayed::Failed(how) => return self.tell_failed(*how).await,
        };
        let row_count = self.previous.row_count;
        // One that is refused counts as run.
        let kind = summary.error.map_or(StatementKind::Other, |_| kind);
        self.note(kind, &effect, &summary).await?;
        if summary.error.is_none() {
            self.previous.keep_row_count(row_count);
        } else if !self.served.pool.connector().flavor().is_tidb() {
            self.statements.skip_id();
        }
        self.settle().await
    }

    /// What becomes of conditions when a statement is prepared: TiDB keeps them over that, and
    /// MariaDB over what uses no table, or shows them.
    fn conditions_over(&self, statement: &Statement) -> Conditions {
        let is_tidb = self.served.pool.connector().flavor().is_tidb();
        if is_tidb || statement.effect.diagnostics.is_some() {
            Conditions::Kept
        } else {
            statement.effect.conditions
        }
    }

    /// The text of a statement that is about to be prepared.
    fn text(&self, packet: CommandPacket, statement: Statement) -> Arc<StatementText> {
        let texts = &self.served.texts;
        let sql = self.downstream.argument(packet);
        // What one session's character set hides, another may understand.
        let is_understood =
            sql.is_ascii() || statement.effect.pin != Some(PinReason::NotUnderstood);
        let may_keep = packet.is_whole
            && is_understood
            && !self.state.is_in_unknown_database()
            && self.statements.may_keep(sql.len());
        let kept =
            may_keep.then(|| texts.intern(sql, &self.state, self.dialect().escapes, &statement));
        kept.flatten()
            .unwrap_or_else(|| texts.unkept(&self.state, statement))
    }

    async fn relay_preparation(
        &mut self,
        packet: CommandPacket,
        text: &Arc<StatementText>,
        effect: &Effect,
    ) -> Result<Relayed, SessionEnd> {
        let outgoing = Outgoing::unchanged(packet);
        match self.send_command(&outgoing, effect).await {
            Ok(_) => {}
            Err(trouble) => return unsent(trouble, packet),
        }
        let (head, tracker, state) = match self.answer_to_preparation(text).await {
            Ok(begun) => begun,
            Err((SendTrouble::Client(end), tracker)) => {
                self.response = Some(tracker);
                return Err(end);
            }
            Err((trouble, tracker)) => return unanswered(trouble, &tracker, false),
        };
        let id = match self.relay_id(head, tracker.summary(), text).await {
            Ok(id) => id,
            Err(end) => {
                self.response = Some(tracker);
                return Err(end);
            }
        };
        let relayed = match state {
            ResponseState::Done => Relayed::Response(*tracker.summary()),
            _ => self.relay_rest(tracker).await?,
        };
        let is_prepared = matches!(&relayed, Relayed::Response(summary) if summary.error.is_none());
        if let Some(id) = id.filter(|_| !is_prepared) {
            self.statements.close(id);
        }
        Ok(relayed)
    }

    /// Reads the beginning of the response. While the origin has too many statements, room is made
    /// and it is asked again.
    async fn answer_to_preparation(
        &mut self,
        text: &Arc<StatementText>,
    ) -> Result<(Vec<u8>, ResponseTracker, ResponseState), (SendTrouble, ResponseTracker)> {
        let mut rooms = Rooms::default();
        loop {
            let capabilities = self.held.as_ref().map(|lease| lease.capabilities());
            let capabilities = capabilities.unwrap_or_default();
            let mut tracker = ResponseTracker::new(Command::STMT_PREPARE, capabilities);
            let (head, state) = match self.read_head(&mut tracker).await {
                Ok(begun) => begun,
                Err(trouble) => return Err((trouble, tracker)),
            };
            let lacks_room = tracker.summary().error == Some(TOO_MANY) && text.is_kept();
            if !lacks_room || !self.make_room(&mut rooms).await {
                return Ok((head, tracker, state));
            }
            let Some(lease) = &mut self.held else {
                return Err((SendTrouble::Client(SessionEnd::StateLost), tracker));
            };
            if let Err(loss) = lease.send_preparation(text.sql()).await {
                let tracker = ResponseTracker::new(Command::STMT_PREPARE, capabilities);
                return Err((SendTrouble::Origin(loss), tracker));
            }
        }
    }

    /// Reads the response as far as the statement's id.
    async fn read_head(
        &mut self,
        tracker: &mut ResponseTracker,
    ) -> Result<(Vec<u8>, ResponseState), SendTrouble> {
        let mut head = Vec::new();
        loop {
            let Some(lease) = &mut self.held else {
                return Err(SendTrouble::Client(SessionEnd::StateLost));
            };
            let bytes = tokio::select! {
                biased;
                bytes = lease.receive() => bytes.map_err(SendTrouble::lost)?,
                end = self.downstream.ended() => return Err(SendTrouble::Client(end)),
            };
            let fed = tracker.feed(bytes).map_err(SendTrouble::lost)?;
            head.extend_from_slice(bytes.get(..fed.consumed).unwrap_or_default());
            let is_all = fed.consumed == bytes.len();
            if fed.state == ResponseState::Done {
                if is_all {
                    lease.end_command();
                }
                return Ok((head, fed.state));
            }
            // The tracker has read the whole first packet by the time that it knows the id.
            if tracker.summary().statement_id.is_some() && head.len() >= ID_END {
                return Ok((head, fed.state));
            }
        }
    }

    /// Relays the beginning of the response, with our id in the place of the origin's. Gives ours.
    async fn relay_id(
        &mut self,
        mut head: Vec<u8>,
        summary: &Summary,
        text: &Arc<StatementText>,
    ) -> Result<Option<u32>, SessionEnd> {
        let id = self.note_prepared(summary, text);
        if let (Some(id), Some(payload)) = (id, head.get_mut(HEADER_LEN..)) {
            patch_statement_id(payload, id);
        }
        self.downstream.send(&head).await?;
        Ok(id)
    }

    /// The origin has prepared a statement, or refused to. Gives our id of it.
    fn note_prepared(&mut self, summary: &Summary, text: &Arc<StatementText>) -> Option<u32> {
        let lease = self.held.as_mut()?;
        let Some(origin_id) = summary.statement_id else {
            lease.handles.forget_id();
            return None;
        };
        lease.handles.note_id(origin_id);
        let handle = Handle::new(origin_id, Arc::clone(text));
        let prepared = Prepared::new(Arc::clone(text), summary.statement_params);
        if text.is_kept() {
            lease.handles.put(handle);
            return Some(self.statements.open(prepared));
        }
        let id = self.statements.open(prepared);
        self.statements.bind(id, Bound::new(handle));
        self.unbind(id, |_| {});
        Some(id)
    }

    /// Prepares a statement on the lease in hand, which must be amid no command. The lease is led
    /// to the state that the client prepared it in, and then to the session's.
    pub(super) async fn prepare_now(
        &mut self,
        text: &Arc<StatementText>,
    ) -> Result<Handle, Trouble> {
        if !self.are_names_sure {
            Box::pin(self.learn_database()).await;
        }
        let now = Arc::clone(&self.state);
        let is_same = now
            .for_prepare(&text.statement().effect)
            .is_same(text.under());
        let under = if is_same {
            Arc::clone(&now)
        } else if now.is_in_unknown_database() {
            return Err(COMES_FROM_ELSEWHERE);
        } else {
            Arc::new(now.as_under(text.under(), self.doubt()))
        };
        self.lead_to(&under).await?;
        let mut rooms = Rooms::default();
        let prepared = loop {
            let prepared = self.ask_to_prepare(text).await;
            let lacks_room =
                matches!(&prepared, Err(Trouble::Refused(error)) if error.code == TOO_MANY);
            if !lacks_room || !self.make_room(&mut rooms).await {
                break prepared;
            }
        };
        if !is_same && prepared.is_ok() {
            self.lead_to(&now).await?;
        }
        prepared
    }

    /// What is in doubt of the session's state, by what pins it. (A variable that is not carried
    /// pins as well, but is none that a statement is prepared by.)
    fn doubt(&self) -> Doubt {
        const PROGRAMS: [PinReason; 4] = [
            PinReason::NotUnderstood,
            PinReason::TextPrepare,
            PinReason::Procedure,
            PinReason::StoredFunction,
        ];
        let pins_for = |reason: PinReason| self.pins.has(reason.name());
        if PROGRAMS.into_iter().any(pins_for) {
            Doubt::Variables
        } else if pins_for(PinReason::UserVariable) || pins_for(PinReason::Diagnostics) {
            Doubt::UserVariables
        } else {
            Doubt::Nothing
        }
    }

    async fn ask_to_prepare(&mut self, text: &Arc<StatementText>) -> Result<Handle, Trouble> {
        let Some(lease) = &mut self.held else {
            return Err(Trouble::Client(SessionEnd::StateLost));
        };
        let answered = match lease.send_preparation(text.sql()).await {
            Ok(()) => lease.read_over(Command::STMT_PREPARE).await,
            Err(loss) => Err(loss),
        };
        match answered {
            Ok(Ok(summary)) if !lease.has_unread() => {
                lease.end_command();
                let id = summary.statement_id.unwrap_or_default();
                lease.handles.note_id(id);
                Ok(Handle::new(id, Arc::clone(text)))
            }
            Ok(Err(error)) if !lease.has_unread() => {
                lease.end_command();
                lease.note_conditions();
                lease.handles.forget_id();
                Err(Trouble::Refused(error))
            }
            Ok(_) => {
                self.held = None;
                let error = std::io::Error::other("the origin spoke unasked");
                Err(Trouble::OriginLost(error.into()))
            }
            Err(loss) => {
                self.held = None;
                Err(Trouble::OriginLost(loss))
            }
        }
    }

    /// Leads the lease in hand, which must be amid no command, to a state.
    async fn lead_to(&mut self, state: &Arc<SessionState>) -> Result<(), Trouble> {
        let mut steps = match &self.held {
            Some(lease) => lease.steps_to(state, false),
            None => return Ok(()),
        };
        if self.forces_escapes && state.has_default_mode() {
            steps.set_escapes(self.escapes());
        }
        self.lead(&steps, state).await
    }
}
