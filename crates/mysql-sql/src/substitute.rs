//! Puts literals in the place of questions.

use crate::question::{Answer, Question, QuestionKind, Server};

/// Longest alias that servers take, in bytes (MySQL and MariaDB: 256 characters). A longer column
/// is not named after its text.
const MAX_ALIAS: usize = 255;

/// The text with literals in the place of these questions; all else stays byte for byte.
///
/// The questions are those of [`classify`](crate::classify()) on the same text, in their order;
/// some may be left out. A range that does not fit the text is passed over. The literal has the
/// type of the call it stands for, at this server.
pub fn substitute(sql: &[u8], answers: &[(&Question, Answer)], server: Server) -> Vec<u8> {
    let mut text = Vec::with_capacity(sql.len().saturating_add(64));
    let mut done = 0usize;
    let mut answers = answers.iter().peekable();
    while let Some((question, answer)) = answers.next() {
        let Some(before) = sql.get(done..question.range.start) else {
            continue;
        };
        let Some(call) = sql.get(question.range.clone()) else {
            continue;
        };
        text.extend_from_slice(before);
        push_answer(&mut text, call, question.kind, *answer, server);
        done = question.range.end;
        // One alias for each column, behind its last question.
        let next = answers.peek().and_then(|(next, _)| next.column.as_ref());
        if let Some(column) = question.column.as_ref().filter(|&own| Some(own) != next)
            && let (Some(rest), Some(name)) = (
                sql.get(done..column.range.end),
                sql.get(column.name.clone()),
            )
        {
            text.extend_from_slice(rest);
            done = column.range.end;
            push_alias(&mut text, name);
        }
    }
    text.extend_from_slice(sql.get(done..).unwrap_or_default());
    text
}

fn push_answer(
    text: &mut Vec<u8>,
    call: &[u8],
    kind: QuestionKind,
    answer: Answer,
    server: Server,
) {
    match answer {
        Answer::Value(value) => {
            let is_variable = call.starts_with(b"@");
            text.extend_from_slice(literal(kind, is_variable, value, server).as_bytes());
        }
        Answer::ZeroFor(other) => {
            for part in [b"(".as_slice(), call, b"*(", call, b"<>"] {
                text.extend_from_slice(part);
            }
            text.extend_from_slice(format!("{other}))").as_bytes());
        }
    }
}

/// The types, lengths, flags and warnings are those that the servers give to the calls: a cast
/// alone would be a mere `INT` of MariaDB, and TiDB takes for certain that what it can compute
/// ahead is not NULL. (MySQL warns that `FOUND_ROWS()` is deprecated, so there it stays in.)
fn literal(kind: QuestionKind, is_variable: bool, value: i128, server: Server) -> String {
    use QuestionKind::{ConnectionId, ErrorCount, FoundRows, LastInsertId, RowCount, WarningCount};
    match (kind, server) {
        (WarningCount | ErrorCount, Server::TiDb) => {
            format!("IF(FOUND_ROWS()<0,NULL,CAST('{value}' AS CHAR))")
        }
        // It knows the variable and has nothing in it.
        (ConnectionId, Server::TiDb) if is_variable => {
            "IF(FOUND_ROWS()<0,NULL,CAST('' AS CHAR))".to_owned()
        }
        (FoundRows, Server::TiDb) => format!("(FOUND_ROWS()&0|{value})"),
        (LastInsertId, Server::TiDb) if is_variable => format!("(FOUND_ROWS()&0|{value})"),
        // A system variable may be NULL, for all that its type tells.
        _ if is_variable => format!("NULLIF({value}|0,NULL)"),
        (LastInsertId | WarningCount | ErrorCount, _) => format!("({value}|0)"),
        (FoundRows, Server::MySql) => format!("ROUND(CAST(FOUND_ROWS()&0|{value} AS SIGNED))"),
        (RowCount | FoundRows, _) => format!("ROUND(CAST({value}|0 AS SIGNED))"),
        // As wide as MariaDB's ids.
        (ConnectionId, _) => format!("ROUND(CAST({value:010} AS UNSIGNED))"),
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
