//! What a client may be told otherwise than on a direct connection, each with its reason. Nobody is
//! promised these; users read of them in `docs/protocol/mysql.md`, "What a client can still tell".
//! The list is whole: whatever else differs is a fault.

use testkit::DatabaseKind;

use super::play::Transcript;
use super::reply::{Reply, Row};
use super::step::{Execution, Program, Step, Value};
use super::without::{
    PARSE_ERROR, without_figures, without_near, without_row_number, without_rows, without_types,
    without_warnings,
};

/// Words that ask for the conditions of the statement before, in lower case.
pub(super) const CONDITIONS: [&str; 6] = [
    "show warnings",
    "show errors",
    "show count",
    "@@warning_count",
    "@@error_count",
    "get diagnostics",
];

/// Words that ask for other things about it.
pub(super) const COUNTS: [&str; 2] = ["row_count", "found_rows"];

/// Where a literal may stand for a call, and for the column that it makes.
pub(super) const SUBSTITUTED: [&str; 9] = [
    "pseudo_thread_id",
    "row_count",
    "found_rows",
    "last_insert_id",
    "@@identity",
    "@@warning_count",
    "@@error_count",
    "show count",
    "connection_id",
];

/// `ER_NOT_SUPPORTED_YET`: the edge has lent the connection on.
const LENT_ON: u16 = 1235;

/// `ER_UNKNOWN_STMT_HANDLER` and `ER_STMT_HAS_NO_OPEN_CURSOR`: the edge keeps the statements, so it
/// is the edge that says so.
const UNKNOWN_STATEMENT: u16 = 1243;
const NO_CURSOR: u16 = 1421;

/// Errors with which TiDB refuses a statement before it clears the conditions of the one before: of
/// syntax, of a character set that there is not, of a `LOAD DATA LOCAL` or several statements that
/// are not allowed, and of a prepared statement that is not there.
const NOT_BEGUN: [u16; 7] = [
    PARSE_ERROR,
    1115,
    1148,
    UNKNOWN_STATEMENT,
    NO_CURSOR,
    8111,
    8130,
];

/// `ErrInfoSchemaChanged` of TiDB: "try again later".
/// <https://docs.pingcap.com/tidb/stable/error-codes/>
const SCHEMA_CHANGED: u16 = 8028;

/// Why a difference is no fault.
pub(super) type Reason = &'static str;

/// True for what runs a statement that a question may follow.
pub(super) fn runs_statement(step: &Step, sql: &str) -> bool {
    let is_empty = sql.trim().is_empty() || sql.trim_start().starts_with("--");
    match step {
        Step::Query(_) => !is_empty,
        Step::Execute(execution) => !is_empty && !execution.cursor,
        _ => false,
    }
}

/// Two replies to one step that differ.
struct Case<'a> {
    kind: DatabaseKind,
    program: &'a Program,
    place: usize,
    /// What the step runs.
    sql: String,
    expected: &'a [Reply],
    seen: &'a [Reply],
    /// The step before that did anything but look.
    before: Option<usize>,
    /// How that one ended directly, and what was seen of it.
    last: Option<&'a Reply>,
    last_seen: &'a [Reply],
}

/// Says why the replies to a step may differ; `None`: they may not.
pub(super) fn excuse(
    kind: DatabaseKind,
    program: &Program,
    at: usize,
    direct: &Transcript,
    through: &Transcript,
) -> Option<Reason> {
    const PANIC: Reason = "a panic of TiDB's, after which it closes the connection";
    let mut replies = [direct, through]
        .into_iter()
        .flat_map(|all| all.0.iter().take(at + 1));
    if kind == DatabaseKind::Tidb && replies.any(|replies| replies.iter().any(is_panic)) {
        return Some(PANIC);
    }
    let place = at.checked_sub(1)?;
    let passes_over = |place: &usize| match &program.steps[*place] {
        Step::Pause(_) => true,
        // Conditions stay over these, and over nothing else for certain.
        Step::Query(sql) => is_show_of_conditions(&sql.to_lowercase()),
        _ => false,
    };
    let before = (0..place).rev().find(|place| !passes_over(place));
    let case = Case {
        kind,
        program,
        place,
        sql: text_of(program, place)?,
        expected: direct.0.get(at)?,
        seen: through.0.get(at)?,
        before,
        last: before.and_then(|place| direct.0.get(place + 1)?.last()),
        last_seen: before
            .and_then(|place| through.0.get(place + 1))
            .map_or(&[], Vec::as_slice),
    };
    case.of_any_statement()
        .or_else(|| case.of_row_numbers())
        .or_else(|| case.of_found_rows())
        .or_else(|| case.of_tidb())
        .or_else(|| case.of_mysql())
        .or_else(|| case.of_conditions())
        .or_else(|| case.of_literals())
}

impl Case<'_> {
    /// Whether the replies are equal once each has become this.
    fn equal(&self, of: impl Fn(&Reply) -> Reply) -> bool {
        let mut pairs = self.expected.iter().zip(self.seen);
        self.expected.len() == self.seen.len() && pairs.all(|(a, b)| of(a) == of(b))
    }

    fn of_any_statement(&self) -> Option<Reason> {
        if is_error(self.expected, UNKNOWN_STATEMENT) && is_error(self.seen, UNKNOWN_STATEMENT) {
            return Some("the words in which a statement is not known");
        }
        let runs = runs_statement(self.program.steps.get(self.place)?, &self.sql);
        let calls = self.kind == DatabaseKind::MySql && self.sql.starts_with("call ");
        if (!runs || calls) && self.equal(without_figures) {
            return Some("the figures of the statement before in the reply to what runs none");
        }
        (reads_unset(self.program, self.place, &self.sql) && self.equal(without_types))
            .then_some("the type of a variable that was never set, where others have set it")
    }

    /// MariaDB counts the rows of errors over statements that have none.
    fn of_row_numbers(&self) -> Option<Reason> {
        (self.kind == DatabaseKind::MariaDb && self.equal(without_row_number))
            .then_some("the number of a row in an error about no row")
    }

    fn of_found_rows(&self) -> Option<Reason> {
        let gave_rows = matches!(self.last, Some(Reply::Rows(rows)) if rows.error.is_none());
        let fetches = matches!(self.program.steps.get(self.place), Some(Step::Fetch(..)));
        (self.sql.contains("found_rows") && (fetches || !gave_rows) && self.equal(without_rows))
            .then_some("FOUND_ROWS() after a statement that gives no rows")
    }

    /// What only TiDB does otherwise.
    fn of_tidb(&self) -> Option<Reason> {
        if self.kind != DatabaseKind::Tidb {
            return None;
        }
        if self.sql.contains("row_count")
            && self.last.is_some_and(Reply::is_error)
            && self.equal(without_rows)
        {
            return Some("ROW_COUNT() of TiDB after what failed");
        }
        if self.sql.starts_with("show ") && self.sql.contains("last_insert_id") {
            let of_rest = |reply: &Reply| without_rows(&without_types(reply));
            return self
                .equal(of_rest)
                .then_some("the variable last_insert_id where TiDB cannot be told that it is 0");
        }
        if is_show_of_conditions(&self.sql) && self.equal(without_types) {
            return Some("the width of a column of SHOW ERRORS, which TiDB takes from the rows");
        }
        let is_execution = matches!(self.program.steps.get(self.place), Some(Step::Execute(_)));
        if is_execution && is_show_of_conditions(&self.sql) && self.equal(without_rows) {
            return Some("the warning that a prepared SHOW WARNINGS of TiDB adds itself");
        }
        let shows_variables = self.sql.starts_with("show ") && self.sql.contains("variables");
        if shows_variables && self.has_set("sql_select_limit") {
            return Some("which variables TiDB shows first");
        }
        if is_execution && self.is_shadowed() {
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
    fn of_mysql(&self) -> Option<Reason> {
        if self.kind != DatabaseKind::MySql {
            return None;
        }
        let before = self.before.and_then(|place| text_of(self.program, place));
        let calls = before.is_some_and(|sql| sql.starts_with("call "));
        if calls && self.sql.contains("row_count") && self.equal(without_rows) {
            return Some("ROW_COUNT() after a CALL that changes nothing");
        }
        let executions: Vec<_> = executions(self.program, self.place).collect();
        let [before @ .., execution] = executions.as_slice() else {
            return None;
        };
        if before.iter().any(|earlier| earlier.cursor) && self.expected.iter().any(Reply::is_lost) {
            return Some(
                "what MySQL does not answer: an execution without a cursor after one with",
            );
        }
        let is_null = |execution: &&Execution, at: usize| {
            matches!(execution.values.get(at), Some(Value::Null))
        };
        let keeps_type = |at| is_null(execution, at) && before.iter().any(|one| !is_null(one, at));
        let is_of_types = self.equal(without_types) || self.sql.starts_with("set ");
        (is_of_types && (0..execution.values.len()).any(keeps_type))
            .then_some("the type that a parameter keeps over NULL, of a handle that was another")
    }

    fn of_conditions(&self) -> Option<Reason> {
        const HARD: Reason = "conditions asked for amid other statements, or by a prepared one";
        let asks = has(&self.sql, &CONDITIONS);
        // What was refused did not run, so there is nothing to be told of it.
        let counts = has(&self.sql, &COUNTS);
        if is_error(self.last_seen, LENT_ON) && (asks || counts) {
            return Some(HARD);
        }
        // Nor is anything certain of a text that cannot be read.
        if counts && is_error(self.seen, LENT_ON) && is_error(self.expected, PARSE_ERROR) {
            return Some(HARD);
        }
        if !asks {
            return None;
        }
        if is_error(self.seen, LENT_ON) && is_hard(&self.sql, &self.program.steps[self.place]) {
            return Some(HARD);
        }
        let is_of_older =
            is_behind_another(&self.sql) || self.last.is_none_or(|reply| !has_conditions(reply));
        let is_of_edge = self.last.is_some_and(is_of_edge);
        if is_of_older && (is_of_edge || lacks_only(self.expected, self.seen)) {
            return Some("conditions of a statement before the last one, or of a command");
        }
        let did_not_begin = matches!(
            self.last,
            Some(Reply::Error(packet)) if NOT_BEGUN.contains(&packet.code)
        );
        if self.kind == DatabaseKind::Tidb && did_not_begin {
            return Some("conditions that TiDB keeps over what it does not begin to run");
        }
        None
    }

    fn of_literals(&self) -> Option<Reason> {
        (has(&self.sql, &SUBSTITUTED) && self.equal(without_near))
            .then_some("the text of a literal in a syntax error")
    }
}

/// True for what reads a user variable that no step before has set.
fn reads_unset(program: &Program, place: usize, sql: &str) -> bool {
    let runs = |place: &usize| !matches!(program.steps.get(*place), Some(Step::Prepare(..)));
    let texts: Vec<_> = (0..place)
        .filter(runs)
        .filter_map(|place| text_of(program, place))
        .collect();
    let parts = texts.iter().flat_map(|sql| sql.split(';'));
    let sets = |sql: &&str| sql.contains("set ") || sql.contains("into @") || sql.contains(":=");
    let before: String = parts.filter(sets).collect();
    let users = sql.replace("@@", "");
    let mut parts = users.split('@').skip(1);
    parts.any(|part| {
        let name = part.split([',', ' ', ')', ';']).next().unwrap_or_default();
        !name.is_empty() && !before.contains(&format!("@{name}"))
    })
}

pub(super) fn has(sql: &str, words: &[&str]) -> bool {
    words.iter().any(|word| sql.contains(word))
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

/// What a step runs, in lower case.
fn text_of(program: &Program, place: usize) -> Option<String> {
    let sql = match program.steps.get(place)? {
        Step::Query(sql) | Step::Prepare(_, sql) => sql,
        Step::Execute(Execution { slot, .. }) | Step::Fetch(slot, _) => {
            let mut before = program.steps[..place].iter().rev();
            before.find_map(|step| match step {
                Step::Prepare(other, sql) if other == slot => Some(sql),
                _ => None,
            })?
        }
        _ => return Some(String::new()),
    };
    Some(sql.to_lowercase())
}

fn is_error(replies: &[Reply], code: u16) -> bool {
    matches!(replies, [.., Reply::Error(packet)] if packet.code == code)
}

fn is_panic(reply: &Reply) -> bool {
    let error = reply.error();
    error.is_some_and(|packet| packet.message.starts_with("runtime error"))
}

/// A question that no literal answers, in a place where no captured reply can stand.
pub(super) fn is_hard(sql: &str, step: &Step) -> bool {
    let is_prepared = matches!(step, Step::Execute(_));
    let is_amid = sql.contains(';');
    let shows = sql.contains("show ") && (is_prepared || is_amid);
    sql.contains("get diagnostics") || shows || (is_amid && has(sql, &CONDITIONS))
}

/// True for a statement that only shows conditions.
fn is_show_of_conditions(sql: &str) -> bool {
    sql.starts_with("show ") && !sql.contains(';') && has(sql, &CONDITIONS)
}

/// True when a statement of the same text stands before the one that asks for conditions.
fn is_behind_another(sql: &str) -> bool {
    let asks = CONDITIONS.iter().filter_map(|word| sql.find(word)).min();
    asks > sql.find(';') && sql.contains(';')
}

/// True for an error that the edge says in the origin's place.
fn is_of_edge(reply: &Reply) -> bool {
    let Reply::Error(packet) = reply else {
        return false;
    };
    // TiDB has an error within an error here.
    let is_nested = packet.message.starts_with("ERROR 1243");
    is_nested || [UNKNOWN_STATEMENT, NO_CURSOR].contains(&packet.code)
}

/// True for the reply to a statement that warned or failed.
fn has_conditions(reply: &Reply) -> bool {
    match reply {
        Reply::Error(_) => !is_of_edge(reply),
        Reply::Ok(outcome) => outcome.end.warnings > 0,
        Reply::Rows(rows) => {
            rows.error.is_some() || rows.end.as_ref().is_some_and(|end| end.warnings > 0)
        }
        _ => false,
    }
}

/// True when whatever differs is that no conditions were told of: neither rows, nor a number of
/// them.
fn lacks_only(expected: &[Reply], seen: &[Reply]) -> bool {
    let is_zero = |row: &Row| match row {
        Row::Text(values) => values.iter().flatten().all(|value| &**value == b"0"),
        Row::Binary(_) => false,
    };
    let lacks = |(expected, seen): (&Reply, &Reply)| match seen {
        _ if without_warnings(expected) == without_warnings(seen) => true,
        Reply::Rows(rows) => rows.rows.iter().all(is_zero),
        _ => false,
    };
    expected.len() == seen.len() && expected.iter().zip(seen).all(lacks)
}

#[cfg(test)]
pub(super) mod tests {
    use mysql_proto::Capabilities;

    use super::*;
    use crate::differential::reply::{End, Outcome, ResultSet};
    use crate::differential::step::{Ending, Login};

    pub(in crate::differential) fn program(steps: Vec<Step>) -> Program {
        Program {
            lane: 0,
            login: Login {
                database: None,
                collation: 45,
                capabilities: Capabilities::empty().bits(),
            },
            steps,
            ending: Ending::Quit,
            rebuild: false,
        }
    }

    pub(in crate::differential) fn query(sql: &str) -> Step {
        Step::Query(sql.to_owned())
    }

    /// A login, an OK, and a result with this many rows.
    fn told(rows: usize) -> Transcript {
        let end = Some(End::default());
        let rows = vec![Row::Text(vec![Some("Warning".into())]); rows];
        Transcript(vec![
            Vec::new(),
            vec![Reply::Ok(Outcome::default())],
            vec![Reply::Rows(ResultSet {
                rows,
                end,
                ..ResultSet::default()
            })],
        ])
    }

    #[test]
    fn older_conditions_may_be_missing_but_not_come() {
        let asked = program(vec![query("SET @a = 1"), query("SHOW WARNINGS")]);
        let kind = DatabaseKind::MariaDb;
        assert!(excuse(kind, &asked, 2, &told(1), &told(0)).is_some());
        assert!(excuse(kind, &asked, 2, &told(0), &told(1)).is_none());
    }

    #[test]
    fn what_is_no_question_has_no_excuse() {
        let asked = program(vec![query("SET @a = 1"), query("SELECT id FROM kind")]);
        let kind = DatabaseKind::Tidb;
        assert!(excuse(kind, &asked, 2, &told(1), &told(0)).is_none());
    }
}
