//! Which tables a statement changes, and whether it may commit.
//!
//! What is not said here to do less is believed to do the worst: to change everything, and to
//! commit.

use super::Touched;
use super::change;
use super::keyword::{Keyword, is_of_sequence};
use super::piece::{Piece, Pieces};
use super::reader::{Read, Reader};
use super::temporary;
use crate::classify::{Dialect, Statement, inside_of_header};
use crate::effect::Effect;
use crate::pin::PinReason;
use crate::token::{Token, Tokens};
use crate::word::{self, Head, is};

/// What a statement changes, and whether it may commit what was open before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) writes: Touched,
    pub(super) may_commit: bool,
}

impl Outcome {
    const ANYTHING: Self = Self {
        writes: Touched::Everything,
        may_commit: true,
    };
    /// It reads, or does something to its session only.
    pub(super) const NOTHING: Self = Self {
        writes: Touched::Nothing,
        may_commit: false,
    };
    /// It changes no table, but may end a transaction.
    const COMMITS: Self = Self {
        writes: Touched::Nothing,
        may_commit: true,
    };

    /// It changes rows, within the transaction that is open.
    fn rows(writes: Touched) -> Self {
        Self {
            writes,
            may_commit: false,
        }
    }

    /// It changes a table, and may commit.
    fn commits(writes: Touched) -> Self {
        Self {
            writes,
            may_commit: true,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            writes: self.writes.and(other.writes),
            may_commit: self.may_commit || other.may_commit,
        }
    }
}

/// Reads all statements of a text.
pub(super) fn read(sql: &[u8], dialect: Dialect, statement: &Statement) -> Outcome {
    let effect = &statement.effect;
    // Only functions are: what a procedure's text begins with, is its `CALL`.
    let called = effect.routines.alone();
    let calls_known = !called.is_empty() && !effect.is_multi;
    let runs_text = effect.pin == Some(PinReason::TextPrepare);
    let runs_program = effect.runs_program && !runs_text && !calls_known;
    // If it had more than a plain `SET` in it, it would not be understood.
    let sql = inside_of_header(sql).unwrap_or(sql);
    let mut tokens = Tokens::new(sql, dialect.escapes, dialect.letters);
    if runs_program && effect.pin != Some(PinReason::Procedure) {
        return Outcome::ANYTHING;
    }
    if effect.changes_logins || has_hidden_writes(tokens.clone()) {
        return Outcome::ANYTHING;
    }
    if effect.pin == Some(PinReason::Procedure) {
        return call(tokens, effect);
    }
    let writer = Writer { dialect, effect };
    let mut outcome = Outcome::NOTHING;
    while let Some(next) = writer.statement(&mut tokens) {
        outcome = outcome.and(next);
        // Behind it stands nothing, or the next one.
        if !effect.is_multi || !tokens.any(|token| token == Token::Sign(b';')) {
            break;
        }
    }
    Outcome {
        writes: outcome.writes.calling(called),
        ..outcome
    }
}

/// True if the text may move a sequence on, or has something that only some servers run: both may
/// stand anywhere.
fn has_hidden_writes(mut tokens: Tokens<'_>) -> bool {
    let mut last = &b""[..];
    tokens.any(|token| match token {
        Token::ExecutableComment | Token::Unfinished => true,
        Token::Quoted(name) => is_of_sequence(name),
        Token::Word(word) => {
            let before = std::mem::replace(&mut last, word);
            is_of_sequence(word) || (is(word, "VALUE") && is(before, "NEXT"))
        }
        _ => false,
    })
}

/// `CALL`. What its values read is no matter.
fn call(mut tokens: Tokens<'_>, effect: &Effect) -> Outcome {
    let routines = effect.routines.all();
    let routines = routines.filter(|_| tokens.take_word("CALL") && !effect.is_multi);
    let writes = routines.map(|routines| Touched::Nothing.calling(routines));
    Outcome::commits(writes.unwrap_or(Touched::Everything))
}

/// Reads one statement after the other.
struct Writer<'e> {
    dialect: Dialect,
    /// That of the whole text.
    effect: &'e Effect,
}

impl Writer<'_> {
    /// The statement at hand, not up to its end. `None` at the end of the text.
    fn statement(&self, tokens: &mut Tokens<'_>) -> Option<Outcome> {
        let is_before = |token: &Token<'_>| matches!(token, Token::Sign(b'(' | b';'));
        let Token::Word(first) = tokens.find(|token| !is_before(token))? else {
            return Some(Outcome::ANYTHING);
        };
        let head = word::head(first);
        let outcome = head.map(|head| self.outcome(first, head, tokens.clone()));
        Some(outcome.unwrap_or(Outcome::ANYTHING))
    }

    /// What a statement does that begins with this word; `tokens` are those behind it.
    fn outcome(&self, first: &[u8], head: Head, mut tokens: Tokens<'_>) -> Outcome {
        match head {
            Head::Read => self.query(first, tokens),
            Head::Insert => rows(change::insert(self.reader(tokens))),
            Head::Write if is(first, "UPDATE") => rows(change::update(self.reader(tokens))),
            Head::Write => rows(change::delete(self.reader(tokens))),
            // MySQL's `NDB` commits, and so does TiDB in parts.
            Head::Load => commits(change::load(self.reader(tokens))),
            Head::Define if is(first, "TRUNCATE") => commits(change::truncate(self.reader(tokens))),
            Head::Show | Head::Use | Head::Kill | Head::Do => Outcome::NOTHING,
            Head::Begin | Head::Get => Outcome::COMMITS,
            Head::Transaction => transaction(first, tokens),
            Head::Set => self.set(tokens),
            Head::Hold => hold(first, tokens),
            Head::Drop if tokens.take_word("PREPARE") => Outcome::NOTHING,
            // Nobody else sees it.
            Head::Drop if tokens.take_word("TEMPORARY") && tokens.take_word("TABLE") => {
                Outcome::COMMITS
            }
            Head::Create if tokens.take_word("TEMPORARY") => {
                Outcome::commits(temporary::written(tokens, self.dialect.server))
            }
            Head::Define | Head::Create | Head::Drop | Head::Analyze | Head::Call => {
                Outcome::ANYTHING
            }
        }
    }

    fn reader<'a>(&self, tokens: Tokens<'a>) -> Reader<'a> {
        Reader::new(Pieces::new(tokens), self.dialect.server)
    }

    /// `SELECT` and its like, `EXPLAIN`, `WITH`.
    fn query(&self, first: &[u8], tokens: Tokens<'_>) -> Outcome {
        if ["SELECT", "TABLE", "VALUES"]
            .iter()
            .any(|word| is(first, word))
        {
            return Outcome::NOTHING;
        }
        if is(first, "WITH") {
            let outcome = behind_named_queries(self.reader(tokens));
            return outcome.unwrap_or(Outcome::ANYTHING);
        }
        if is(first, "HELP") || is(first, "CHECKSUM") {
            return Outcome::COMMITS;
        }
        // `EXPLAIN ANALYZE` runs what it explains.
        if self.effect.may_write {
            Outcome::ANYTHING
        } else {
            Outcome::NOTHING
        }
    }

    fn set(&self, mut tokens: Tokens<'_>) -> Outcome {
        let mut behind = tokens.clone();
        let is_assigned = |token| matches!(token, Token::Sign(b'=' | b':' | b'.'));
        if behind.take_word("STATEMENT") && !behind.clone().take_if(is_assigned) {
            return self.set_statement(behind);
        }
        let mut outcome = Outcome::NOTHING;
        for token in tokens.by_ref() {
            match token {
                Token::Sign(b';') => break,
                Token::Word(word) if is(word, "PASSWORD") => return Outcome::ANYTHING,
                Token::Word(word) | Token::Quoted(word) if is(word, "AUTOCOMMIT") => {
                    outcome = Outcome::COMMITS;
                }
                _ => {}
            }
        }
        outcome
    }

    /// MariaDB's `SET STATEMENT a=1, … FOR statement`.
    fn set_statement(&self, mut tokens: Tokens<'_>) -> Outcome {
        let is_for = |token: &Token<'_>| matches!(token, Token::Word(word) if is(word, "FOR"));
        let is_over = |token: &Token<'_>| *token == Token::Sign(b';');
        let found = tokens.find(|token| is_for(token) || is_over(token));
        // One within another is none that servers know.
        let mut following = tokens.clone();
        let first = following.find(|token| *token != Token::Sign(b'('));
        let is_plain = matches!(first, Some(Token::Word(word)) if !is(word, "SET"));
        if found.as_ref().is_none_or(is_over) || !is_plain {
            return Outcome::ANYTHING;
        }
        match self.statement(&mut tokens) {
            Some(outcome) => Outcome::commits(outcome.writes),
            None => Outcome::ANYTHING,
        }
    }
}

fn rows(writes: Read<Touched>) -> Outcome {
    writes.map_or(Outcome::ANYTHING, Outcome::rows)
}

fn commits(writes: Read<Touched>) -> Outcome {
    Outcome::commits(writes.unwrap_or(Touched::Everything))
}

/// `WITH … SELECT`, `WITH … UPDATE`, `WITH … DELETE`.
fn behind_named_queries(mut reader: Reader<'_>) -> Read<Outcome> {
    reader.named_queries()?;
    reader.forget_tables();
    Ok(match reader.pieces.next()? {
        Piece::Keyword(Keyword::Select | Keyword::Table | Keyword::Values) | Piece::Sign(b'(') => {
            Outcome::NOTHING
        }
        Piece::Word(word) if is(word, "UPDATE") => rows(change::update(reader)),
        Piece::Word(word) if is(word, "DELETE") => rows(change::delete(reader)),
        _ => Outcome::ANYTHING,
    })
}

/// `COMMIT`, `ROLLBACK`, and what marks a transaction but does not end it.
fn transaction(first: &[u8], mut tokens: Tokens<'_>) -> Outcome {
    tokens.take_word("WORK");
    let goes_back = is(first, "ROLLBACK") && tokens.take_word("TO");
    if goes_back || is(first, "SAVEPOINT") || is(first, "RELEASE") {
        Outcome::NOTHING
    } else {
        Outcome::COMMITS
    }
}

/// What pins and may end.
fn hold(first: &[u8], tokens: Tokens<'_>) -> Outcome {
    let is_any = |words: &[&str]| words.iter().any(|word| is(first, word));
    if is_any(&["PREPARE", "DEALLOCATE", "HANDLER"]) {
        Outcome::NOTHING
    } else if is_any(&["LOCK", "UNLOCK"]) || (is(first, "FLUSH") && flushes_no_rights(tokens)) {
        Outcome::COMMITS
    } else {
        Outcome::ANYTHING
    }
}

/// True for a `FLUSH` after which everybody may read what they could read before.
fn flushes_no_rights(mut tokens: Tokens<'_>) -> bool {
    const THINGS: [&str; 5] = ["TABLES", "TABLE", "STATUS", "LOGS", "HOSTS"];
    for option in ["NO_WRITE_TO_BINLOG", "LOCAL"] {
        tokens.take_word(option);
    }
    THINGS.iter().any(|thing| tokens.take_word(thing))
        && tokens
            .take_while(|token| *token != Token::Sign(b';'))
            .all(|token| !matches!(token, Token::Word(word) if is(word, "PRIVILEGES")))
}
