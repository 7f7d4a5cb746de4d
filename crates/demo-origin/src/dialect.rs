//! The little of MySQL's dialect that SQLite does not know and that drivers, command lines and
//! people send first. What is not named here goes to SQLite as it is, token by token: only strings,
//! comments, `@@variables`, the database's name and a few functions are written differently.

mod show;
mod token;
mod variables;

pub(crate) use variables::{Variables, is_on};

use mysql_proto::ErrPacket;
use token::{Kind, Token};

/// Ends the message of an error that MySQL itself would not have made.
pub(crate) const HINT: &str =
    " (this is tidegate's demo origin, SQLite: give a MySQL or TiDB by --origin)";

/// A statement, ready to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// Nothing but comments of the kind that MySQL executes.
    Nothing,
    /// `BEGIN`, `START TRANSACTION`.
    Begin {
        /// `WITH CONSISTENT SNAPSHOT`: the snapshot is taken now, not at the first read.
        snapshot: bool,
    },
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`, of the whole transaction.
    Rollback,
    /// `USE`.
    Use(String),
    /// `SET`: names in lower case, without `@@` and scope, with their values.
    Set(Vec<(String, String)>),
    /// Anything else, in SQLite's words.
    Sql {
        /// The statement.
        text: String,
        /// It commits an open transaction first, as MySQL's DDL does.
        commits: bool,
    },
}

/// What the meaning of a statement depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// The name of the only database.
    pub(crate) database: &'a str,
    /// The session's variables.
    pub(crate) variables: &'a Variables,
}

/// Reads a statement.
pub(crate) fn translate(sql: &str, context: Context<'_>) -> Result<Statement, ErrPacket> {
    let tokens = token::read(sql)?;
    let mut tokens = tokens.as_slice();
    while let Some((Token { kind, text }, head)) = tokens.split_last() {
        if !kind.is_space() && *text != ";" {
            break;
        }
        tokens = head;
    }
    let words: Vec<Token<'_>> = tokens
        .iter()
        .filter(|token| !token.kind.is_space())
        .copied()
        .collect();
    let Some(first) = words.first() else {
        return if sql.contains("/*!") {
            Ok(Statement::Nothing)
        } else {
            Err(ErrPacket::new(1065, *b"42000", "Query was empty"))
        };
    };
    if words.iter().any(|word| word.text == ";") {
        return Err(unsupported("several statements in one query"));
    }
    match first.text.to_ascii_lowercase().as_str() {
        "begin" | "start" => begin(&words),
        "commit" => Ok(Statement::Commit),
        "rollback" if !has_word(&words, "to") => Ok(Statement::Rollback),
        "use" => Ok(Statement::Use(
            words.get(1).map(Token::name).unwrap_or_default(),
        )),
        "set" => variables::set(words.get(1..).unwrap_or_default()),
        "show" | "describe" | "desc" => Ok(show::show(&words, context)?),
        verb => Ok(Statement::Sql {
            text: rewrite(tokens, context)?,
            commits: matches!(verb, "create" | "drop" | "alter")
                && !words
                    .get(1)
                    .is_some_and(|word| word.is("temporary") || word.is("temp")),
        }),
    }
}

/// A statement of MySQL that the demo origin does not know.
pub(crate) fn unsupported(what: &str) -> ErrPacket {
    ErrPacket::new(1064, *b"42000", format!("{what} is not supported{HINT}"))
}

fn has_word(words: &[Token<'_>], wanted: &str) -> bool {
    words.iter().any(|word| word.is(wanted))
}

fn begin(words: &[Token<'_>]) -> Result<Statement, ErrPacket> {
    // A write would go through where MySQL refuses it.
    if has_word(words, "only") {
        return Err(unsupported("START TRANSACTION READ ONLY"));
    }
    Ok(Statement::Begin {
        snapshot: has_word(words, "snapshot"),
    })
}

/// Writes the tokens as SQLite reads them.
fn rewrite(tokens: &[Token<'_>], context: Context<'_>) -> Result<String, ErrPacket> {
    let mut sql = String::new();
    let mut rest = tokens;
    while let Some((token, tail)) = rest.split_first() {
        rest = tail;
        let next = rest.first().map_or("", |token| token.text);
        match token.kind {
            // `#` begins no comment in SQLite; nothing is lost without them.
            Kind::Comment => sql.push(' '),
            Kind::String => token::write_string(&mut sql, token.text),
            Kind::SystemVariable => {
                sql.push_str(&context.variables.literal(token.text)?);
                if stands_alone(rest) {
                    // The column keeps its name.
                    sql.extend([" AS \"", token.text, "\""]);
                }
            }
            Kind::Word | Kind::QuotedName if next == "." && token.name() == context.database => {
                sql.push_str("main");
            }
            Kind::Word if next == "(" => sql.push_str(function(token.text)),
            Kind::Space | Kind::Word | Kind::QuotedName | Kind::Symbol => sql.push_str(token.text),
        }
    }
    Ok(sql)
}

/// True if what came before is a whole column of a SELECT, without an alias.
fn stands_alone(rest: &[Token<'_>]) -> bool {
    match rest.iter().find(|token| !token.kind.is_space()) {
        None => true,
        Some(next) => next.text == "," || next.is("limit") || next.is("from"),
    }
}

/// SQLite's name of a function, where it has another. They are called without arguments.
fn function(name: &str) -> &str {
    const RENAMED: [(&str, &str); 6] = [
        ("now", "datetime"),
        ("utc_timestamp", "datetime"),
        ("curdate", "date"),
        ("utc_date", "date"),
        ("curtime", "time"),
        ("utc_time", "time"),
    ];
    RENAMED
        .iter()
        .find(|(mysql, _)| mysql.eq_ignore_ascii_case(name))
        .map_or(name, |(_, sqlite)| sqlite)
}

#[cfg(test)]
mod tests;
