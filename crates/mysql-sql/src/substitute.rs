//! Puts literals in the place of questions.

use crate::question::{Question, QuestionKind};

/// Longest alias that servers take, in bytes (MySQL and MariaDB: 256 characters). A longer column
/// is not named after its text.
const MAX_ALIAS: usize = 255;

/// The text with literals in the place of these questions; all else stays byte for byte.
///
/// The questions are those of [`classify`](crate::classify()) on the same text, in their order;
/// some may be left out. A range that does not fit the text is passed over. The literal has the
/// type of the call it stands for.
pub fn substitute(sql: &[u8], answers: &[(&Question, i128)]) -> Vec<u8> {
    let mut text = Vec::with_capacity(sql.len().saturating_add(64));
    let mut done = 0usize;
    let mut answers = answers.iter().peekable();
    while let Some((question, answer)) = answers.next() {
        let Some(before) = sql.get(done..question.range.start) else {
            continue;
        };
        if sql.len() < question.range.end {
            continue;
        }
        let is_variable = sql.get(question.range.start) == Some(&b'@');
        text.extend_from_slice(before);
        text.extend_from_slice(literal(question.kind, is_variable, *answer).as_bytes());
        done = question.range.end;
        // One alias for each column, behind its last question.
        let next = answers.peek().and_then(|(next, _)| next.column.as_ref());
        if let Some(column) = question.column.as_ref().filter(|&own| Some(own) != next)
            && let (Some(rest), Some(name)) = (sql.get(done..column.end), sql.get(column.clone()))
        {
            text.extend_from_slice(rest);
            done = column.end;
            push_alias(&mut text, name);
        }
    }
    text.extend_from_slice(sql.get(done..).unwrap_or_default());
    text
}

/// The types, lengths and flags are those that MariaDB, MySQL and TiDB give to the calls: a cast
/// alone would be a mere `INT` of MariaDB. (TiDB has strings for `@@warning_count`, `@@error_count`
/// and `@@pseudo_thread_id`, and a `FOUND_ROWS()` without a sign.)
fn literal(kind: QuestionKind, is_variable: bool, answer: i128) -> String {
    match kind {
        // A system variable may be NULL, for all that its type tells.
        _ if is_variable => format!("NULLIF({answer}|0,NULL)"),
        QuestionKind::LastInsertId | QuestionKind::WarningCount | QuestionKind::ErrorCount => {
            format!("({answer}|0)")
        }
        QuestionKind::RowCount | QuestionKind::FoundRows => {
            format!("ROUND(CAST({answer}|0 AS SIGNED))")
        }
        // As wide as MariaDB's ids.
        QuestionKind::ConnectionId => format!("ROUND(CAST({answer:010} AS UNSIGNED))"),
    }
}

fn push_alias(text: &mut Vec<u8>, name: &[u8]) {
    if name.len() > MAX_ALIAS {
        return;
    }
    text.extend_from_slice(b" AS `");
    for &byte in name {
        if byte == b'`' {
            text.push(b'`');
        }
        text.push(byte);
    }
    text.push(b'`');
}
