//! What a statement does to the connection that runs it.

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

/// What a statement does to the connection that runs it, or needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leaves the connection as it was. (Whether a transaction is open, the origin's status tells.)
    None,
    /// Changes the default database to this one, if it succeeds.
    UseDatabase(String),
    /// Needs the session's last insert id on the connection, and may set it.
    ReadsLastInsertId,
    /// Asks about the statement before it: must run where that one ran.
    ReadsPrevious,
    /// Asks about the statement before it and for the last insert id at once.
    ReadsPreviousAndInsertId,
    /// The statement after it will ask about this one: the connection must be kept for it.
    KeepForNext,
    /// Leaves something behind that cannot be carried, or is not understood.
    Pin(PinReason),
    /// Names a connection by its id.
    Kill,
}

impl Effect {
    /// Both effects at once. A refusal is stronger than a pin, and a pin than everything else.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, Self::None) => one,
            (Self::None, other) => other,
            (one, other) if one == other => one,
            (Self::Kill, _) | (_, Self::Kill) => Self::Kill,
            (Self::Pin(reason), _) | (_, Self::Pin(reason)) => Self::Pin(reason),
            (
                Self::ReadsPrevious | Self::ReadsPreviousAndInsertId,
                Self::ReadsLastInsertId | Self::ReadsPreviousAndInsertId | Self::ReadsPrevious,
            )
            | (Self::ReadsLastInsertId, Self::ReadsPrevious | Self::ReadsPreviousAndInsertId) => {
                Self::ReadsPreviousAndInsertId
            }
            _ => Self::Pin(PinReason::NotUnderstood),
        }
    }
}

/// Why a session keeps a connection beyond a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PinReason {
    /// `SET`: a session variable changed.
    SessionVariable,
    /// `@name` was used.
    UserVariable,
    /// A temporary table may exist.
    TemporaryTable,
    /// `GET_LOCK`.
    UserLock,
    /// `LOCK TABLES`, `FLUSH`: tables may be locked.
    TableLock,
    /// The last value of a sequence was asked for, which is kept per connection.
    Sequence,
    /// The connection's own id was asked for.
    ConnectionId,
    /// Text `PREPARE`.
    TextPrepare,
    /// `XA`: a distributed transaction.
    DistributedTransaction,
    /// `CALL`: a procedure may do anything.
    Procedure,
    /// Nothing that this version understands.
    NotUnderstood,
}

impl PinReason {
    /// The reason's name in metrics, logs and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionVariable => "session_variable",
            Self::UserVariable => "user_variable",
            Self::TemporaryTable => "temporary_table",
            Self::UserLock => "user_lock",
            Self::TableLock => "table_lock",
            Self::Sequence => "sequence",
            Self::ConnectionId => "connection_id",
            Self::TextPrepare => "text_prepare",
            Self::DistributedTransaction => "distributed_transaction",
            Self::Procedure => "procedure",
            Self::NotUnderstood => "not_understood",
        }
    }
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
            effect: Effect::None,
        };
    };
    while let Some(next) = next_statement(&mut tokens) {
        if matches!(first.effect, Effect::UseDatabase(_)) {
            // If a later one fails, nothing tells whether this one succeeded.
            first.effect = Effect::Pin(PinReason::NotUnderstood);
        }
        first.effect = match next.effect {
            Effect::UseDatabase(_) => first.effect.and(Effect::Pin(PinReason::NotUnderstood)),
            effect => first.effect.and(effect),
        };
    }
    first
}

/// Reads one statement up to its semicolon. `None` at the end of the text.
fn next_statement(tokens: &mut Tokens<'_>) -> Option<Statement> {
    let first = tokens.find(|token| !matches!(token, Token::Sign(b';' | b'(')))?;
    let Token::Word(first) = first else {
        return Some(skip_rest(tokens, PinReason::NotUnderstood));
    };
    let Some(head) = word::head(first) else {
        return Some(skip_rest(tokens, reason_of_head(first)));
    };
    let kind = match head {
        Head::Read | Head::Show => StatementKind::Read,
        Head::Write => StatementKind::Write,
        Head::Define => StatementKind::Define,
        Head::Begin | Head::Transaction => StatementKind::Transaction,
        Head::Use | Head::Kill => StatementKind::Other,
    };
    let effect = match head {
        Head::Begin => begin(first, tokens),
        Head::Transaction => transaction(tokens),
        Head::Show => show(tokens),
        Head::Use => use_database(tokens),
        Head::Kill => {
            scan(tokens);
            Effect::Kill
        }
        Head::Read | Head::Write | Head::Define => scan(tokens),
    };
    Some(Statement { kind, effect })
}

/// Passes over the rest of a statement that pins anyway.
fn skip_rest(tokens: &mut Tokens<'_>, reason: PinReason) -> Statement {
    tokens.find(|token| *token == Token::Sign(b';'));
    Statement {
        kind: StatementKind::Other,
        effect: Effect::Pin(reason),
    }
}

/// Names why a statement pins that is not in the list of heads.
fn reason_of_head(word: &[u8]) -> PinReason {
    const REASONS: [(&str, PinReason); 10] = [
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
    let second = tokens.next();
    let ours = match second {
        None | Some(Token::Sign(b';')) => return begin_alone(first),
        Some(Token::Word(word)) if word::is(first, "BEGIN") => {
            // TiDB also knows BEGIN PESSIMISTIC and BEGIN OPTIMISTIC.
            ["WORK", "PESSIMISTIC", "OPTIMISTIC"]
                .iter()
                .any(|keyword| word::is(word, keyword))
        }
        Some(Token::Word(word)) => word::is(word, "TRANSACTION"),
        Some(_) => false,
    };
    let rest = scan(tokens);
    if ours {
        rest
    } else {
        Effect::Pin(PinReason::NotUnderstood)
    }
}

fn begin_alone(first: &[u8]) -> Effect {
    if word::is(first, "BEGIN") {
        Effect::None
    } else {
        Effect::Pin(PinReason::NotUnderstood)
    }
}

/// `COMMIT …`, `ROLLBACK …`, `SAVEPOINT x`, `RELEASE SAVEPOINT x`. With `RELEASE` at the end the
/// origin closes the connection, which only a direct one can show.
fn transaction(tokens: &mut Tokens<'_>) -> Effect {
    let mut words = tokens
        .clone()
        .take_while(|token| *token != Token::Sign(b';'));
    let mut previous_is_no = false;
    let releases = words.any(|token| {
        let is = |keyword| matches!(token, Token::Word(word) if word::is(word, keyword));
        let releases = is("RELEASE") && !previous_is_no;
        previous_is_no = is("NO");
        releases
    });
    let rest = scan(tokens);
    if releases {
        Effect::Pin(PinReason::NotUnderstood)
    } else {
        rest
    }
}

/// `SHOW …`: `SHOW [COUNT(*)] WARNINGS | ERRORS` ask about the statement before.
fn show(tokens: &mut Tokens<'_>) -> Effect {
    let asks_previous = tokens
        .clone()
        .take_while(|token| *token != Token::Sign(b';'))
        .any(|token| {
            matches!(token, Token::Word(word)
                if word::is(word, "WARNINGS") || word::is(word, "ERRORS"))
        });
    match scan(tokens) {
        Effect::None if asks_previous => Effect::ReadsPrevious,
        effect => effect,
    }
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
        Some(name) if alone => Effect::UseDatabase(name),
        _ => {
            scan(tokens);
            Effect::Pin(PinReason::NotUnderstood)
        }
    }
}

/// Looks for betraying words up to the end of the statement.
fn scan(tokens: &mut Tokens<'_>) -> Effect {
    let mut effect = Effect::None;
    while let Some(token) = tokens.next() {
        let found = match token {
            Token::Sign(b';') => break,
            Token::Sign(_) | Token::Literal | Token::Quoted(_) => continue,
            Token::At => Effect::Pin(PinReason::UserVariable),
            Token::AtAt => system_variable(tokens),
            Token::ExecutableComment | Token::Unfinished => Effect::Pin(PinReason::NotUnderstood),
            Token::Word(word) => match word::betraying(word) {
                None => continue,
                Some(betraying) => betrayed(betraying),
            },
        };
        effect = effect.and(found);
    }
    effect
}

/// What follows `@@`: `name`, `session.name`, `global.name`.
fn system_variable(tokens: &mut Tokens<'_>) -> Effect {
    let mut name = tokens.clone();
    let Some(Token::Word(mut word)) = name.next() else {
        return Effect::Pin(PinReason::NotUnderstood);
    };
    if name.next() == Some(Token::Sign(b'.')) {
        match name.next() {
            Some(Token::Word(second)) => {
                tokens.next();
                tokens.next();
                word = second;
            }
            _ => return Effect::Pin(PinReason::NotUnderstood),
        }
    }
    // The name itself is passed over: as a variable it betrays what is judged here, no more.
    tokens.next();
    if word::is_insert_id_variable(word) {
        Effect::ReadsLastInsertId
    } else if word::is_previous_variable(word) {
        Effect::ReadsPrevious
    } else if word::is(word, "PSEUDO_THREAD_ID") {
        Effect::Pin(PinReason::ConnectionId)
    } else {
        Effect::None
    }
}

fn betrayed(word: Betraying) -> Effect {
    match word {
        Betraying::Temporary => Effect::Pin(PinReason::TemporaryTable),
        Betraying::UserLock => Effect::Pin(PinReason::UserLock),
        Betraying::Sequence => Effect::Pin(PinReason::Sequence),
        Betraying::ConnectionId => Effect::Pin(PinReason::ConnectionId),
        Betraying::CalcFoundRows => Effect::KeepForNext,
        Betraying::Previous => Effect::ReadsPrevious,
        Betraying::LastInsertId => Effect::ReadsLastInsertId,
    }
}

#[cfg(test)]
mod tests;
