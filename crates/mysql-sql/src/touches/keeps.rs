//! Whether the result of a statement may be kept: it is one query, and its answer hangs on nothing
//! but its tables, the session's variables and its database. Or, which is less, whether it is one
//! query that changes nothing.

use super::NotKept;
use super::piece::Piece;
use super::reader::{Judges, Reader, expect};
use super::table::TableRef;
use crate::classify::{Dialect, Statement, StatementKind};
use crate::effect::Effect;
use crate::pin::PinReason;
use crate::question::Server;
use crate::token::{Token, Tokens};
use crate::word::is;

/// The tables that the statement reads, or why its result may not be kept.
pub(super) fn read(
    sql: &[u8],
    dialect: Dialect,
    statement: &Statement,
) -> Result<Vec<TableRef>, NotKept> {
    let tokens = Tokens::new(sql, dialect.escapes, dialect.letters);
    if statement.kind != StatementKind::Read || !is_select(tokens.clone()) {
        return Err(NotKept::NotASelect);
    }
    judge_effect(&statement.effect, dialect.server)?;
    if has_hint_that_matters(sql) {
        return Err(NotKept::Hint);
    }
    let mut reader = Reader::judging(Judges::Everything, tokens, dialect.server);
    reader.query()?;
    expect(reader.pieces.peek() == Piece::End)?;
    if statement.effect.may_write {
        return Err(NotKept::Writes);
    }
    let tables = reader.into_tables();
    if tables.is_empty() {
        return Err(NotKept::NoTable);
    }
    if tables.iter().any(TableRef::is_of_server) {
        return Err(NotKept::SystemTable);
    }
    Ok(tables)
}

/// The tables that a query reads, which surely does no more than that: it runs no program, and
/// whatever it calls is the server's own and changes nothing. `None`: it may. Whether its result
/// may be kept is another question.
pub fn merely_read(sql: &[u8], dialect: Dialect, statement: &Statement) -> Option<Vec<TableRef>> {
    let effect = &statement.effect;
    let tokens = Tokens::new(sql, dialect.escapes, dialect.letters);
    let may_do_more =
        effect.is_multi || effect.may_write || effect.runs_program || effect.pin.is_some();
    if may_do_more || statement.kind != StatementKind::Read || !is_select(tokens.clone()) {
        return None;
    }
    let mut reader = Reader::judging(Judges::Calls, tokens, dialect.server);
    reader.query().ok()?;
    let is_whole = reader.pieces.peek() == Piece::End;
    is_whole.then(|| reader.into_tables())
}

fn is_select(mut tokens: Tokens<'_>) -> bool {
    let first = tokens.find(|token| *token != Token::Sign(b'('));
    matches!(first, Some(Token::Word(word)) if is(word, "SELECT") || is(word, "WITH"))
}

/// Refuses what is known already not to be a mere query.
fn judge_effect(effect: &Effect, server: Server) -> Result<(), NotKept> {
    if effect.is_multi {
        return Err(NotKept::SeveralStatements);
    }
    match effect.pin {
        None => {}
        Some(PinReason::NotUnderstood) => return Err(NotKept::NotUnderstood),
        Some(PinReason::StoredFunction) => return Err(NotKept::Function),
        Some(PinReason::UserVariable) => return Err(NotKept::Variable),
        Some(PinReason::UserLock | PinReason::Sequence) => return Err(NotKept::Nondeterministic),
        Some(_) => return Err(NotKept::Session),
    }
    if !effect.user_variables.is_empty() {
        return Err(NotKept::Variable);
    }
    // `UNION … LIMIT`: MariaDB remembers how many rows there would be without the limit, which no
    // result tells.
    if effect.calc_found_rows && server != Server::TiDb {
        return Err(NotKept::FoundRows);
    }
    // No other fact is one of a mere query. (What it writes, if anything, is seen by its words.)
    let plain = Effect {
        calc_found_rows: effect.calc_found_rows,
        may_write: effect.may_write,
        may_find_rows: effect.may_find_rows,
        makes_insert_id: effect.makes_insert_id,
        conditions: effect.conditions,
        ..Effect::default()
    };
    if *effect == plain {
        Ok(())
    } else {
        Err(NotKept::Session)
    }
}

/// True if the text may have a hint to the optimizer that does more than to choose a plan.
///
/// Such hints are comments, which nothing else here looks into. One of these words in a literal
/// does no harm: the result is not kept.
fn has_hint_that_matters(sql: &[u8]) -> bool {
    const HINTS: [&[u8]; 3] = [b"SET_VAR", b"READ_CONSISTENT_REPLICA", b"TIME_RANGE"];
    let has = |text: &[u8]| {
        sql.windows(text.len())
            .any(|part| part.eq_ignore_ascii_case(text))
    };
    sql.contains(&b'+') && has(b"/*+") && HINTS.iter().any(|hint| has(hint))
}
