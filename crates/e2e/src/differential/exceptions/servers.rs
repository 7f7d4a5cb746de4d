//! What one server alone does otherwise.

use testkit::DatabaseKind;

use super::conditions::is_show_of_conditions;
use super::{Case, Reason, is_error, text_of};
use crate::differential::play::Transcript;
use crate::differential::reply::{Reply, Row};
use crate::differential::step::{Execution, Program, Step, Value};
use crate::differential::without::{
    without_flags, without_row_number, without_rows, without_state, without_types, without_warnings,
};

/// `ErrInfoSchemaChanged` of TiDB: "try again later".
/// <https://docs.pingcap.com/tidb/stable/error-codes/>
const SCHEMA_CHANGED: u16 = 8028;

/// What TiDB gives on a connection that is given back, as it cannot be told to give 0.
const NEUTRAL_ID: &[u8] = b"9223372036854775807";

/// With these MySQL refuses the parameters of an execution: it has taken the types up to the one
/// that it refuses.
const REFUSED: [u16; 4] = [1210, 1690, 1835, 3988];

/// True for an error that no statement of the server's is meant to give.
fn is_panic(reply: &Reply) -> bool {
    let error = reply.error();
    error.is_some_and(|packet| packet.message.starts_with("runtime error"))
}

/// TiDB's words for a cursor that is not open are an error within an error.
fn is_without_cursor(reply: &Reply) -> bool {
    let error = reply.error();
    error.is_some_and(|packet| packet.message.starts_with("ERROR 1326"))
}

fn is_failed(replies: &[Reply]) -> bool {
    replies.iter().any(Reply::is_error)
}

/// After a panic of TiDB's it closes the connection, and the rest cannot be compared.
pub(super) fn panicked(
    kind: DatabaseKind,
    at: usize,
    transcripts: [&Transcript; 2],
) -> Option<Reason> {
    let mut replies = transcripts
        .into_iter()
        .flat_map(|all| all.0.iter().take(at + 1).flatten());
    (kind == DatabaseKind::Tidb && replies.any(is_panic))
        .then_some("a panic of TiDB's, after which it closes the connection")
}

impl Case<'_> {
    /// What only MariaDB does otherwise: it counts the rows of errors over statements that have
    /// none, as of a parameter that does not fit.
    pub(super) fn of_mariadb(&self) -> Option<Reason> {
        if self.kind != DatabaseKind::MariaDb {
            return None;
        }
        let calls = self.sql.starts_with("call ");
        (calls && self.equal(without_row_number))
            .then_some("the number of a row in an error about no row")
    }

    /// Whenever anybody has made a routine, each connection of MariaDB's or MySQL's loads those
    /// anew that it calls, and notes that.
    pub(super) fn of_loading(&self) -> Option<Reason> {
        let may_load = self.kind != DatabaseKind::Tidb && self.sql.contains("mid (");
        (may_load && self.equal(without_warnings))
            .then_some("the note of a function that is loaded, and named like a native one")
    }

    /// What only TiDB does otherwise.
    pub(super) fn of_tidb(&self) -> Option<Reason> {
        if self.kind != DatabaseKind::Tidb {
            return None;
        }
        if self.sql.contains("row_count")
            && self.last.is_some_and(Reply::is_error)
            && self.equal(without_rows)
        {
            return Some("ROW_COUNT() of TiDB after what failed");
        }
        let is_prepared_now = matches!(
            self.place
                .checked_sub(1)
                .and_then(|place| self.program.steps.get(place)),
            Some(Step::Prepare(..))
        );
        if self.sql.contains("row_count") && is_prepared_now && self.equal(without_rows) {
            return Some("ROW_COUNT() of TiDB behind a preparation, which counts there");
        }
        if self.sql.starts_with("show ") && self.sql.contains("last_insert_id") {
            let of_rest = |reply: &Reply| without_rows(&without_types(reply));
            return self
                .equal(of_rest)
                .then_some("the variable last_insert_id where TiDB cannot be told that it is 0");
        }
        if !self.sql.is_ascii() && self.shows(NEUTRAL_ID) && self.equal(without_rows) {
            return Some("LAST_INSERT_ID() in a text that is not understood, where there is none");
        }
        if is_show_of_conditions(&self.sql) && self.equal(without_types) {
            return Some("the width of a column of SHOW ERRORS, which TiDB takes from the rows");
        }
        let is_execution = matches!(self.program.steps.get(self.place), Some(Step::Execute(_)));
        let before = self.place.checked_sub(1);
        let before = before.and_then(|place| {
            let is_execution = matches!(self.program.steps.get(place), Some(Step::Execute(_)));
            text_of(self.program, place).filter(|_| is_execution)
        });
        let is_behind_one = before.is_some_and(|sql| is_show_of_conditions(&sql));
        if (is_execution || is_behind_one)
            && is_show_of_conditions(&self.sql)
            && self.equal(without_rows)
        {
            return Some("the warning that a prepared SHOW WARNINGS of TiDB adds itself");
        }
        if self.fetches_of_older() && self.seen.iter().any(is_without_cursor) {
            return Some("the cursor that TiDB keeps over an execution without one");
        }
        let shows_variables = self.sql.starts_with("show ") && self.sql.contains("variables");
        if shows_variables && self.has_set("sql_select_limit") && self.equal(without_rows) {
            return Some("which variables TiDB shows first");
        }
        let fails = is_failed(self.expected) || is_failed(self.seen);
        if is_execution && fails && self.is_shadowed() {
            return Some(
                "what a statement of TiDB means that was prepared before a temporary table",
            );
        }
        if is_error(self.expected, SCHEMA_CHANGED) || is_error(self.seen, SCHEMA_CHANGED) {
            return Some("TiDB was amid a change of the schema");
        }
        (is_execution && self.equal(without_types))
            .then_some("the flags of a column, which TiDB keeps from the execution before")
    }

    /// True when what was seen is a row of this value alone.
    fn shows(&self, value: &[u8]) -> bool {
        let is_it = |row: &Row| match row {
            Row::Text(values) => matches!(&values[..], [Some(only)] if &**only == value),
            Row::Binary(_) => false,
        };
        let mut seen = self.seen.iter();
        seen.any(|reply| matches!(reply, Reply::Rows(rows) if rows.rows.iter().any(is_it)))
    }

    /// True for `COM_STMT_FETCH` where the last execution asked for no cursor, and one before did.
    fn fetches_of_older(&self) -> bool {
        let Some(Step::Fetch(fetched, _)) = self.program.steps.get(self.place) else {
            return false;
        };
        let steps = self.program.steps.iter().take(self.place);
        let cursors = steps.filter_map(|step| match step {
            Step::Execute(execution) if execution.slot == *fetched => Some(execution.cursor),
            _ => None,
        });
        let cursors: Vec<bool> = cursors.collect();
        cursors.last() == Some(&false) && cursors.contains(&true)
    }

    /// True when a statement before has to do with this variable.
    fn has_set(&self, variable: &str) -> bool {
        (0..self.place)
            .any(|place| text_of(self.program, place).is_some_and(|sql| sql.contains(variable)))
    }

    /// True when a temporary table has the name of a table that an execution is about.
    fn is_shadowed(&self) -> bool {
        const CREATE: &str = "create temporary table ";
        let mut before = (0..self.place).filter_map(|place| text_of(self.program, place));
        before.any(|sql| {
            let name = sql
                .strip_prefix(CREATE)
                .and_then(|rest| rest.split(' ').next());
            name.is_some_and(|name| self.sql.split([' ', '(']).any(|word| word == name))
        })
    }

    /// What only MySQL does otherwise.
    pub(super) fn of_mysql(&self) -> Option<Reason> {
        if self.kind != DatabaseKind::MySql {
            return None;
        }
        let before = self.before.and_then(|place| text_of(self.program, place));
        let calls = before.is_some_and(|sql| sql.starts_with("call "));
        if calls && self.sql.contains("row_count") && self.equal(without_rows) {
            return Some("ROW_COUNT() after a CALL that changes nothing");
        }
        if self.is_behind_execution_elsewhere()
            && self.lacks_database()
            && self.equal(without_state)
        {
            return Some("the database that MySQL tells again, after an execution in another one");
        }
        let lacks_types = is_error(self.expected, 1210) || is_error(self.expected, 1835);
        if lacks_types && self.is_behind_refusal() {
            return Some("types that MySQL has not taken of an execution that it refused");
        }
        let sorts_a_join = self.sql.contains(" join ") && self.sql.contains("order by");
        if sorts_a_join && self.equal(without_flags) {
            return Some("the flags of a column, by whether MySQL sorts a table of its own");
        }
        let untold = |reply: &Reply| without_rows(&without_types(reply));
        if self.sets_what_it_reads() && self.equal(untold) {
            return Some("the type of a variable that was set after the statement was prepared");
        }
        let executions: Vec<_> = executions(self.program, self.place).collect();
        let [before @ .., execution] = executions.as_slice() else {
            return None;
        };
        let had_cursor = before.iter().any(|earlier| earlier.cursor) && !execution.cursor;
        if had_cursor && self.expected.iter().any(Reply::is_lost) {
            return Some(
                "what MySQL does not answer: an execution without a cursor after one with",
            );
        }
        if had_cursor && self.equal(without_types) {
            return Some("columns that MySQL keeps of the table of a cursor");
        }
        let is_null = |execution: &&Execution, at: usize| {
            matches!(execution.values.get(at), Some(Value::Null))
        };
        let keeps_type = |at| is_null(execution, at) && before.iter().any(|one| !is_null(one, at));
        let is_of_types = self.equal(without_types) || self.sql.starts_with("set ");
        (is_of_types && (0..execution.values.len()).any(keeps_type))
            .then_some("the type that a parameter keeps over NULL, of a handle that was another")
    }
}

impl Case<'_> {
    /// True for an execution of a statement one of whose executions before was refused for its
    /// parameters.
    fn is_behind_refusal(&self) -> bool {
        let Some(Step::Execute(execution)) = self.program.steps.get(self.place) else {
            return false;
        };
        let steps = self.program.steps.iter().zip(self.direct.0.iter().skip(1));
        let mut of_slot = steps.take(self.place).filter(
            |(step, _)| matches!(step, Step::Execute(earlier) if earlier.slot == execution.slot),
        );
        of_slot.any(|(_, replies)| REFUSED.iter().any(|code| is_error(replies, *code)))
    }

    /// True behind an execution, with a change of the database before that.
    fn is_behind_execution_elsewhere(&self) -> bool {
        let steps = self.program.steps.get(..self.place).unwrap_or_default();
        let execution = steps
            .iter()
            .rposition(|step| matches!(step, Step::Execute(_)));
        let mut before = steps.iter().take(execution.unwrap_or_default());
        before.any(|step| match step {
            Step::InitDb(_) => true,
            Step::Query(sql) => sql.to_lowercase().contains("use "),
            _ => false,
        })
    }

    /// True if all that is told of the state directly is a database, and nothing through the pool.
    fn lacks_database(&self) -> bool {
        let state = |reply: &Reply| match reply {
            Reply::Ok(outcome) => outcome.session_state.clone(),
            _ => Vec::new(),
        };
        let mut pairs = self.expected.iter().zip(self.seen);
        pairs.all(|(expected, seen)| {
            let (expected, seen) = (state(expected), state(seen));
            // The type of the only change: `SESSION_TRACK_SCHEMA`.
            expected == seen || (seen.is_empty() && expected.first() == Some(&1))
        })
    }

    /// True for an execution that reads a user variable which a `SET` has set since its statement
    /// was prepared.
    fn sets_what_it_reads(&self) -> bool {
        let slot = match self.program.steps.get(self.place) {
            Some(Step::Execute(execution)) => execution.slot,
            Some(Step::Fetch(slot, _)) => *slot,
            _ => return false,
        };
        let steps = self.program.steps.iter().enumerate().take(self.place);
        let since = steps
            .skip_while(|(_, step)| !matches!(step, Step::Prepare(other, _) if *other == slot))
            .filter_map(|(place, _)| text_of(self.program, place));
        let sets = |sql: &str| {
            let name = sql.strip_prefix("set @")?.split([' ', '=', ':']).next()?;
            Some(self.sql.contains(&format!("@{name}")))
        };
        since.filter_map(|sql| sets(&sql)).any(|is_read| is_read)
    }
}

/// The execution of a step, and those of the same statement before it.
fn executions(program: &Program, place: usize) -> impl Iterator<Item = &Execution> {
    let slot = match program.steps.get(place) {
        Some(Step::Execute(execution)) => Some(execution.slot),
        _ => None,
    };
    let steps = program.steps.iter().take(place + 1);
    steps.filter_map(move |step| match step {
        Step::Execute(execution) if Some(execution.slot) == slot => Some(execution),
        _ => None,
    })
}
