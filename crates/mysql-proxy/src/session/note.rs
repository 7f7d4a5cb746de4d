//! After a command: what its response tells of the session is noted: its status, its pins, its
//! state, and what is on the connection that no state tells.

use std::borrow::Cow;
use std::sync::Arc;

use mysql_proto::{StatusFlags, Summary};
use mysql_sql::{
    Assignment, Effect, MakesInsertId, PinReason, Release, StatementKind, Value, is_character_set,
};
use tracing::debug;

use super::commits::may_enter_database;
use super::pins::{TRANSACTION_UNKNOWN, Waiting};
use super::previous::Ran;
use super::{OF_SESSION, Session};
use crate::error::SessionEnd;
use crate::state::SessionState;

/// Errors with which a server closes the connection, or may: shutdown, killed, packets out of
/// order or too large, network trouble. A `SIGNAL` may have any of them.
/// <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>
fn closes_connection(code: u16) -> bool {
    matches!(
        code,
        1043 | 1047 | 1053 | 1077..=1080 | 1152..=1161 | 1184 | 1927 | 3169 | 4031
    )
}

/// `ER_PARSE_ERROR`.
const PARSE_ERROR: u16 = 1064;

impl Session {
    /// Notes what a response tells of the session.
    pub(super) async fn note(
        &mut self,
        kind: StatementKind,
        effect: &Effect,
        summary: &Summary,
    ) -> Result<(), SessionEnd> {
        self.note_unnamed(effect.may_write);
        let Some(lease) = &mut self.held else {
            return Ok(());
        };
        let failed = summary.error.is_some();
        // Of several statements, one behind it may be the one that failed.
        let may_have_run = !failed || effect.is_multi;
        let ran = Ran {
            kind,
            flavor: lease.flavor(),
            visit: lease.visit(),
            in_other_text: reason(&effect.sets) == PinReason::CharacterSet,
        };
        self.previous.note(ran, effect, summary);
        if summary.error.is_some_and(closes_connection) {
            if lease.is_there().await {
                self.previous.counted_elsewhere();
            } else {
                // It is closed.
                lease.begin_command();
            }
        }
        if failed || summary.warnings > 0 {
            lease.note_conditions();
        }
        // What a program has made on its way is there, though that failed.
        let may_have_begun = may_have_run || (effect.runs_program && !effect.is_unknown);
        self.look_at_calls(effect);
        let may_be_new = self.may_define(kind, effect) && may_have_begun;
        self.note_definition(effect, may_be_new);
        let is_doubtful = self.note_made_id(effect, summary);
        self.note_status(kind, effect, summary);
        self.note_pins(effect, summary);
        self.note_locks(effect);
        if !effect.sets.is_empty() {
            let adjusted = summary.warnings > 0;
            self.note_sets(effect, failed, adjusted).await?;
        }
        self.note_escapes(summary);
        if effect.drops_database && may_have_run {
            Box::pin(self.learn_database()).await;
        }
        if is_doubtful && self.pins.hold() {
            // It made none, perhaps, and then the connection's is another session's.
            self.take_answers().await;
        }
        Ok(())
    }

    /// A statement has ended: what was called is known if nobody has changed it meanwhile.
    fn look_at_calls(&mut self, effect: &Effect) {
        self.calling.are_known |= effect.calls_procedure() && self.calling.looked_at.is_some();
        self.calling.are_known &= !self.were_redefined();
    }

    /// Notes whether the connection may give another insert id now. True if that may also be what
    /// another session has left there.
    fn note_made_id(&mut self, effect: &Effect, summary: &Summary) -> bool {
        let Some(lease) = &mut self.held else {
            return false;
        };
        let may_hide_id = match effect.makes_insert_id {
            MakesInsertId::No => false,
            // A write that fails half way, or returns rows, has no OK packet to tell.
            MakesInsertId::Told => summary.error.is_some() || summary.result_sets > 0,
            MakesInsertId::Untold => true,
        };
        let there = lease.insert_id();
        // (If the pin for a routine ends, what it has made is taken along.)
        let may_run = effect.runs_program && effect.pin.is_some();
        if summary.last_insert_id != 0 || effect.sets_insert_id || may_hide_id || may_run {
            lease.note_insert_id();
        }
        may_hide_id && !there.is_news && Some(there.known) != self.insert_id
    }

    /// Notes whether a transaction is open.
    fn note_status(&mut self, kind: StatementKind, effect: &Effect, summary: &Summary) {
        let failed = summary.error.is_some();
        let was_open = self.pins.transaction;
        self.note_uncommitted(summary);
        if let Some(status) = summary.status {
            self.status = Some(status.intersection(OF_SESSION));
            let in_transaction = status.contains(StatusFlags::IN_TRANS);
            if in_transaction && !was_open {
                self.served.metrics.transactions.inc();
            }
            let is_autocommit = status.contains(StatusFlags::AUTOCOMMIT);
            self.pins
                .note_savepoint(effect.names_savepoint && !is_autocommit, in_transaction);
            self.pins.transaction = in_transaction;
        }
        // (What commits by itself ends it, too, but that nothing tells for certain.)
        if kind == StatementKind::Transaction && !failed && !effect.names_savepoint {
            self.pins.forget_savepoint();
        }
        if failed {
            // An error tells no status: not whether a transaction is still open, nor whether it
            // has begun one, which any statement does without autocommit.
            let status = self.status.unwrap_or_default();
            self.pins.transaction |= was_open || !status.contains(StatusFlags::AUTOCOMMIT);
            // (To ask for it would take what session tracking has to tell with the next reply.)
            if effect.may_begin && self.pins.doubt_transaction() {
                self.served.metrics.pin(TRANSACTION_UNKNOWN);
            }
        } else if summary.status.is_some() {
            self.pins.end_doubt();
        }
        // Of several statements, one behind it may be the one that failed.
        if effect.next_transaction && (!failed || effect.is_multi) {
            self.pins.next_transaction = true;
            self.pins.soil();
        } else if self.pins.next_transaction && !failed && !self.pins.transaction {
            // A read may have used it up or not, and a preparation of MariaDB's opens what is none;
            // a transaction that was ended surely has, and so has a write where there are no tables
            // without transactions.
            let ends = matches!(kind, StatementKind::Transaction | StatementKind::Define);
            let is_tidb = self.served.pool.connector().flavor().is_tidb();
            let writes = kind == StatementKind::Write && is_tidb;
            self.pins.next_transaction = !(was_open && ends || writes);
        }
    }

    fn note_pins(&mut self, effect: &Effect, summary: &Summary) {
        let error = summary.error;
        // With `sql_select_limit = 0` neither `SELECT` nor `DO` runs what it names.
        let runs_none = |release: &Release| {
            let limit = self.state.variable("sql_select_limit");
            let is_none = |limit: &str| limit.parse::<u64>().unwrap_or(0) == 0;
            release.reason == PinReason::UserLock && limit.is_some_and(is_none)
        };
        if let Some(release) = &effect.releases
            && error.is_none()
            && !runs_none(release)
        {
            self.pins.release(release);
        }
        match effect.pin {
            // What the origin does not understand either did not run.
            Some(_) if effect.is_unknown && error == Some(PARSE_ERROR) && !effect.is_multi => {
                self.pins.soil();
            }
            reason => {
                let answer = self.lock_answer.take();
                let took_none = answer.is_some_and(|answer| answer.is_refusal(summary));
                let reason = reason.filter(|_| !took_none);
                self.note_called(reason.map(PinReason::name), effect);
            }
        }
    }

    /// The session may be in another database than its state tells: one was dropped, so that it is
    /// in none if it was in that one, though there may be another of its name by now; or what is
    /// not understood, or failed half way, has led it there. Only the connection knows.
    pub(super) async fn learn_database(&mut self) {
        if self.state.is_in_unknown_database() {
            return;
        }
        self.keep_answers().await;
        let Some(lease) = &mut self.held else { return };
        self.previous.visit = None;
        let row = match lease.ask_row("SELECT HEX(DATABASE()) LIMIT 1").await {
            Ok(row) => row.unwrap_or_default(),
            Err(error) => return self.lose_idle(&error),
        };
        let name = match row.as_slice() {
            [None] => {
                self.leave_database();
                return self.enter(Arc::clone(&self.state));
            }
            [Some(digits)] => unhex(digits),
            _ => None,
        };
        if name.is_some() && self.state.database_name() == name.as_deref() {
            return;
        }
        let goes_there = name.map(Assignment::Database);
        let state = goes_there.and_then(|set| self.state.assigned(&[set]).ok());
        match state {
            Some(state) => {
                self.set_database_of(&state);
                self.enter(Arc::new(state));
            }
            None => self.stay_in_database(),
        }
    }

    /// The session is in a database whose name cannot be carried. It keeps the connection, which is
    /// led to no other.
    fn stay_in_database(&mut self) {
        self.enter(Arc::new(self.state.with_unknown_database()));
        self.pin(PinReason::SessionVariable.name(), None);
    }

    /// Notes a pin.
    pub(super) fn pin(&mut self, reason: &'static str, name: Option<String>) {
        self.are_names_sure &= self.calling.are_known || !may_enter_database(reason);
        let is_new = self.pins.add(reason, name);
        self.note_pin(reason, is_new);
    }

    pub(super) fn pin_waiting(&mut self, reason: &'static str, waiting: Waiting) {
        let is_new = self.pins.add_waiting(reason, waiting);
        self.note_pin(reason, is_new);
    }

    fn note_pin(&self, reason: &'static str, is_new: bool) {
        if is_new {
            self.served.metrics.pin(reason);
            debug!(reason, "Pinned a session");
        }
    }

    /// Notes what a statement has set. `adjusted`: a value may be another one than it was set to,
    /// as it was out of bounds; `STRICT_ALL_TABLES` of another session would refuse what was given.
    async fn note_sets(
        &mut self,
        effect: &Effect,
        failed: bool,
        adjusted: bool,
    ) -> Result<(), SessionEnd> {
        if failed {
            // Of several, some may be in force, and nothing tells which. (To ask for the database
            // would take what session tracking has to tell with the next reply: that waits until
            // it matters.)
            if effect.is_multi || effect.may_set_in_part || effect.sets.len() > 1 {
                self.pin(reason(&effect.sets).name(), None);
            }
            return Ok(());
        }
        let asked = if adjusted {
            Cow::Owned(effect.sets.iter().map(to_be_asked).collect())
        } else {
            Cow::Borrowed(effect.sets.as_slice())
        };
        let sets = if asked.iter().all(|set| expression_name(set).is_none()) {
            Some(asked)
        } else {
            self.read_back(&asked).await?.map(Cow::Owned)
        };
        let sets = sets.filter(|sets| !(self.is_on_tidb() && sets.iter().any(is_odd_level)));
        let assigned = sets.map(|sets| self.state.assigned(&sets));
        let Some(Ok(state)) = assigned else {
            if effect.sets.iter().any(Assignment::enters_database) {
                self.stay_in_database();
            } else {
                self.pin(reason(&effect.sets).name(), None);
            }
            return Ok(());
        };
        let database = state.database_name();
        if database.is_some() && self.state.database_name() != database {
            self.set_database_of(&state);
        }
        let states = self.served.pool.connector().states();
        self.enter(states.share(state));
        Ok(())
    }

    /// The session, and the lease in hand, are in this state now.
    fn enter(&mut self, state: Arc<SessionState>) {
        self.downstream.set_net_timeout(state.net_timeout());
        if let Some(lease) = &mut self.held {
            lease.set_state(Arc::clone(&state));
        }
        self.state = state;
    }

    /// Asks what variables are that were set to expressions. `None`: one of them cannot be carried.
    async fn read_back(
        &mut self,
        sets: &[Assignment],
    ) -> Result<Option<Vec<Assignment>>, SessionEnd> {
        self.keep_answers().await;
        let Some(lease) = &mut self.held else {
            return Ok(None);
        };
        let names: Vec<&str> = sets.iter().filter_map(expression_name).collect();
        let list: Vec<String> = names
            .iter()
            .map(|name| format!("@@SESSION.{}", lease.spelling(name)))
            .collect();
        self.previous.visit = None;
        let row = match lease
            .ask_row(&format!("SELECT {} LIMIT 1", list.join(",")))
            .await
        {
            Ok(row) => row.unwrap_or_default(),
            Err(error) => {
                debug!(%error, "Lost an origin connection that a session had set variables on");
                return Err(SessionEnd::StateLost);
            }
        };
        let mut values = names.iter().zip(row);
        let set = |set: &Assignment| {
            if expression_name(set).is_none() {
                return Some(set.clone());
            }
            let (name, answer) = values.next()?;
            Some(Assignment::Variable {
                name: (*name).to_owned(),
                value: Value::read_back(name, answer.as_deref().map(str::as_bytes))?,
            })
        };
        Ok(sets.iter().map(set).collect())
    }
}

/// The text that `HEX()` has made these digits of. (In UTF-16 and UTF-32 they have zeros beside
/// them.)
fn unhex(digits: &str) -> Option<String> {
    let digits = digits.replace('\0', "");
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    String::from_utf8(bytes?).ok()
}

/// Why a session pins of which nothing tells what it has set.
fn reason(sets: &[Assignment]) -> PinReason {
    let is_of_text = |set: &Assignment| match set {
        Assignment::Names(_) => true,
        Assignment::Variable { name, .. } => is_character_set(name),
        _ => false,
    };
    if sets.iter().any(is_of_text) {
        PinReason::CharacterSet
    } else {
        PinReason::SessionVariable
    }
}

/// True for an isolation level that TiDB takes only while `tidb_skip_isolation_level_check` is on,
/// which it need not stay.
fn is_odd_level(set: &Assignment) -> bool {
    let is_odd = |value: &str| !matches!(value, "'REPEATABLE-READ'" | "'READ-COMMITTED'");
    matches!(set, Assignment::Variable { name, value: Value::Literal(value) }
        if name == "transaction_isolation" && is_odd(&value.to_ascii_uppercase()))
}

/// The same assignment of something that only the server knows.
fn to_be_asked(set: &Assignment) -> Assignment {
    match set {
        Assignment::Variable {
            name,
            value: Value::Literal(_),
        } => Assignment::Variable {
            name: name.clone(),
            value: Value::Expression,
        },
        other => other.clone(),
    }
}

/// The name of a variable that was set to an expression.
fn expression_name(set: &Assignment) -> Option<&str> {
    match set {
        Assignment::Variable {
            name,
            value: Value::Expression,
        } => Some(name),
        _ => None,
    }
}
