//! What a statement does to the connection that runs it.

use crate::builtin::is_builtin;
use crate::command::Kill;
use crate::effect::Effect;
use crate::pin::PinReason;
use crate::token::{Escapes, Token, Tokens};
use crate::word::{self, Betraying, Head};

/// What is known of a command's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The kind of its first statement, for figures and logs.
    pub kind: StatementKind,
    /// What it does to the connection, or needs of it.
    pub effect: Effect,
}

/// The broad kind of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatementKind {
    /// Only reads.
    Read,
    /// Changes rows.
    Write,
    /// Changes the schema, rights or tables as a whole.
    Define,
    /// Begins, ends or marks a transaction.
    Transaction,
    /// Anything else.
    Other,
}

/// Tells what the text of a command (one statement, or several with semicolons) does.
///
/// `sql` may be in any character set that has ASCII's letters where ASCII has them, which all
/// client character sets of MySQL do.
pub fn classify(sql: &[u8], escapes: Escapes) -> Statement {
    let mut tokens = Tokens::new(sql, escapes);
    // Nothing but comments: the origin answers with an error, and nothing changes.
    let Some(mut first) = next_statement(&mut tokens) else {
        return Statement {
            kind: StatementKind::Other,
            effect: Effect::default(),
        };
    };
    while let Some(next) = next_statement(&mut tokens) {
        first.effect = first.effect.and(&next.effect);
    }
    first
}

/// Reads one statement up to its semicolon. `None` at the end of the text.
fn next_statement(tokens: &mut Tokens<'_>) -> Option<Statement> {
    let first = tokens.find(|token| !matches!(token, Token::Sign(b';' | b'(')))?;
    let Token::Word(first) = first else {
        return Some(pinned(tokens, PinReason::NotUnderstood));
    };
    let Some(head) = word::head(first) else {
        return Some(pinned(tokens, reason_of_head(first)));
    };
    let kind = match head {
        Head::Read | Head::Show => StatementKind::Read,
        Head::Write | Head::Insert => StatementKind::Write,
        Head::Define | Head::Drop => StatementKind::Define,
        Head::Begin | Head::Transaction => StatementKind::Transaction,
        Head::Use | Head::Kill => StatementKind::Other,
    };
    let effect = match head {
        Head::Begin => begin(first, tokens),
        Head::Transaction => transaction(tokens),
        Head::Show => show(tokens),
        Head::Use => use_database(tokens),
        Head::Kill => Effect {
            kill: Some(Kill {
                id: None,
                query: false,
            }),
            ..scan(tokens)
        },
        Head::Drop => drop_something(tokens),
        Head::Read | Head::Write => scan(tokens),
        Head::Insert => scan_calls(
            tokens,
            Calls::From(&["VALUES", "VALUE", "SELECT", "SET", "TABLE"]),
        ),
        Head::Define => scan_calls(tokens, Calls::From(&["SELECT"])),
    };
    Some(Statement { kind, effect })
}

/// A statement that pins by its first word. What it reads counts all the same.
fn pinned(tokens: &mut Tokens<'_>, reason: PinReason) -> Statement {
    // Calls do not matter any more, and a `SET` that sets a constant is no reason for another
    // connection.
    let mut effect = Effect::pin(reason).and(&scan_calls(tokens, Calls::From(&[])));
    if reason == PinReason::Diagnostics {
        effect.reads_previous = true;
        effect.needs_unused = false;
    }
    Statement {
        kind: StatementKind::Other,
        effect,
    }
}

/// Names why a statement pins that is not in the list of heads.
fn reason_of_head(word: &[u8]) -> PinReason {
    const REASONS: [(&str, PinReason); 11] = [
        ("GET", PinReason::Diagnostics),
        ("SET", PinReason::SessionVariable),
        ("CALL", PinReason::Procedure),
        ("PREPARE", PinReason::TextPrepare),
        ("EXECUTE", PinReason::TextPrepare),
        ("DEALLOCATE", PinReason::TextPrepare),
        ("LOCK", PinReason::TableLock),
        ("UNLOCK", PinReason::TableLock),
        ("FLUSH", PinReason::TableLock),
        ("XA", PinReason::DistributedTransaction),
        ("DO", PinReason::NotUnderstood),
    ];
    REASONS
        .iter()
        .find(|(keyword, _)| word::is(word, keyword))
        .map_or(PinReason::NotUnderstood, |&(_, reason)| reason)
}

/// `BEGIN [WORK]`, `START TRANSACTION …`. `BEGIN NOT ATOMIC` (MariaDB's compound statement) and
/// `START REPLICA` are not ours.
fn begin(first: &[u8], tokens: &mut Tokens<'_>) -> Effect {
    // TiDB also knows BEGIN PESSIMISTIC and BEGIN OPTIMISTIC.
    const OF_BEGIN: [&str; 3] = ["WORK", "PESSIMISTIC", "OPTIMISTIC"];
    const OF_START: [&str; 1] = ["TRANSACTION"];
    let is_begin = word::is(first, "BEGIN");
    let second = tokens.clone().next();
    let is_alone = matches!(second, None | Some(Token::Sign(b';')));
    let allowed: &[&str] = if is_begin { &OF_BEGIN } else { &OF_START };
    let is_ours = (is_begin && is_alone)
        || matches!(second, Some(Token::Word(word))
            if allowed.iter().any(|keyword| word::is(word, keyword)));
    let effect = scan(tokens);
    if is_ours {
        effect
    } else {
        Effect::pin(PinReason::NotUnderstood).and(&effect)
    }
}

/// `COMMIT …`, `ROLLBACK …`, `SAVEPOINT x`, `RELEASE SAVEPOINT x`. With `RELEASE` at the end the
/// origin closes the connection, which only a direct one can show.
fn transaction(tokens: &mut Tokens<'_>) -> Effect {
    let mut previous_is_no = false;
    let releases = words(tokens).any(|word| {
        let releases = word::is(word, "RELEASE") && !previous_is_no;
        previous_is_no = word::is(word, "NO");
        releases
    });
    let effect = scan(tokens);
    if releases {
        effect.and(&Effect::pin(PinReason::NotUnderstood))
    } else {
        effect
    }
}

/// `SHOW …`: `SHOW [COUNT(*)] WARNINGS | ERRORS` ask about the statement before.
fn show(tokens: &mut Tokens<'_>) -> Effect {
    let asks_previous =
        words(tokens).any(|word| word::is(word, "WARNINGS") || word::is(word, "ERRORS"));
    let mut effect = scan(tokens);
    effect.reads_previous |= asks_previous;
    effect
}

/// `USE name`.
fn use_database(tokens: &mut Tokens<'_>) -> Effect {
    let name = match tokens.next() {
        Some(Token::Word(name)) => String::from_utf8(name.to_vec()).ok(),
        Some(Token::Quoted(name)) => String::from_utf8(name.to_vec())
            .ok()
            .map(|name| name.replace("``", "`")),
        _ => None,
    };
    let alone = matches!(tokens.next(), None | Some(Token::Sign(b';')));
    match name {
        Some(name) if alone => Effect::use_database(name),
        _ => Effect::pin(PinReason::NotUnderstood).and(&scan(tokens)),
    }
}

/// The words of the statement at hand, without moving on.
fn words<'a>(tokens: &Tokens<'a>) -> impl Iterator<Item = &'a [u8]> {
    tokens
        .clone()
        .take_while(|token| *token != Token::Sign(b';'))
        .filter_map(|token| match token {
            Token::Word(word) => Some(word),
            _ => None,
        })
}

/// `DROP …`: the database of the connection may be gone.
fn drop_something(tokens: &mut Tokens<'_>) -> Effect {
    let drops_database = words(tokens)
        .next()
        .is_some_and(|word| word::is(word, "DATABASE") || word::is(word, "SCHEMA"));
    let effect = scan_calls(tokens, Calls::From(&[]));
    if drops_database {
        effect.and(&Effect::pin(PinReason::DroppedDatabase))
    } else {
        effect
    }
}

/// From where on a name before a parenthesis is a call.
#[derive(Clone, Copy)]
enum Calls {
    Everywhere,
    /// Behind one of these words: what is before them names tables with their columns.
    From(&'static [&'static str]),
}

/// Looks for betraying words and calls up to the end of the statement.
fn scan(tokens: &mut Tokens<'_>) -> Effect {
    scan_calls(tokens, Calls::Everywhere)
}

fn scan_calls(tokens: &mut Tokens<'_>, mut calls: Calls) -> Effect {
    let mut effect = Effect::default();
    let mut before: &[u8] = &[];
    let mut is_qualified = false;
    while let Some(token) = tokens.next() {
        let opens = tokens.opens_parenthesis();
        let found = match token {
            Token::Sign(b';') => break,
            Token::Sign(sign) => {
                is_qualified = sign == b'.';
                continue;
            }
            Token::At => Effect::pin(PinReason::UserVariable),
            Token::AtAt => system_variable(tokens),
            Token::ExecutableComment | Token::Unfinished => Effect::pin(PinReason::NotUnderstood),
            // Under `ANSI_QUOTES` it is a name, and this is a call.
            Token::Literal if opens => Effect::pin(PinReason::NotUnderstood),
            Token::Quoted(name) if opens => call(name, true, calls).and(&betrayed_by(name, tokens)),
            Token::Literal | Token::Quoted(_) => Effect::default(),
            Token::Word(word) => {
                if let Calls::From(words) = calls
                    && words.iter().any(|keyword| word::is(word, keyword))
                {
                    calls = Calls::Everywhere;
                }
                let is_next_value = word::is(word, "VALUE") && word::is(before, "NEXT");
                before = word;
                let mut found = betrayed_by(word, tokens);
                if is_next_value {
                    found = found.and(&Effect::pin(PinReason::Sequence));
                }
                if opens {
                    found = found.and(&call(word, is_qualified, calls));
                }
                found
            }
        };
        is_qualified = false;
        effect = effect.and(&found);
    }
    effect
}

/// A name before a parenthesis. Quoted or behind a point it may be the user's, whatever it is.
fn call(name: &[u8], may_hide_builtin: bool, calls: Calls) -> Effect {
    match calls {
        Calls::From(_) => Effect::default(),
        Calls::Everywhere if !may_hide_builtin && is_builtin(name) => Effect::default(),
        Calls::Everywhere => Effect::pin(PinReason::StoredFunction),
    }
}

fn betrayed_by(word: &[u8], tokens: &Tokens<'_>) -> Effect {
    word::betraying(word).map_or_else(Effect::default, |word| betrayed(word, tokens))
}

/// What follows `@@`: `name`, `session.name`, `global.name`.
fn system_variable(tokens: &mut Tokens<'_>) -> Effect {
    let Some(Token::Word(mut word)) = tokens.next() else {
        return Effect::pin(PinReason::NotUnderstood);
    };
    if tokens.clone().next() == Some(Token::Sign(b'.')) {
        tokens.next();
        match tokens.next() {
            Some(Token::Word(name)) => word = name,
            _ => return Effect::pin(PinReason::NotUnderstood),
        }
    }
    let mut effect = Effect::default();
    if word::is_insert_id_variable(word) {
        effect.reads_insert_id = true;
    } else if word::is_previous_variable(word) {
        effect.reads_previous = true;
    } else if word::is(word, "PSEUDO_THREAD_ID") {
        effect = Effect::pin(PinReason::ConnectionId);
    }
    effect
}

fn betrayed(word: Betraying, tokens: &Tokens<'_>) -> Effect {
    let mut effect = Effect::default();
    match word {
        Betraying::Temporary => return Effect::pin(PinReason::TemporaryTable),
        Betraying::UserLock => return Effect::pin(PinReason::UserLock),
        Betraying::Sequence => return Effect::pin(PinReason::Sequence),
        Betraying::ConnectionId => return Effect::pin(PinReason::ConnectionId),
        Betraying::Binding => return Effect::pin(PinReason::SessionVariable),
        Betraying::CalcFoundRows => effect.keep_for_next = true,
        Betraying::Previous => effect.reads_previous = true,
        Betraying::LastInsertId => {
            effect.reads_insert_id = true;
            let mut following = tokens.clone();
            let is_empty_call = following.next() == Some(Token::Sign(b'('))
                && following.next() == Some(Token::Sign(b')'));
            effect.sets_insert_id = !is_empty_call;
        }
    }
    effect
}

#[cfg(test)]
mod tests;
