//! The session's part in keeping the cache coherent, when it writes.
//!
//! ```text
//!   begin_commit        ahead of whatever may commit: its tables count as committing
//!   ► the origin runs it
//!   end_commit          its outcome is known: versions move
//!   ► the client is told
//!
//!   in a transaction: what it writes is gathered, and counts with the statement that may end it
//!   connection lost amid it: the outcome is not known; see `cache/loose.rs`
//! ```

use std::sync::Arc;

use conn_pool::Lease;
use mysql_proto::{Command, StatusFlags, Summary};
use mysql_sql::{Defines, Effect, PinReason, Statement, StatementKind, Touched, Touches};
use query_cache::{Generation, Writes};

use super::Session;
use super::outgoing::Outgoing;
use crate::cache::{Changes, InFlight};
use crate::hyperdrives::Served;
use crate::origin::OriginConnector;

/// What a command may change, and end.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteSet<'a> {
    pub(super) touched: &'a Touched,
    /// A transaction that was open before may be committed by it.
    pub(super) may_commit: bool,
    /// In which its names are looked up.
    pub(super) database: Option<&'a str>,
}

/// What the session's open transaction has written.
#[derive(Debug, Default)]
pub(super) struct Uncommitted {
    writes: Writes,
    /// By whose catalog that was found: the oldest.
    generation: Option<Generation>,
}

impl<'a> WriteSet<'a> {
    /// Nothing.
    pub(super) const NOTHING: WriteSet<'static> = WriteSet {
        touched: &Touched::Nothing,
        may_commit: false,
        database: None,
    };

    /// Anything.
    pub(super) const EVERYTHING: WriteSet<'static> = WriteSet {
        touched: &Touched::Everything,
        may_commit: true,
        database: None,
    };

    /// That of a statement, in this database.
    pub(super) fn of(touches: &'a Touches, database: Option<&'a str>) -> Self {
        Self {
            touched: &touches.writes,
            may_commit: touches.may_commit,
            database,
        }
    }

    /// That of a command of which nobody has looked at the text: anything, unless it is certain
    /// that it does nothing.
    fn unread(effect: &Effect) -> Self {
        if effect.pin.is_none() && !effect.may_write {
            Self::NOTHING
        } else {
            Self::EVERYTHING
        }
    }

    fn is_nothing(&self) -> bool {
        *self.touched == Touched::Nothing && !self.may_commit
    }
}

/// True for a statement that surely changes nothing, without a second look at its text.
pub(super) fn only_reads(statement: &Statement) -> bool {
    let Statement { kind, effect } = statement;
    matches!(kind, StatementKind::Read | StatementKind::Show)
        && effect.pin.is_none()
        && !effect.may_write
        && !effect.is_multi
}

impl Uncommitted {
    /// `is_call`: what it writes depends on what a routine is when it runs.
    fn add(&mut self, writes: &Writes, generation: Generation, is_call: bool) {
        if writes.is_nothing() && !is_call {
            return;
        }
        self.writes.add(writes.clone());
        let oldest = self
            .generation
            .map_or(generation, |mine| mine.min(generation));
        self.generation = Some(oldest);
    }
}

/// Writes to tables without transactions that the session has locked. With `WRITE CONCURRENT`
/// others read them meanwhile, and see what was written only when it lets go. (In a table with
/// transactions each write is committed by itself.)
#[derive(Debug, Default)]
pub(super) struct UnderLock {
    /// It has locked tables to write to them.
    is_locked: bool,
    writes: Vec<InFlight>,
}

impl UnderLock {
    /// The outcome of a write is known: to be called before the client is told.
    pub(super) fn end(&mut self, in_flight: InFlight, served: &Served) {
        let is_held = |known: &InFlight| known.writes_as(&in_flight);
        if !in_flight.is_under_lock || self.writes.iter().any(is_held) {
            return end(in_flight, served);
        }
        note_definition(&in_flight, served);
        self.writes.push(in_flight);
    }

    /// Others see all of it now.
    pub(super) fn let_go(&mut self, served: &Served) {
        self.is_locked = false;
        for in_flight in self.writes.drain(..) {
            end(in_flight, served);
        }
    }
}

impl Session {
    /// A command is about to be sent.
    pub(super) fn begin_writing(&mut self, outgoing: &Outgoing<'_>, effect: &Effect) {
        self.writes_anything = false;
        if runs_nothing(outgoing.packet.command) {
            return;
        }
        let set = outgoing.writes.unwrap_or_else(|| WriteSet::unread(effect));
        let is_of_rows = matches!(set.touched, Touched::Nothing | Touched::Tables(_));
        let is_anything = self.begin_commit(set, !is_of_rows && may_define(effect));
        // What is written to one may go to another table, as with `ENGINE=MERGE`.
        let has_temporary = self.pins.has(PinReason::TemporaryTable.name());
        let makes_temporary = effect.pin == Some(PinReason::TemporaryTable)
            || (effect.is_multi && effect.pin.is_some())
            || (effect.defines != Defines::Nothing && has_temporary);
        self.are_names_sure &= !(is_anything && makes_temporary);
        self.writes_anything = is_anything;
        // `LOCK TABLES` in the same text comes ahead of it, perhaps.
        if let Some(in_flight) = &mut self.in_flight
            && effect.is_multi
            && effect.locks_to_write
        {
            in_flight.is_under_lock = true;
        }
    }

    /// A command is about to be sent that may change this, and what the origin's tables are. True
    /// if that may be anything.
    pub(super) fn begin_commit(&mut self, set: WriteSet<'_>, may_define: bool) -> bool {
        self.calling.are_known = false;
        let may_run = self.may_write_by_reading();
        if set.is_nothing() && !may_run {
            return false;
        }
        let served = Arc::clone(&self.served);
        let Some(cache) = &served.cache else {
            return false;
        };
        // Of rows that change along in tables that are not shown, triggers may run.
        let variable = "enable_cascade_triggers";
        let may_fire = !set.is_nothing() && self.state.variable(variable).is_some();
        let is_sure = |lease: &Lease<OriginConnector>| lease.are_names_sure();
        let are_sure = self.are_names_sure
            && !self.pins.may_have_entered()
            && self.held.as_ref().is_none_or(is_sure);
        let may_go_elsewhere = *set.touched != Touched::Nothing && !are_sure;
        let set = if may_run || may_fire || may_go_elsewhere {
            WriteSet::EVERYTHING
        } else {
            set
        };
        let database = set.database.map(str::to_ascii_lowercase);
        let is_call = matches!(set.touched, Touched::Called { .. });
        // Ahead of the look.
        let programs = served.pool.connector().programs();
        let looked_at = self.calling.looked_at;
        let judged_at = is_call.then(|| looked_at.unwrap_or_else(|| programs.definitions()));
        let (changes, generation) = cache.changes(set.touched, database.as_deref());
        // It is known of some procedures what they change, and that it is no definition.
        let is_anything = changes.writes == Writes::Everything;
        self.calling.are_known = is_call && !is_anything;
        if self.calling.are_known {
            self.calling.looked_at = judged_at;
        }
        let may_define = may_define && is_anything;
        self.uncommitted.add(&changes.writes, generation, is_call);
        let is_under_lock = !changes.is_transactional && self.under_lock.is_locked;
        let (writes, found_in) = self.that_others_may_see(changes, set.may_commit, generation);
        // A routine that is another one when it runs may write, and make the generation another.
        let has_called = is_call || (set.may_commit && self.uncommitted.generation.is_some());
        if writes.is_nothing() && !has_called {
            return is_anything;
        }
        let committing = cache.versions.begin(writes, found_in);
        let on = served.pool.connector().server_name();
        let mut in_flight = cache.loose.begin(committing, may_define, on);
        in_flight.is_under_lock = is_under_lock;
        in_flight.judged_at = judged_at;
        self.in_flight = Some(in_flight);
        self.note_thread();
        is_anything
    }

    /// True unless it is known that what only reads writes nothing: what reads a view may run a
    /// function that writes. What is kept reads none of those.
    pub(super) fn may_write_by_reading(&self) -> bool {
        self.filling.is_none() && self.views_may_write()
    }

    fn views_may_write(&self) -> bool {
        let Served { cache, pool, .. } = &*self.served;
        let Some(cache) = cache else { return false };
        let (catalog, _) = cache.catalog();
        match catalog.known() {
            Some(catalog) => catalog.views_may_write(),
            None => pool.connector().runs_on_reads(),
        }
    }

    /// What others may see of a statement with these changes once it has run, or while it runs; and
    /// the generation by whose catalog that was found.
    fn that_others_may_see(
        &self,
        changes: Changes,
        may_commit: bool,
        generation: Generation,
    ) -> (Writes, Generation) {
        if may_commit {
            let writes = self.uncommitted.writes.clone();
            return (writes, self.uncommitted.generation.unwrap_or(generation));
        }
        if self.is_surely_in_transaction() && changes.is_transactional {
            return (Writes::Nothing, generation);
        }
        (changes.writes, generation)
    }

    /// True when a statement surely does not commit by itself. An error tells no status, and may
    /// have ended the transaction.
    fn is_surely_in_transaction(&self) -> bool {
        let status = self.status.unwrap_or(StatusFlags::AUTOCOMMIT);
        let is_open =
            status.contains(StatusFlags::IN_TRANS) || !status.contains(StatusFlags::AUTOCOMMIT);
        self.is_status_sure && is_open
    }

    /// The write under way runs, if it does, on the lease in hand.
    pub(super) fn note_thread(&mut self) {
        if let (Some(in_flight), Some(lease)) = (&mut self.in_flight, &self.held) {
            in_flight.set_thread(lease.thread());
        }
    }

    /// The outcome of the write under way is known: to be called before the client is told.
    pub(super) fn end_commit(&mut self) {
        if let Some(in_flight) = self.in_flight.take() {
            self.under_lock.end(in_flight, &self.served);
        }
    }

    /// Notes whether the session has locked tables, or let go of them, once its pins are known.
    pub(super) fn note_locks(&mut self, effect: &Effect) {
        if self.pins.has(PinReason::TableLock.name()) {
            self.under_lock.is_locked |= effect.locks_to_write;
        } else {
            self.under_lock.let_go(&self.served);
        }
    }

    /// Notes what a response tells of the transaction that was open.
    pub(super) fn note_uncommitted(&mut self, summary: &Summary) {
        // One of several that failed has told none: what is there is of those before it.
        let status = summary.status.filter(|_| summary.error.is_none());
        self.is_status_sure = status.is_some();
        let is_over = |status: StatusFlags| !status.contains(StatusFlags::IN_TRANS);
        if status.is_some_and(is_over) {
            self.uncommitted = Uncommitted::default();
        }
    }
}

/// True for commands that read no table. A dump of the log may take as long as its session, and
/// nobody says that a piece of long data has come.
fn runs_nothing(command: Command) -> bool {
    matches!(
        command,
        Command::PING
            | Command::REGISTER_SLAVE
            | Command::BINLOG_DUMP
            | Command::BINLOG_DUMP_GTID
            | Command::STMT_SEND_LONG_DATA
    )
}

/// True for a statement that may change what the origin's tables are. (A function cannot, nor a
/// procedure of which that is known.)
fn may_define(effect: &Effect) -> bool {
    effect.defines != Defines::Nothing || effect.changes_logins || effect.may_be_any()
}

/// True for a reason behind which the database of a connection may be another than is known: a
/// program, or a text that is not read, has entered it.
pub(super) fn may_enter_database(reason: &str) -> bool {
    const REASONS: [PinReason; 5] = [
        PinReason::NotUnderstood,
        PinReason::TextPrepare,
        PinReason::Procedure,
        PinReason::SessionVariable,
        PinReason::CharacterSet,
    ];
    REASONS.iter().any(|known| known.name() == reason)
}

/// The outcome of a write is known.
fn end(in_flight: InFlight, served: &Served) {
    note_definition(&in_flight, served);
    in_flight.end();
}

/// What the origin's tables are may be another thing from now on.
fn note_definition(in_flight: &InFlight, served: &Served) {
    let Some(cache) = &served.cache else { return };
    let programs = served.pool.connector().programs();
    let judged_at = in_flight.judged_at;
    if in_flight.may_define || judged_at.is_some_and(|then| programs.may_have_moved(then)) {
        cache.forget_catalog();
    }
}
