//! What a statement asks about the one before it, answered as a direct connection would.
//!
//! ```text
//!  the connection of the statement before is in hand, or idle and unused since ──► asked there
//!  else, for a call:            a literal takes its place in the text          ──► asked anywhere
//!  else, for SHOW WARNINGS:     what was captured when the connection was given back
//!  else                         refused: a wrong answer would be worse
//! ```
//!
//! `CONNECTION_ID()` is always a literal: the client knows its session by the id of the greeting.

use conn_pool::Lease;
use mysql_proto::Capabilities;
use mysql_sql::{
    Answer, Diagnostics, Effect, Escapes, PinReason, Question, QuestionKind, Server, classify,
    substitute,
};

use super::Session;
use super::warnings::{self, Level, Part, RowFormat};
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::origin::{Flavor, OriginConnector};

/// Where the text of a statement is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'s> {
    /// In a `COM_QUERY` of the client's.
    Packet(CommandPacket),
    /// Here: it was prepared.
    Text(&'s [u8]),
    /// Likewise, and pieces of its parameters wait for this very text.
    TextWithPieces(&'s [u8]),
}

/// How a statement that asks is to go on.
pub(super) enum Asked {
    /// To the origin, perhaps with another text.
    Send(Option<Vec<u8>>),
    /// The client has this for an answer.
    Answered(Vec<u8>),
}

impl Session {
    /// Prepares a statement that asks about the one before, or about its connection.
    pub(super) async fn ask(
        &mut self,
        source: Source<'_>,
        effect: &mut Effect,
    ) -> Result<Asked, Trouble> {
        let allowed = self.profile.capabilities;
        if effect.is_multi && !allowed.contains(Capabilities::MULTI_STATEMENTS) {
            // An error, whatever it asks.
            return Ok(Asked::Send(None));
        }
        if effect.reads_previous {
            self.resume_previous();
            self.expect_user_variables(effect);
            self.keep_from_steps(effect).await;
        }
        if let Some(diagnostics) = effect.diagnostics {
            return self.ask_diagnostics(diagnostics, source).await;
        }
        let flavor = self.served.pool.connector().flavor();
        if effect.reads_conditions || (effect.reads_kept_conditions && flavor.is_mariadb()) {
            self.have_conditions().await?;
        }
        // `GET DIAGNOSTICS … = ROW_COUNT`, and nothing else.
        let gets_all = effect.pin == Some(PinReason::Diagnostics) && effect.questions.is_empty();
        let is_there =
            self.is_with_conditions() && !(gets_all && self.previous.is_counted_elsewhere);
        if effect.needs_previous && !is_there {
            let was_read = gets_all && self.previous.is_plain_read() && !self.is_on_tidb();
            return self.ask_without_previous(was_read).await;
        }
        if effect.reads_insert_id {
            self.resolve_insert_id().await;
        }
        self.answer_questions(source, effect).map(Asked::Send)
    }

    /// What leads the connection to the session's state would take the place of what is asked
    /// about, so that is taken first. (A statement that was prepared in another state has led it
    /// away, and a pin takes a reset where others may have left something.)
    async fn keep_from_steps(&mut self, effect: &mut Effect) {
        let Some(lease) = &self.held else { return };
        if !self.is_with_previous() {
            return;
        }
        if !lease.is_touched() {
            // What is on it is this session's.
            effect.needs_unused = false;
            effect.user_variables.clear();
        }
        if !self.steps_ahead(effect).is_empty() {
            self.keep_answers().await;
            self.previous.visit = None;
        }
    }

    /// The conditions that will be shown have to be the session's own, or none.
    async fn have_conditions(&mut self) -> Result<(), Trouble> {
        self.take_lease().await?;
        if self.is_with_conditions() {
            return Ok(());
        }
        if self.previous.warned {
            return Err(Trouble::PreviousGone);
        }
        self.clear_conditions().await;
        // Another connection would have to be cleared as well.
        if self.held.is_none() {
            return Err(Trouble::PreviousGone);
        }
        Ok(())
    }

    /// Any connection can say that there was no statement before, once it is reset; or that there
    /// was a read without warnings, as was one that was answered from the cache.
    async fn ask_without_previous(&mut self, was_read: bool) -> Result<Asked, Trouble> {
        if !self.previous.is_none() && !was_read {
            return Err(Trouble::PreviousGone);
        }
        self.take_lease().await?;
        let effect = Effect {
            needs_unused: true,
            ..Effect::pin(PinReason::Diagnostics)
        };
        self.lead_lease(&effect).await?;
        if was_read {
            self.read_nothing().await;
        }
        if self.held.is_none() {
            return Err(Trouble::PreviousGone);
        }
        Ok(Asked::Send(None))
    }

    /// An OK packet may tell an id that `LAST_INSERT_ID()` does not give, so a connection on which
    /// one was told is asked, unless it began with the session's own.
    pub(super) async fn resolve_insert_id(&mut self) {
        let is_doubtful = self.held.as_ref().is_some_and(|lease| {
            let there = lease.insert_id();
            there.is_news && Some(there.known) != self.insert_id
        });
        if is_doubtful {
            self.keep_answers().await;
            self.read_insert_id().await;
        }
    }

    /// Takes the connection of the statement before, if it is idle and nobody used it since.
    pub(super) fn resume_previous(&mut self) {
        if self.held.is_none()
            && let Some(visit) = self.previous.visit
            && let Some(lease) = self.served.pool.resume(visit)
        {
            // It is the same stay, as far as anybody can tell.
            self.previous.visit = Some(lease.visit());
            self.hold(lease);
        }
    }

    /// True when the lease in hand is the connection of the statement before.
    fn is_with_previous(&self) -> bool {
        let here = self.held.as_ref().map(Lease::visit);
        here.is_some() && here == self.previous.visit
    }

    /// Likewise, and it has the session's conditions, if there are any.
    fn is_with_conditions(&self) -> bool {
        self.is_with_previous() && self.previous.warnings.is_none()
    }

    /// The text with literals in the place of what its connection would answer wrongly. `None`:
    /// it can go as it is.
    fn answer_questions(
        &self,
        source: Source<'_>,
        effect: &mut Effect,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        let questions = std::mem::take(&mut effect.questions);
        let mut answers = Vec::new();
        for question in &questions {
            if let Some(answer) = self.answer(question, effect, source)? {
                answers.push((question, answer));
            }
        }
        if answers.is_empty() {
            return Ok(None);
        }
        let reads_id = |question: &&Question| question.kind == QuestionKind::LastInsertId;
        let asked = questions.iter().filter(reads_id).count();
        let answered = answers.iter().filter(|(question, _)| reads_id(question));
        if !effect.is_multi && answered.count() == asked {
            effect.reads_insert_id = false;
        }
        let sql = match source {
            Source::Packet(packet) => self.downstream.sql(packet),
            Source::Text(sql) | Source::TextWithPieces(sql) => sql,
        };
        Ok(Some(substitute(sql, &answers, self.server())))
    }

    /// Whose types calls have.
    pub(super) fn server(&self) -> Server {
        self.served.pool.connector().flavor().server()
    }

    /// The literal for a question; `None`: the connection itself answers it.
    fn answer(
        &self,
        question: &Question,
        effect: &Effect,
        source: Source<'_>,
    ) -> Result<Option<Answer>, Trouble> {
        let value = |value| Ok(Some(Answer::Value(value)));
        match question.kind {
            QuestionKind::ConnectionId => value(i128::from(self.id)),
            QuestionKind::LastInsertId if question.is_behind => Ok(self.none_of_tidb()),
            QuestionKind::LastInsertId => {
                let is_there = self.held.as_ref().is_some_and(|lease| {
                    let there = lease.insert_id();
                    there.is_news || Some(there.known) == self.insert_id
                });
                if is_there {
                    return Ok(None);
                }
                let lost = Trouble::Client(SessionEnd::StateLost);
                let own = self.insert_id.ok_or(lost)?;
                // With a pin the connection is given the value, for what comes later, unless it is
                // the one that TiDB cannot be given. So it is for a text that has to stay.
                let has_to_be = effect.pin.is_some() || matches!(source, Source::TextWithPieces(_));
                let is_given = has_to_be && (own != 0 || !self.is_on_tidb());
                Ok((!is_given).then(|| Answer::Value(i128::from(own))))
            }
            // Servers differ in what clears the conditions of others: those are never shown.
            QuestionKind::WarningCount | QuestionKind::ErrorCount if !self.previous.warned => {
                value(0)
            }
            QuestionKind::WarningCount | QuestionKind::ErrorCount if !self.is_with_conditions() => {
                self.answer_from_memory(question.kind)
            }
            // A connection remembers what others found, even over a reset.
            QuestionKind::FoundRows if self.previous.found_rows.is_some() => {
                self.answer_from_memory(QuestionKind::FoundRows)
            }
            QuestionKind::RowCount if self.may_come_between(source, effect) => {
                self.answer_from_memory(QuestionKind::RowCount)
            }
            _ if self.is_with_previous() => Ok(None),
            kind => self.answer_from_memory(kind),
        }
    }

    fn answer_from_memory(&self, kind: QuestionKind) -> Result<Option<Answer>, Trouble> {
        let value = self.previous.answer(kind).ok_or(Trouble::PreviousGone)?;
        Ok(Some(Answer::Value(value)))
    }

    /// A session without an insert id, on a connection that gives one and cannot be told to give
    /// none.
    fn none_of_tidb(&self) -> Option<Answer> {
        let there = self.held.as_ref()?.insert_id().known;
        let is_wrong = self.is_on_tidb() && self.insert_id == Some(0) && there != 0;
        is_wrong.then_some(Answer::ZeroFor(there))
    }

    /// True when the connection would count the rows of something else than the statement before:
    /// that ran elsewhere, or steps go ahead, or a preparation with the steps to its database.
    fn may_come_between(&self, source: Source<'_>, effect: &Effect) -> bool {
        let prepares = matches!(source, Source::Text(_));
        self.previous.is_counted_elsewhere || self.brings_insert_id(effect) || prepares
    }

    pub(super) fn is_on_tidb(&self) -> bool {
        let is_tidb = |lease: &Lease<OriginConnector>| lease.flavor().is_tidb();
        self.held.as_ref().is_some_and(is_tidb)
    }

    /// `SHOW WARNINGS` and its like.
    async fn ask_diagnostics(
        &mut self,
        asked: Diagnostics,
        source: Source<'_>,
    ) -> Result<Asked, Trouble> {
        if self.previous.warned {
            if self.is_with_conditions() {
                return Ok(Asked::Send(None));
            }
            return self.captured_diagnostics(asked, source);
        }
        // There are none; what the connection remembers is another session's.
        self.take_lease().await?;
        let Some(lease) = &mut self.held else {
            return Ok(Asked::Send(None));
        };
        if lease.flavor() == Flavor::TiDb {
            // `LIMIT` is not understood there.
            self.clear_conditions().await;
            return if self.held.is_some() {
                Ok(Asked::Send(None))
            } else {
                Err(Trouble::PreviousGone)
            };
        }
        Ok(Asked::Send(Some(match (asked.count, asked.only_errors) {
            (true, only_errors) => count(0, only_errors, self.server()),
            (false, true) => b"SHOW ERRORS LIMIT 0".to_vec(),
            (false, false) => b"SHOW WARNINGS LIMIT 0".to_vec(),
        })))
    }

    /// From what was captured.
    fn captured_diagnostics(
        &mut self,
        asked: Diagnostics,
        source: Source<'_>,
    ) -> Result<Asked, Trouble> {
        let connector = self.served.pool.connector();
        let level = if asked.only_errors {
            Level::Error
        } else {
            Level::Any
        };
        let format = match source {
            Source::Packet(_) => RowFormat::Text,
            Source::Text(_) | Source::TextWithPieces(_) => RowFormat::Binary,
        };
        let (flavor, status) = (connector.flavor(), self.status.unwrap_or_default());
        if asked.count {
            let number = self.previous.count(level).ok_or(Trouble::PreviousGone)?;
            if flavor.is_tidb() && format == RowFormat::Text {
                self.previous.note_answered(asked, flavor, 1);
                let capabilities = self.downstream.capabilities();
                let answer = warnings::count_of_tidb(number, capabilities, status);
                return Ok(Asked::Answered(answer));
            }
            let sql = count(number, asked.only_errors, self.server());
            return Ok(Asked::Send(Some(sql)));
        }
        let warnings = self.previous.warnings.as_ref();
        let warnings = warnings.ok_or(Trouble::PreviousGone)?;
        let part = Part {
            level,
            offset: asked.offset,
            limit: asked.limit,
        };
        let (answer, rows) = warnings.part(part, format, status);
        self.previous.note_answered(asked, flavor, rows);
        Ok(Asked::Answered(answer))
    }

    /// Gives the client an answer that was put together here.
    pub(super) async fn answer_bytes(
        &mut self,
        packet: CommandPacket,
        bytes: &[u8],
    ) -> Result<(), SessionEnd> {
        self.discard(packet).await?;
        self.downstream.send(bytes).await?;
        if self.held.is_some() {
            self.settle().await?;
        }
        Ok(())
    }
}

/// `SHOW COUNT(*) …`, whose column has the name and the type of the variable that it reads.
fn count(number: i128, only_errors: bool, server: Server) -> Vec<u8> {
    let sql: &[u8] = if only_errors {
        b"SELECT @@session.error_count"
    } else {
        b"SELECT @@session.warning_count"
    };
    let asked = classify(sql, Escapes::Backslash).effect.questions;
    let number = Answer::Value(number);
    let answers: Vec<_> = asked.iter().map(|question| (question, number)).collect();
    substitute(sql, &answers, server)
}
