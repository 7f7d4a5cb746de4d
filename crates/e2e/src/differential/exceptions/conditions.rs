//! Conditions: which of them a client may be told otherwise.

use testkit::DatabaseKind;

use super::{
    CONDITIONS, COUNTS, Case, NO_CURSOR, Reason, UNKNOWN_STATEMENT, has, is_error, text_of,
};
use crate::differential::reply::{Reply, Row};
use crate::differential::step::Step;
use crate::differential::without::{PARSE_ERROR, without_rows, without_warnings};

/// `ER_NOT_SUPPORTED_YET`: the edge has lent the connection on.
const LENT_ON: u16 = 1235;

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

impl Case<'_> {
    /// Warnings and errors that are missing, or could only be told by a connection that is lent on.
    pub(super) fn of_conditions(&self) -> Option<Reason> {
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
        let is_of_edge = self.last_to_warn().is_some_and(is_of_edge);
        if is_of_older && (is_of_edge || lacks_only(self.expected, self.seen)) {
            return Some("conditions of a statement before the last one, or of a command");
        }
        // It found none to tell of, which is a condition by itself.
        let before = self.place.checked_sub(1);
        let before = before.and_then(|place| text_of(self.program, place));
        let is_behind_question = before.is_some_and(|sql| sql.starts_with("get diagnostics"));
        if is_of_older && is_behind_question && self.equal(without_rows) {
            return Some("conditions of a statement before the last one, or of a command");
        }
        let is_without_text = matches!(
            self.before.and_then(|place| self.program.steps.get(place)),
            Some(Step::InitDb(_) | Step::FieldList(_))
        );
        if self.kind == DatabaseKind::MySql && is_without_text && self.equal(without_rows) {
            return Some("conditions that MySQL keeps over a command without a text");
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

    /// The last reply before this step, directly, that left conditions.
    fn last_to_warn(&self) -> Option<&Reply> {
        let before = self.direct.0.get(..=self.place)?;
        let mut replies = before.iter().rev().filter_map(|replies| replies.last());
        replies.find(|reply| has_conditions(reply) || is_of_edge(reply))
    }
}

/// A question that no literal answers, in a place where no captured reply can stand.
pub(in crate::differential) fn is_hard(sql: &str, step: &Step) -> bool {
    let is_prepared = matches!(step, Step::Execute(_));
    let is_amid = sql.contains(';');
    let shows = sql.contains("show ") && (is_prepared || is_amid);
    sql.contains("get diagnostics") || shows || (is_amid && has(sql, &CONDITIONS))
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

/// True for a statement that only shows conditions.
pub(super) fn is_show_of_conditions(sql: &str) -> bool {
    sql.starts_with("show ") && !sql.contains(';') && has(sql, &CONDITIONS)
}
