//! The facts that matter of a statement: what it leaves on a connection, and what it needs there.

use std::ops::Range;

use crate::assignment::Assignment;
use crate::command::{Diagnostics, Kill, TidegateTable};
use crate::leftovers::Leftovers;
use crate::pin::{PinReason, Release};
use crate::question::{Question, QuestionKind};
use crate::routine::{Routine, RoutineKind, Routines};

/// What may be another one behind a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defines {
    /// Nothing.
    #[default]
    Nothing,
    /// Tables, and what belongs to them.
    Tables,
    /// These, views, triggers and events: what runs without being named.
    Views,
    /// All of that, procedures and functions.
    Anything,
}

/// What a statement does to the connection that runs it, and what it needs of it. The default: it
/// leaves the connection as it was and can run on any. (Whether a transaction is open, the origin's
/// status tells.)
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Leaves something behind that cannot be carried, or is not understood. Where several reasons
    /// hold, one that never ends.
    pub pin: Option<PinReason>,
    /// It pins because its first word begins nothing that is known, and it names no program: if the
    /// origin cannot read it either, nothing of it was run.
    pub is_unknown: bool,
    /// What the pin is on: the statement of `PREPARE`, the lock of `GET_LOCK`, the handler of
    /// `HANDLER … OPEN`, as it is written. Only where a [`Release`] with this name ends it for
    /// certain.
    pub pin_name: Option<String>,
    /// Ends what other statements have pinned for, if it succeeds.
    pub releases: Option<Release>,
    /// What it makes of the session's state if it succeeds, in order. Also with a `pin`: then it
    /// has to be known for when that ends.
    pub sets: Vec<Assignment>,
    /// User variables that it reads, in lower case, each once. (Also what looks like one: the host
    /// of an account.)
    pub user_variables: Vec<String>,
    /// Calls that a literal can stand for, in the order of the text.
    pub questions: Vec<Question>,
    /// The stored routines that it calls. Where it pins for these alone, and they are known to
    /// leave nothing, it need not: see [`Effect::rely_on`].
    pub routines: Routines,
    /// `SHOW WARNINGS` and its like.
    pub diagnostics: Option<Diagnostics>,
    /// Names a connection by its id.
    pub kill: Option<Kill>,
    /// Asks about the edge itself.
    pub tidegate: Option<TidegateTable>,
    /// `SET TRANSACTION …` without a scope: holds for the next transaction only, so the connection
    /// must be kept until that is over.
    pub next_transaction: bool,
    /// `SAVEPOINT a`, `ROLLBACK TO a`, `RELEASE SAVEPOINT a`: without autocommit there is something
    /// to go back to then, which no status tells.
    pub names_savepoint: bool,
    /// Runs a procedure, which may have begun a transaction by the time that it fails.
    pub may_begin: bool,
    /// `LOCK TABLES … WRITE`: what the session writes then, others may see when it lets go.
    pub locks_to_write: bool,
    /// Changes what connections are like that are opened after it: `SET GLOBAL`, `GRANT`, `ALTER
    /// DATABASE`.
    pub changes_logins: bool,
    /// `FOUND_ROWS()` is not the number of its rows: `SQL_CALC_FOUND_ROWS`, where the next one will
    /// ask; `UNION … LIMIT` and `EXPLAIN`, of MariaDB.
    pub calc_found_rows: bool,
    /// Writes what a `SELECT` finds, and `FOUND_ROWS()` may count that.
    pub may_find_rows: bool,
    /// Runs what is not in its text: a procedure, a stored function, a prepared statement; or may,
    /// for all that is understood of it.
    pub runs_program: bool,
    /// May change more than what this effect tells: false only when it is certain that it reads, or
    /// begins or ends a transaction, or sets what is carried.
    pub may_write: bool,
    /// There are several statements with semicolons. If one fails, those behind it did not run, and
    /// nothing tells which.
    pub is_multi: bool,
    /// Reads state that other sessions may have left on a connection without anybody's knowledge
    /// (a trigger sets a user variable): needs a connection that nobody has used.
    pub needs_unused: bool,
    /// Reads `LAST_INSERT_ID()`, perhaps as a variable.
    pub reads_insert_id: bool,
    /// Sets it: `LAST_INSERT_ID(expression)`.
    pub sets_insert_id: bool,
    /// Whether it may make one.
    pub makes_insert_id: MakesInsertId,
    /// Drops a database: connections that were in it are in none then.
    pub drops_database: bool,
    /// Uses `XA`, or may: in what it runs, beside whatever else it pins for.
    pub may_distribute: bool,
    /// What it may define. A procedure may define anything, and so may what `EXECUTE` runs.
    pub defines: Defines,
    /// A `SET` of several variables, `GLOBAL` ones among them: TiDB sets one after the other, so if
    /// it fails, some may be set.
    pub may_set_in_part: bool,
    /// What becomes of the conditions of the statement before, unless this one has some itself.
    pub conditions: Conditions,
    /// Asks about the statement before it, by a question or otherwise.
    pub reads_previous: bool,
    /// Asks for the conditions of before, if there are any, in a way that is neither one of
    /// `questions` nor `diagnostics`: must run where those are, or where there are none.
    pub reads_conditions: bool,
    /// Likewise, behind statements of the same text over which only MariaDB keeps them: `SET @a =
    /// 1; SHOW WARNINGS`.
    pub reads_kept_conditions: bool,
    /// Asks about the statement before it in a way that is neither one of `questions` nor
    /// `diagnostics`: must run where that one ran.
    pub needs_previous: bool,
}

/// What becomes of the warnings and errors of the statement before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conditions {
    /// They are gone, or nobody can tell.
    #[default]
    Cleared,
    /// It surely uses no table, and MariaDB keeps them over that.
    KeptByMariaDb,
    /// It is no statement: all servers keep them.
    Kept,
}

/// Whether a statement may make a value of an `AUTO_INCREMENT` column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum MakesInsertId {
    /// It makes none.
    #[default]
    No,
    /// Its OK packet tells: `INSERT`.
    Told,
    /// Nothing tells: `LOAD DATA` of MySQL and MariaDB, `ANALYZE INSERT`, several statements.
    Untold,
}

/// Most assignments, user variables and questions of one text that are remembered. What has more is
/// no client's daily work, and pins.
const MAX_SETS: usize = 64;
const MAX_USER_VARIABLES: usize = 16;
const MAX_QUESTIONS: usize = 16;

impl Effect {
    /// The effect of something that pins, and cannot be told anything else of.
    pub fn pin(reason: PinReason) -> Self {
        let mut effect = Self::default();
        effect.add_pin(reason);
        effect
    }

    /// True for a statement that runs what is in a text, or that cannot be read: it may be any.
    pub fn may_be_any(&self) -> bool {
        matches!(
            self.pin,
            Some(PinReason::NotUnderstood | PinReason::TextPrepare)
        )
    }

    /// The effect of a command that runs no statement, and changes nothing: `COM_PING`.
    pub fn command() -> Self {
        Self {
            conditions: Conditions::Kept,
            ..Self::default()
        }
    }

    /// The effect of `USE`.
    pub fn use_database(name: String) -> Self {
        Self {
            sets: vec![Assignment::Database(name)],
            conditions: Conditions::KeptByMariaDb,
            ..Self::default()
        }
    }

    /// It pins, for this reason too.
    pub(crate) fn add_pin(&mut self, reason: PinReason) {
        self.routines.pin_otherwise();
        self.pin_for(reason);
    }

    /// It calls a stored routine. `None`: one that cannot be told by name.
    pub(crate) fn add_call(&mut self, reason: PinReason, routine: Option<Routine>) {
        if !routine.is_some_and(|routine| self.routines.add(routine)) {
            self.routines.have_others();
        }
        self.pin_for(reason);
    }

    /// The routines that it pins for are known, and leave no more than this on their connection:
    /// it does not pin, and needs nothing of its connection that another statement would not.
    pub fn rely_on(&mut self, left: Leftovers) {
        self.pin = None;
        self.needs_unused = false;
        self.may_begin &= left.transaction;
        self.may_find_rows |= left.found_rows;
        if left.insert_id {
            self.add_insert_id(MakesInsertId::Untold);
        }
        self.define_nothing();
    }

    /// The procedure that it calls is known, and defines nothing.
    pub fn define_nothing(&mut self) {
        if self.calls_procedure() {
            self.defines = Defines::Nothing;
        }
    }

    /// True for `CALL`.
    pub fn calls_procedure(&self) -> bool {
        let is_procedure = |routine: &Routine| routine.kind == RoutineKind::Procedure;
        self.pin == Some(PinReason::Procedure) || self.routines.named().iter().any(is_procedure)
    }

    /// It may define this too.
    pub(crate) fn may_define(&mut self, what: Defines) {
        self.defines = self.defines.max(what);
    }

    /// True for a `CALL` alone, and none among several statements.
    pub fn only_calls(&self) -> bool {
        self.calls_procedure() && !self.is_multi
    }

    fn pin_for(&mut self, reason: PinReason) {
        self.may_distribute |= reason.may_distribute();
        self.needs_unused |= reason.may_read_leftovers();
        self.may_write = true;
        self.runs_program |= reason.may_run_program();
        self.pin = Some(self.pin.map_or(reason, |first| first.and(reason)));
    }

    /// True unless `LAST_INSERT_ID()` surely gives after it what it gave before.
    pub(crate) fn may_change_insert_id(&self) -> bool {
        self.runs_program || self.sets_insert_id || self.makes_insert_id != MakesInsertId::No
    }

    pub(crate) fn add_insert_id(&mut self, makes: MakesInsertId) {
        self.makes_insert_id = self.makes_insert_id.max(makes);
    }

    pub(crate) fn add_set(&mut self, assignment: Assignment) {
        if self.sets.len() < MAX_SETS {
            self.sets.push(assignment);
        } else {
            self.add_pin(PinReason::NotUnderstood);
        }
    }

    /// It reads a user variable of this name.
    pub(crate) fn add_user_variable(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if self.user_variables.contains(&name) {
            return;
        }
        if self.user_variables.len() < MAX_USER_VARIABLES {
            self.user_variables.push(name);
        } else {
            self.add_pin(PinReason::UserVariable);
        }
    }

    pub(crate) fn add_question(&mut self, kind: QuestionKind, range: Range<usize>) {
        if self.questions.len() < MAX_QUESTIONS {
            self.push_question(kind, range, false);
        } else {
            self.add_pin(PinReason::NotUnderstood);
            self.needs_previous |= kind.is_about_previous();
        }
    }

    /// One that the connection itself answers, mostly: those beyond the limit are left to it.
    pub(crate) fn add_question_behind(&mut self, kind: QuestionKind, range: Range<usize>) {
        if self.questions.len() < MAX_QUESTIONS {
            self.push_question(kind, range, true);
        }
    }

    fn push_question(&mut self, kind: QuestionKind, range: Range<usize>, is_behind: bool) {
        self.questions.push(Question {
            kind,
            range,
            column: None,
            is_behind,
        });
    }
}
