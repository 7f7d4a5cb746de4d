//! What a client may be told otherwise than on a direct connection, each with its reason. Nobody is
//! promised these; users read of them in `docs/protocol/mysql.md`, "What a client can still tell".
//! The list is whole: whatever else differs is a fault.

use std::collections::BTreeMap;

use mysql_proto::ErrPacket;
use testkit::DatabaseKind;

use super::play::Transcript;
use super::reply::{Column, Reply, Row};
use super::step::{Program, Step};

/// The low byte of the id of `gbk_chinese_ci`. A byte of such a character may look like a quote, so
/// nothing of these sessions' texts is read.
pub(super) const GBK: u8 = 28;

/// Words that ask for the conditions of the statement before, in lower case.
const CONDITIONS: [&str; 6] = [
    "show warnings",
    "show errors",
    "show count",
    "@@warning_count",
    "@@error_count",
    "get diagnostics",
];

/// Words that ask for other things about it.
const COUNTS: [&str; 2] = ["row_count", "found_rows"];

/// Where a literal may stand for a call, and for the column that it makes.
const SUBSTITUTED: [&str; 9] = [
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

/// What makes a text with several statements one that is not understood.
const ODD: [&str; 5] = ["set @`", "; (", "show ", "signal", "get diagnostics"];

/// `ER_NOT_SUPPORTED_YET`: the edge has lent the connection on.
const LENT_ON: u16 = 1235;

/// `ER_PARSE_ERROR`.
const PARSE_ERROR: u16 = 1064;

/// `ER_UNKNOWN_STMT_HANDLER` and `ER_STMT_HAS_NO_OPEN_CURSOR`: the edge keeps the statements, so it
/// is the edge that says so.
const UNKNOWN_STATEMENT: u16 = 1243;
const NO_CURSOR: u16 = 1421;

/// Why a difference is no fault.
pub(super) type Reason = &'static str;

/// Whether the replies are equal once each has become this.
type Equality<'a> = dyn Fn(&dyn Fn(&Reply) -> Reply) -> bool + 'a;

/// Takes out of a program what nothing is promised of.
pub(super) fn narrow(program: &mut Program) {
    let is_gbk = program.login.collation == GBK;
    let fires = program.steps.iter().any(|step| match step {
        Step::Query(sql) | Step::Prepare(_, sql) => sql.contains("INTO journal"),
        _ => false,
    });
    let mut prepared = BTreeMap::new();
    let mut follows_statement = false;
    let mut follows_question = false;
    program.steps.retain(|step| {
        if let Step::Prepare(slot, sql) = step {
            prepared.insert(*slot, sql.to_lowercase());
        }
        let sql = match step {
            Step::Query(sql) => sql.to_lowercase(),
            Step::Execute(execution) => prepared.get(&execution.slot).cloned().unwrap_or_default(),
            _ => String::new(),
        };
        // The statement before is one that ran, with no command in between.
        let is_question = has(&sql, &CONDITIONS) || has(&sql, &COUNTS);
        if is_question && !follows_statement || has(&sql, &COUNTS) && follows_question {
            return false;
        }
        // Of a text that is not read, the ids of threads are those of the origin's connections.
        if is_gbk && has(&sql, &["connection_id", "pseudo_thread_id"]) {
            return false;
        }
        // `IS_USED_LOCK()` gives the id of the origin's connection. A trigger sets a variable
        // behind everybody's back, so that is not carried.
        if sql.contains("is_used_lock") || (fires && sql.contains("@fired")) {
            return false;
        }
        // Nor is anything substituted in several statements of which one is not understood.
        if sql.contains(';') && has(&sql, &ODD) && has(&sql, &SUBSTITUTED) {
            return false;
        }
        if !matches!(step, Step::Pause(_)) {
            follows_statement = runs_statement(step, &sql);
            follows_question = has(&sql, &CONDITIONS);
        }
        true
    });
}

/// True for what runs a statement that a question may follow.
fn runs_statement(step: &Step, sql: &str) -> bool {
    let is_empty = sql.trim().is_empty() || sql.trim_start().starts_with("--");
    match step {
        Step::Query(_) => !is_empty,
        Step::Execute(execution) => !is_empty && !execution.cursor,
        _ => false,
    }
}

/// Says why the replies to a step may differ; `None`: they may not.
pub(super) fn excuse(
    kind: DatabaseKind,
    program: &Program,
    at: usize,
    direct: &Transcript,
    through: &Transcript,
) -> Option<Reason> {
    let place = at.checked_sub(1)?;
    let sql = text_of(program, place)?;
    let (expected, seen) = (direct.0.get(at)?, through.0.get(at)?);
    let equal = |of: &dyn Fn(&Reply) -> Reply| {
        expected.len() == seen.len() && expected.iter().zip(seen).all(|(a, b)| of(a) == of(b))
    };
    let is_mysql = kind == DatabaseKind::MySql;
    if is_error(expected, UNKNOWN_STATEMENT) && is_error(seen, UNKNOWN_STATEMENT) {
        return Some("the words in which a statement is not known");
    }
    let runs = runs_statement(program.steps.get(place)?, &sql);
    let calls = kind == DatabaseKind::MySql && sql.starts_with("call ");
    if (!runs || calls) && equal(&without_figures) {
        return Some("the figures of the statement before in the reply to what runs none");
    }
    if reads_unset(program, place, &sql) && equal(&without_types) {
        return Some("the type of a variable that was never set, where others have set it");
    }
    let is_pause = |place: &usize| matches!(program.steps[*place], Step::Pause(_));
    let before = (0..place).rev().find(|place| !is_pause(place));
    let last = before.and_then(|place| direct.0.get(place + 1)?.last());
    let gave_rows = matches!(last, Some(Reply::Rows(rows)) if rows.error.is_none());
    if sql.contains("found_rows") && !gave_rows {
        let of_rest = |reply: &Reply| without_rows(&without_warnings(&without_types(reply)));
        if equal(&of_rest) {
            return Some("FOUND_ROWS() after a statement that gives no rows");
        }
    }
    let is_tidb = kind == DatabaseKind::Tidb;
    if is_tidb && let Some(reason) = excuse_of_tidb(program, place, last, &equal) {
        return Some(reason);
    }
    if has(&sql, &CONDITIONS) {
        let is_of_older = last.is_none_or(|reply| !has_conditions(reply));
        if is_error(seen, LENT_ON) && is_hard(&sql, &program.steps[place]) {
            return Some("conditions asked for amid other statements, or by a prepared one");
        }
        if is_of_older && (!shows_any(seen) || last.is_some_and(is_of_edge)) {
            return Some("conditions of a statement before the last one, or of a command");
        }
        let cannot_be_read =
            matches!(last, Some(Reply::Error(packet)) if packet.code == PARSE_ERROR);
        if is_tidb && cannot_be_read {
            return Some("conditions that TiDB keeps over a text that it cannot read");
        }
        let calls = before.and_then(|place| text_of(program, place));
        if is_mysql && calls.is_some_and(|sql| sql.contains("found_rows()")) {
            return Some("the warning that FOUND_ROWS() is deprecated");
        }
    }
    if !has(&sql, &SUBSTITUTED) {
        return None;
    }
    if equal(&without_near) {
        return Some("the text of a literal in a syntax error");
    }
    if kind != DatabaseKind::MariaDb && equal(&without_types) {
        return Some("the type of a literal");
    }
    if is_tidb && equal(&without_columns) {
        return Some("the name of a literal: of SHOW COUNT(*), or with a comment behind the call");
    }
    if is_mysql && equal(&|reply| without_warnings(&without_types(reply))) {
        return Some("the warning that FOUND_ROWS() is deprecated");
    }
    None
}

/// What only TiDB does otherwise.
fn excuse_of_tidb(
    program: &Program,
    place: usize,
    last: Option<&Reply>,
    equal: &Equality<'_>,
) -> Option<Reason> {
    let sql = text_of(program, place)?;
    let mut before = (0..place).rev().filter_map(|place| text_of(program, place));
    let shows = before.next().is_some_and(|sql| sql.starts_with("show "));
    if sql.contains("row_count") && (shows || last.is_some_and(Reply::is_error)) {
        let of_rest = |reply: &Reply| without_rows(&without_types(reply));
        if equal(&of_rest) {
            return Some("ROW_COUNT() of TiDB after SHOW, or after a statement that failed");
        }
    }
    let is_execution = matches!(program.steps.get(place), Some(Step::Execute(_)));
    (is_execution && equal(&without_types))
        .then_some("the flags of a column, which TiDB keeps from the execution before")
}

/// True for what reads a user variable that no step before has set.
fn reads_unset(program: &Program, place: usize, sql: &str) -> bool {
    let before: String = (0..place)
        .filter_map(|place| text_of(program, place))
        .filter(|sql| sql.contains("set ") || sql.contains("into @") || sql.contains(":="))
        .collect();
    let users = sql.replace("@@", "");
    let mut parts = users.split('@').skip(1);
    parts.any(|part| {
        let name = part.split([',', ' ', ')', ';']).next().unwrap_or_default();
        !name.is_empty() && !before.contains(&format!("@{name}"))
    })
}

fn has(sql: &str, words: &[&str]) -> bool {
    words.iter().any(|word| sql.contains(word))
}

/// What a step runs, in lower case.
fn text_of(program: &Program, place: usize) -> Option<String> {
    let sql = match program.steps.get(place)? {
        Step::Query(sql) | Step::Prepare(_, sql) => sql,
        Step::Execute(execution) => {
            let mut before = program.steps[..place].iter().rev();
            before.find_map(|step| match step {
                Step::Prepare(slot, sql) if *slot == execution.slot => Some(sql),
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

/// A question that no literal answers, in a place where no captured reply can stand.
fn is_hard(sql: &str, step: &Step) -> bool {
    let is_prepared = matches!(step, Step::Execute(_));
    sql.contains("get diagnostics") || (sql.contains("show ") && (is_prepared || sql.contains(';')))
}

/// True for an error that the edge says in the origin's place.
fn is_of_edge(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(packet) if [UNKNOWN_STATEMENT, NO_CURSOR].contains(&packet.code))
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

/// True for replies with conditions in them, or a number of them.
fn shows_any(replies: &[Reply]) -> bool {
    let Some(Reply::Rows(rows)) = replies.first() else {
        return true;
    };
    let is_zero = |row: &Row| match row {
        Row::Text(values) => values.iter().flatten().all(|value| &**value == b"0"),
        Row::Binary(_) => false,
    };
    !rows.rows.iter().all(is_zero)
}

fn without_near(reply: &Reply) -> Reply {
    match reply {
        Reply::Error(packet) if packet.code == PARSE_ERROR => {
            Reply::Error(ErrPacket::new(packet.code, packet.sql_state, ""))
        }
        other => other.clone(),
    }
}

fn without_types(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    let columns = match &mut reply {
        Reply::Rows(rows) => &mut rows.columns,
        Reply::Prepared(prepared) => &mut prepared.columns,
        _ => return reply,
    };
    for column in columns {
        *column = Column(column.name().into());
    }
    reply
}

fn without_warnings(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    match &mut reply {
        Reply::Ok(outcome) => outcome.end.warnings = 0,
        Reply::Rows(rows) => {
            for end in [&mut rows.between, &mut rows.end].into_iter().flatten() {
                end.warnings = 0;
            }
        }
        _ => {}
    }
    reply
}

fn without_figures(reply: &Reply) -> Reply {
    let mut reply = without_warnings(reply);
    match &mut reply {
        Reply::Ok(outcome) => {
            (outcome.affected_rows, outcome.last_insert_id) = (0, 0);
            outcome.end.info.clear();
            outcome.info.clear();
        }
        Reply::Fields(_, end) => end.warnings = 0,
        _ => {}
    }
    reply
}

fn without_columns(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    if let Reply::Rows(rows) = &mut reply {
        rows.columns.clear();
    }
    reply
}

fn without_rows(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    if let Reply::Rows(rows) = &mut reply {
        rows.rows.clear();
    }
    reply
}

#[cfg(test)]
mod tests {
    use mysql_proto::Capabilities;

    use super::*;
    use crate::differential::reply::{End, Outcome, ResultSet};
    use crate::differential::step::{Ending, Login};

    fn program(steps: Vec<Step>) -> Program {
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

    fn query(sql: &str) -> Step {
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
    fn a_question_stays_behind_a_statement_only() {
        let question = query("SELECT ROW_COUNT()");
        let update = query("UPDATE kind SET price = 1");
        let mut asked = program(vec![
            question.clone(),
            update.clone(),
            Step::Pause(1),
            question.clone(),
            Step::Ping,
            question.clone(),
        ]);
        narrow(&mut asked);
        let left = [update, Step::Pause(1), question, Step::Ping];
        assert_eq!(asked.steps, left);
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
