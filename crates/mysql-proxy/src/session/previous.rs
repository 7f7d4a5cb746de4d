//! What is known of the statement before, which the next one may ask about.

use conn_pool::Visit;
use mysql_proto::{HEADER_LEN, Summary, TextRow};
use mysql_sql::{Effect, QuestionKind};

use crate::origin::Answer;

/// What is known of the statement before.
#[derive(Debug)]
pub(super) struct Previous {
    /// There was none.
    is_none: bool,
    /// Where it ran, if nothing of ours ran there after it.
    pub(super) visit: Option<Visit>,
    /// What `ROW_COUNT()` gives.
    row_count: i128,
    /// The edge refused a command since, of which its connection knows nothing.
    pub(super) is_refused: bool,
    /// What `FOUND_ROWS()` gives. `None`: only its connection can tell.
    pub(super) found_rows: Option<u64>,
    /// It warned or failed.
    pub(super) warned: bool,
    /// What `SHOW WARNINGS` answered then.
    pub(super) warnings: Option<Warnings>,
}

/// A captured response to `SHOW WARNINGS`.
#[derive(Debug)]
pub(super) struct Warnings {
    answer: Answer,
    has_eof: bool,
}

impl Previous {
    /// Before the first statement.
    pub(super) fn none() -> Self {
        Self {
            is_none: true,
            visit: None,
            row_count: 0,
            is_refused: false,
            found_rows: Some(0),
            warned: false,
            warnings: None,
        }
    }

    /// Notes how a statement went. What asks about the one before it leaves that as it was.
    /// `keeps_conditions`: and so does this one with its warnings, if it has none itself.
    pub(super) fn note(
        &mut self,
        visit: Visit,
        effect: &Effect,
        summary: &Summary,
        keeps_conditions: bool,
    ) {
        let failed = summary.error.is_some();
        let gave_rows = summary.result_sets > 0;
        self.is_none = false;
        self.visit = Some(visit);
        self.is_refused = false;
        self.row_count = if failed || summary.ends_with_rows {
            -1
        } else {
            i128::from(summary.affected_rows)
        };
        if let Some(asked) = effect.diagnostics
            && !failed
        {
            if asked.count {
                // Which is a SELECT to all servers.
                self.found_rows = Some(1);
            }
            if self.warnings.is_some() {
                // It was answered from what was captured: its connection knows nothing of that.
                self.visit = None;
            }
            return;
        }
        if failed && !gave_rows && self.found_rows.is_some() {
            // What failed found none, and servers keep the number.
        } else if effect.may_find_rows || effect.pin.is_some() {
            self.found_rows = None;
        } else if gave_rows {
            let is_told = summary.result_sets == 1 && !effect.calc_found_rows && !failed;
            self.found_rows = is_told.then_some(summary.rows);
        }
        // Those that were captured belong to another connection, and their answer to another state.
        let are_here = self.warnings.is_none();
        if keeps_conditions && are_here && !failed && summary.warnings == 0 {
            return;
        }
        self.warned = summary.warnings > 0 || failed;
        self.warnings = None;
    }

    /// The edge has told the client of an error, which took the place of what was told before.
    pub(super) fn refused(&mut self) {
        self.is_refused = true;
        self.row_count = -1;
        self.warned = false;
        self.warnings = None;
    }

    /// Its conditions were taken from its connection.
    pub(super) fn captured(&mut self, answer: Answer, has_eof: bool) {
        self.warnings = Some(Warnings { answer, has_eof });
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
            QuestionKind::WarningCount => self.count(|_| true),
            QuestionKind::ErrorCount => self.count(is_error),
            QuestionKind::LastInsertId | QuestionKind::ConnectionId => None,
        }
    }

    /// How many conditions there are of a level.
    pub(super) fn count(&self, of: fn(&[u8]) -> bool) -> Option<i128> {
        if !self.warned {
            return Some(0);
        }
        let warnings = self.warnings.as_ref()?;
        let count = warnings.rows().filter(|row| of(level(row))).count();
        i128::try_from(count).ok()
    }
}

impl Warnings {
    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.answer.rows(self.has_eof)
    }

    /// The response with only some of its rows: `skip` left out, then at most `limit`, of those
    /// that are errors if so asked.
    pub(super) fn part(&self, only_errors: bool, skip: usize, limit: usize) -> Vec<u8> {
        let (before, rows) = self.answer.split(self.has_eof);
        let count = usize::try_from(self.answer.summary.rows).unwrap_or(0);
        let chosen = rows
            .iter()
            .take(count)
            .filter(|packet| {
                let row = packet.get(HEADER_LEN..).unwrap_or_default();
                !only_errors || is_error(level(row))
            })
            .skip(skip)
            .take(limit);
        let end = rows.iter().skip(count);
        let mut bytes = Vec::new();
        let mut sequence_id = 1u8;
        for packet in before.iter().chain(chosen).chain(end) {
            let at = bytes.len();
            bytes.extend_from_slice(packet);
            if let Some(id) = bytes.get_mut(at + 3) {
                *id = sequence_id;
            }
            sequence_id = sequence_id.wrapping_add(1);
        }
        bytes
    }
}

/// The first column of a row of `SHOW WARNINGS`.
fn level(row: &[u8]) -> &[u8] {
    match TextRow::new(row).next() {
        Some(Ok(Some(level))) => level,
        _ => &[],
    }
}

/// True for the level of an error.
pub(super) fn is_error(level: &[u8]) -> bool {
    level == b"Error"
}
