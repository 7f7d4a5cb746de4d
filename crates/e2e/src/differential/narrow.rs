//! Takes out of a program what nothing is promised of.

use std::collections::BTreeMap;

use super::exceptions::{CONDITIONS, COUNTS, SUBSTITUTED, has, is_hard, runs_statement};
use super::step::{Program, Step};

/// The low byte of the id of `gbk_chinese_ci`. A byte of such a character may look like a quote, so
/// nothing of these sessions' texts is read.
pub(super) const GBK: u8 = 28;

/// What makes a text with several statements one that is not understood.
const ODD: [&str; 5] = ["; (", "show ", "signal", "get diagnostics", "'unclosed"];

/// What leaves traces in tables, if only in the next number of a column.
const WRITES: [&str; 5] = ["insert", "update", "delete", "replace", "load data"];

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
        // Of a text that is not read, the ids of threads are those of the origin's connections: of
        // gbk, or perhaps so.
        if (is_gbk || !sql.is_ascii()) && has(&sql, &["connection_id", "pseudo_thread_id"]) {
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
        // Such a question may be refused, and what stands behind it is not run then.
        if sql.contains(';') && is_hard(&sql, step) && has(&sql, &WRITES) {
            return false;
        }
        // How many rows a cursor has left depends on how many conditions there are.
        let has_cursor = matches!(step, Step::Execute(execution) if execution.cursor);
        if has_cursor && has(&sql, &CONDITIONS) {
            return false;
        }
        if !matches!(step, Step::Pause(_)) {
            follows_statement = runs_statement(step, &sql);
            follows_question = has(&sql, &CONDITIONS);
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differential::exceptions::tests::{program, query};

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
}
