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
    Diagnostics, Effect, Escapes, PinReason, Question, QuestionKind, classify, substitute,
};

use super::Session;
use super::previous::is_error;
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
        }
        if let Some(diagnostics) = effect.diagnostics {
            return self.ask_diagnostics(diagnostics).await;
        }
        if effect.asks_over_sets {
            self.spare_conditions().await?;
        }
        if effect.needs_previous {
            if !self.is_with_previous() {
                return self.ask_without_previous().await;
            }
            self.spare_previous(effect)?;
        }
        if effect.reads_insert_id {
            self.resolve_insert_id().await;
        }
        self.answer_questions(source, effect).map(Asked::Send)
    }

    /// MariaDB keeps conditions over statements that use no table: those that will be shown have to
    /// be the session's own.
    async fn spare_conditions(&mut self) -> Result<(), Trouble> {
        self.take_lease().await?;
        let is_kept = self
            .held
            .as_ref()
            .is_some_and(|lease| lease.flavor().is_mariadb());
        if !is_kept || self.is_with_previous() {
            return Ok(());
        }
        if self.previous.warned {
            return Err(Trouble::PreviousGone);
        }
        self.clear_conditions().await;
        Ok(())
    }

    /// What is asked for would not survive the reset that a pin takes, and without that others'
    /// variables might be seen.
    fn spare_previous(&self, effect: &mut Effect) -> Result<(), Trouble> {
        let is_touched = self.held.as_ref().is_some_and(|lease| lease.is_touched());
        if effect.needs_unused && is_touched && !self.pins.hold() {
            return Err(Trouble::PreviousGone);
        }
        effect.needs_unused = false;
        Ok(())
    }

    /// Any connection can say that there was no statement before, once it is reset.
    async fn ask_without_previous(&mut self) -> Result<Asked, Trouble> {
        if !self.previous.is_none() {
            return Err(Trouble::PreviousGone);
        }
        self.take_lease().await?;
        let effect = Effect {
            needs_unused: true,
            ..Effect::pin(PinReason::Diagnostics)
        };
        self.lead_lease(&effect).await?;
        Ok(Asked::Send(None))
    }

    /// An OK packet may tell an id that `LAST_INSERT_ID()` does not give, so a connection on which
    /// one was told is asked, unless it began with the session's own.
    async fn resolve_insert_id(&mut self) {
        let is_doubtful = self.held.as_ref().is_some_and(|lease| {
            let there = lease.insert_id();
            there.is_news && there.known != self.insert_id
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
            Source::Text(sql) => sql,
        };
        Ok(Some(substitute(sql, &answers)))
    }

    /// The literal for a question; `None`: the connection itself answers it.
    fn answer(
        &self,
        question: &Question,
        effect: &Effect,
        source: Source<'_>,
    ) -> Result<Option<i128>, Trouble> {
        match question.kind {
            QuestionKind::ConnectionId => Ok(Some(i128::from(self.id))),
            QuestionKind::LastInsertId => {
                let is_there = self.held.as_ref().is_some_and(|lease| {
                    let there = lease.insert_id();
                    there.is_news || there.known == self.insert_id
                });
                // With a pin the connection is given the value, for what comes later, unless it is
                // the one that TiDB cannot be given.
                let is_given = effect.pin.is_some() && (self.insert_id != 0 || !self.is_on_tidb());
                let is_native = is_there || is_given;
                Ok((!is_native).then(|| i128::from(self.insert_id)))
            }
            // Servers differ in what clears the conditions of others: those are never shown.
            QuestionKind::WarningCount | QuestionKind::ErrorCount if !self.previous.warned => {
                Ok(Some(0))
            }
            // A connection remembers what others found, even over a reset.
            QuestionKind::FoundRows if self.previous.found_rows.is_some() => {
                Ok(self.previous.answer(QuestionKind::FoundRows))
            }
            QuestionKind::RowCount if self.may_come_between(source, effect) => {
                Ok(self.previous.answer(QuestionKind::RowCount))
            }
            _ if self.is_with_previous() => Ok(None),
            kind => {
                let answer = self.previous.answer(kind);
                answer.map(Some).ok_or(Trouble::PreviousGone)
            }
        }
    }

    /// True when the connection would count the rows of something else than the statement before:
    /// that was refused, or steps go ahead, or a preparation with the steps to its database.
    fn may_come_between(&self, source: Source<'_>, effect: &Effect) -> bool {
        let prepares = matches!(source, Source::Text(_));
        self.previous.is_refused || self.brings_insert_id(effect) || prepares
    }

    fn is_on_tidb(&self) -> bool {
        let is_tidb = |lease: &Lease<OriginConnector>| lease.flavor().is_tidb();
        self.held.as_ref().is_some_and(is_tidb)
    }

    /// `SHOW WARNINGS` and its like.
    async fn ask_diagnostics(&mut self, asked: Diagnostics) -> Result<Asked, Trouble> {
        if self.previous.warned {
            if self.is_with_previous() {
                return Ok(Asked::Send(None));
            }
            return self.captured_diagnostics(asked);
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
            (true, only_errors) => count(0, only_errors),
            (false, true) => b"SHOW ERRORS LIMIT 0".to_vec(),
            (false, false) => b"SHOW WARNINGS LIMIT 0".to_vec(),
        })))
    }

    /// From what was captured.
    fn captured_diagnostics(&self, asked: Diagnostics) -> Result<Asked, Trouble> {
        let previous = &self.previous;
        if asked.count {
            let of: fn(&[u8]) -> bool = if asked.only_errors {
                is_error
            } else {
                |_| true
            };
            let number = previous.count(of).ok_or(Trouble::PreviousGone)?;
            return Ok(Asked::Send(Some(count(number, asked.only_errors))));
        }
        let warnings = previous.warnings.as_ref().ok_or(Trouble::PreviousGone)?;
        let skip = usize::try_from(asked.offset).unwrap_or(usize::MAX);
        let limit = asked.limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        Ok(Asked::Answered(warnings.part(
            asked.only_errors,
            skip,
            limit,
        )))
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
fn count(number: i128, only_errors: bool) -> Vec<u8> {
    let sql: &[u8] = if only_errors {
        b"SELECT @@session.error_count"
    } else {
        b"SELECT @@session.warning_count"
    };
    let asked = classify(sql, Escapes::Backslash).effect.questions;
    let answers: Vec<_> = asked.iter().map(|question| (question, number)).collect();
    substitute(sql, &answers)
}
