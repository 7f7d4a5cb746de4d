//! What is known of the statement before, which the next one may ask about.

use conn_pool::Visit;
use mysql_proto::Summary;
use mysql_sql::{
    Conditions, Diagnostics, Effect, MakesInsertId, PinReason, QuestionKind, StatementKind,
};

use super::warnings::{Level, Warnings};
use crate::origin::{Answer, Flavor};

/// What is known of the statement before.
#[derive(Debug)]
pub(super) struct Previous {
    /// There was none.
    is_none: bool,
    /// Where it ran, if nothing of ours ran there after it.
    pub(super) visit: Option<Visit>,
    /// What `ROW_COUNT()` gives.
    pub(super) row_count: i128,
    /// Its connection gives another `ROW_COUNT()`: the edge refused a command since, or one was
    /// sent that leaves it as it was.
    pub(super) is_counted_elsewhere: bool,
    /// What `FOUND_ROWS()` gives. `None`: only its connection can tell.
    pub(super) found_rows: Option<u64>,
    /// It warned or failed.
    pub(super) warned: bool,
    /// How many conditions the reply to one statement told of: more than are kept, perhaps. `None`:
    /// it failed, or there were several.
    told: Option<u32>,
    /// What `SHOW WARNINGS` answered then.
    pub(super) warnings: Option<Warnings>,
}

/// Where a statement ran, and what it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ran {
    pub(super) kind: StatementKind,
    pub(super) flavor: Flavor,
    pub(super) visit: Visit,
    /// It has set another character set.
    pub(super) in_other_text: bool,
}

impl Previous {
    /// Before the first statement.
    pub(super) fn none() -> Self {
        Self {
            is_none: true,
            visit: None,
            row_count: 0,
            is_counted_elsewhere: false,
            found_rows: Some(0),
            warned: false,
            told: None,
            warnings: None,
        }
    }

    /// Notes how a statement went. What asks about the one before it leaves that as it was.
    pub(super) fn note(&mut self, ran: Ran, effect: &Effect, summary: &Summary) {
        let failed = summary.error.is_some();
        let has_own = failed || summary.warnings > 0;
        self.is_none = false;
        let before = self.visit.replace(ran.visit);
        let row_count = match ran.flavor {
            Flavor::TiDb => row_count_of_tidb(ran.kind, effect, summary),
            _ if failed || summary.ends_with_rows => Some(-1),
            _ => Some(i128::from(summary.affected_rows)),
        };
        self.is_counted_elsewhere = row_count.is_none();
        self.row_count = row_count.unwrap_or(self.row_count);
        match effect.diagnostics {
            Some(asked) if !failed => self.note_answer(asked, ran.flavor, summary),
            _ => {
                self.note_found_rows(ran.flavor, effect, summary);
                self.note_conditions(&ran, effect, summary, has_own);
            }
        }
        let are_there = has_own || before == Some(ran.visit);
        if self.warned && self.warnings.is_none() && !are_there {
            // Nobody knows any more where they are.
            self.visit = None;
        }
    }

    /// The connection has told of its conditions.
    fn note_answer(&mut self, asked: Diagnostics, flavor: Flavor, summary: &Summary) {
        self.note_shown(asked, flavor, summary.rows);
        if self.warnings.is_some() {
            // It was answered from what was captured: its connection knows nothing of that.
            self.visit = None;
        } else {
            // It may have added some itself: a prepared one of TiDB's, which it cannot cache.
            self.warned |= summary.warnings > 0;
        }
    }

    /// Likewise, but the edge has.
    pub(super) fn note_answered(&mut self, asked: Diagnostics, flavor: Flavor, rows: u64) {
        self.note_shown(asked, flavor, rows);
        self.is_counted_elsewhere = true;
    }

    /// The client was told of conditions, in so many rows. A count is a `SELECT` to all servers.
    fn note_shown(&mut self, asked: Diagnostics, flavor: Flavor, rows: u64) {
        if asked.count || flavor.is_tidb() {
            self.found_rows = Some(rows);
        }
        self.row_count = if flavor.is_tidb() { 0 } else { -1 };
    }

    fn note_found_rows(&mut self, flavor: Flavor, effect: &Effect, summary: &Summary) {
        let failed = summary.error.is_some();
        let gave_rows = summary.result_sets > 0;
        let runs_unknown = effect.runs_program && effect.pin.is_some();
        let reads_by_hand = effect.pin == Some(PinReason::HandlerStatement);
        // The server has counted rows that are still to be fetched.
        let opens_cursor = summary.cursor_open && !flavor.is_tidb();
        // On TiDB it is always that of the last one, and lost with a look at the warnings.
        let is_last = flavor.is_tidb() && summary.ends_with_rows && !failed;
        if failed && !gave_rows && self.found_rows.is_some() {
            // What failed found none, and servers keep the number.
        } else if is_last && effect.is_multi && !effect.calc_found_rows {
            self.found_rows = Some(summary.last_rows());
        } else if effect.may_find_rows || runs_unknown || reads_by_hand || opens_cursor {
            self.found_rows = None;
        } else if gave_rows {
            let is_of_one = summary.result_sets == 1 || is_last;
            let is_told = is_of_one && !effect.calc_found_rows && !failed;
            self.found_rows = is_told.then_some(summary.last_rows());
        }
    }

    /// `has_own`: it warned or failed.
    fn note_conditions(&mut self, ran: &Ran, effect: &Effect, summary: &Summary, has_own: bool) {
        let are_kept = match effect.conditions {
            Conditions::Kept => true,
            Conditions::KeptByMariaDb => ran.flavor.is_mariadb(),
            Conditions::Cleared => false,
        };
        // Those that were captured have the character set of their time.
        let are_readable = self.warnings.is_none() || !ran.in_other_text;
        if has_own || !(are_kept && are_readable) {
            self.warned = has_own;
            let is_one = !(effect.is_multi || effect.runs_program) && summary.error.is_none();
            self.told = is_one.then_some(summary.warnings);
            self.warnings = None;
        }
    }

    /// A `SELECT` without warnings was answered with so many rows by no connection.
    pub(super) fn note_kept(&mut self, rows: u64) {
        self.note_plain(None, rows);
    }

    /// Likewise, on the connection of this visit: as [`Previous::note`] does.
    pub(super) fn note_plain(&mut self, visit: Option<Visit>, rows: u64) {
        *self = Self {
            is_none: false,
            visit,
            row_count: -1,
            is_counted_elsewhere: visit.is_none(),
            found_rows: Some(rows),
            warned: false,
            told: Some(0),
            warnings: None,
        };
    }

    /// Its connection has run something since that counts no rows.
    pub(super) fn counted_elsewhere(&mut self) {
        self.is_counted_elsewhere = true;
    }

    /// What was just noted leaves `ROW_COUNT()` as it was before that.
    pub(super) fn keep_row_count(&mut self, before: i128) {
        self.row_count = before;
        self.is_counted_elsewhere = true;
    }

    /// The edge has told the client of an error, which took the place of what was told before.
    pub(super) fn refused(&mut self) {
        self.is_counted_elsewhere = true;
        self.row_count = -1;
        self.warned = false;
        self.told = None;
        self.warnings = None;
    }

    /// Its conditions were taken from its connection.
    pub(super) fn captured(&mut self, answer: Answer, has_eof: bool) {
        self.warnings = Some(Warnings::new(answer, has_eof));
    }

    /// Those of the statement before stay ahead of what was captured now, if that was refused
    /// before it began. Where there are too many, nobody knows them any more.
    pub(super) fn put_behind(&mut self, older: Option<&Warnings>) {
        let warnings = self.warnings.take();
        self.warnings = warnings.and_then(|warnings| warnings.behind(older));
    }

    /// True behind a read that has neither warned nor failed.
    pub(super) fn is_plain_read(&self) -> bool {
        !self.is_none && !self.warned && self.told == Some(0) && self.row_count == -1
    }

    /// True before the first statement.
    pub(super) fn is_none(&self) -> bool {
        self.is_none
    }

    /// What a question has for an answer. `None`: only the statement's connection can tell.
    pub(super) fn answer(&self, kind: QuestionKind) -> Option<i128> {
        match kind {
            QuestionKind::RowCount => Some(self.row_count),
            QuestionKind::FoundRows => self.found_rows.map(i128::from),
            QuestionKind::WarningCount => self.count(Level::Any),
            QuestionKind::ErrorCount => self.count(Level::Error),
            QuestionKind::LastInsertId | QuestionKind::ConnectionId => None,
        }
    }

    /// How many conditions there are of a level.
    pub(super) fn count(&self, level: Level) -> Option<i128> {
        if !self.warned {
            return Some(0);
        }
        let kept = self.warnings.as_ref().map(|warnings| warnings.count(level));
        match (level, self.told) {
            (Level::Any, Some(told)) => Some(kept.unwrap_or(0).max(told.into())),
            _ => kept,
        }
    }
}

/// What `ROW_COUNT()` gives after a statement on TiDB, where a `SELECT` alone has -1. `None`: as
/// before, because it failed before it began.
fn row_count_of_tidb(kind: StatementKind, effect: &Effect, summary: &Summary) -> Option<i128> {
    /// Errors of syntax, of a `LOAD DATA LOCAL` or several statements that are not allowed, and of
    /// a prepared statement that is not there.
    const NOT_BEGUN: [u16; 6] = [1064, 1148, 1243, 1421, 8111, 8130];
    // Of several statements nothing is told of any.
    let is_untold = effect.makes_insert_id == MakesInsertId::Untold && !effect.is_multi;
    let is_load = kind == StatementKind::Write && is_untold;
    Some(match summary.error {
        Some(code) if NOT_BEGUN.contains(&code) => return None,
        Some(_) if kind == StatementKind::Read => -1,
        Some(_) => 0,
        None if summary.ends_with_rows && kind == StatementKind::Show => 0,
        None if summary.ends_with_rows => -1,
        None if is_load => 0,
        None => i128::from(summary.affected_rows),
    })
}
