//! What a client may be told otherwise than on a direct connection, each with its reason. Nobody is
//! promised these; users read of them in `docs/protocol/mysql.md`, "What a client can still tell".
//! The list is whole: whatever else differs is a fault.
//!
//! Here is what all servers share; `exceptions/servers.rs` has what one does, and
//! `exceptions/conditions.rs` warnings and errors.

mod conditions;
mod servers;

use testkit::DatabaseKind;

pub(super) use conditions::is_hard;
use conditions::is_show_of_conditions;
use servers::panicked;

use super::play::Transcript;
use super::reply::Reply;
use super::step::{Execution, Program, Step};
use super::without::{PARSE_ERROR, without_figures, without_near, without_rows, without_types};

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

/// `ER_UNKNOWN_STMT_HANDLER` and `ER_STMT_HAS_NO_OPEN_CURSOR`: the edge keeps the statements, so it
/// is the edge that says so.
const UNKNOWN_STATEMENT: u16 = 1243;
const NO_CURSOR: u16 = 1421;

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
    /// All replies directly.
    direct: &'a Transcript,
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
    if let Some(reason) = panicked(kind, at, [direct, through]) {
        return Some(reason);
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
        direct,
        last: before.and_then(|place| direct.0.get(place + 1)?.last()),
        last_seen: before
            .and_then(|place| through.0.get(place + 1))
            .map_or(&[], Vec::as_slice),
    };
    case.of_any_statement()
        .or_else(|| case.of_found_rows())
        .or_else(|| case.of_mariadb())
        .or_else(|| case.of_loading())
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
        let reads_unset = reads_unset(self.program, self.place, &self.sql);
        // To prepare `SET @a = ?` gives it one on MySQL, too.
        let asks_for_type = has(&self.sql, &["collation(", "charset(", "coercibility("]);
        let is_of_type = self.equal(without_types) || (asks_for_type && self.equal(without_rows));
        (reads_unset && is_of_type)
            .then_some("the type of a variable that was never set, where others have set it")
    }

    fn of_found_rows(&self) -> Option<Reason> {
        let gave_rows = matches!(self.last, Some(Reply::Rows(rows)) if rows.error.is_none());
        let fetches = matches!(self.program.steps.get(self.place), Some(Step::Fetch(..)));
        (self.sql.contains("found_rows") && (fetches || !gave_rows) && self.equal(without_rows))
            .then_some("FOUND_ROWS() after a statement that gives no rows")
    }

    fn of_literals(&self) -> Option<Reason> {
        if has(&self.sql, &SUBSTITUTED) && self.equal(without_near) {
            return Some("the text of a literal in a syntax error");
        }
        // What cannot be read is passed on as it is.
        let is_unread = is_error(self.expected, PARSE_ERROR);
        (is_unread && self.sql.contains("connection_id") && self.equal(without_rows))
            .then_some("the session's id in a text that is not understood")
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
    let before: Vec<_> = parts.filter(sets).collect();
    let is_set = |name: &str| {
        let signs = ["=", " =", ":=", " :="];
        before.iter().any(|sql| match sql.split_once("into @") {
            Some(_) => sql.contains(name),
            None => signs
                .iter()
                .any(|sign| sql.contains(&format!("{name}{sign}"))),
        })
    };
    let users = sql.replace("@@", "");
    let mut parts = users.split('@').skip(1);
    parts.any(|part| {
        let name = part.split([',', ' ', ')', ';']).next().unwrap_or_default();
        !name.is_empty() && !is_set(&format!("@{name}"))
    })
}

pub(super) fn has(sql: &str, words: &[&str]) -> bool {
    words.iter().any(|word| sql.contains(word))
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

#[cfg(test)]
pub(super) mod tests {
    use mysql_proto::Capabilities;

    use super::*;
    use crate::differential::reply::{End, Outcome, ResultSet, Row};
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
