//! System variables: what drivers ask for when they connect, and what they set.

use std::collections::HashMap;

use mysql_proto::ErrPacket;

use super::token::{self, Kind, Token};
use super::{HINT, Statement, unsupported};
use crate::SERVER_VERSION;

/// Bytes of a value that is set; real ones are names and numbers.
const MAX_VALUE: usize = 1024;

/// The variables that exist, with their values. Drivers ask for these; what SQLite really does is
/// said where there is something to say (the isolation level).
const DEFAULTS: [(&str, &str); 35] = [
    ("auto_increment_increment", "1"),
    ("autocommit", "1"),
    ("character_set_client", "utf8mb4"),
    ("character_set_connection", "utf8mb4"),
    ("character_set_database", "utf8mb4"),
    ("character_set_results", "utf8mb4"),
    ("character_set_server", "utf8mb4"),
    ("collation_connection", "utf8mb4_bin"),
    ("collation_database", "utf8mb4_bin"),
    ("collation_server", "utf8mb4_bin"),
    ("foreign_key_checks", "1"),
    ("group_concat_max_len", "1048576"),
    ("init_connect", ""),
    ("innodb_lock_wait_timeout", "5"),
    ("interactive_timeout", "28800"),
    ("license", "Apache-2.0"),
    ("lower_case_table_names", "0"),
    ("max_allowed_packet", "16777216"),
    ("max_execution_time", "0"),
    ("net_buffer_length", "16384"),
    ("net_read_timeout", "30"),
    ("net_write_timeout", "60"),
    ("performance_schema", "0"),
    ("port", "0"),
    ("socket", ""),
    ("sql_auto_is_null", "0"),
    ("sql_mode", "ANSI"),
    ("sql_safe_updates", "0"),
    ("sql_select_limit", "18446744073709551615"),
    ("system_time_zone", "UTC"),
    ("time_zone", "+00:00"),
    ("transaction_isolation", "SERIALIZABLE"),
    ("tx_isolation", "SERIALIZABLE"),
    ("wait_timeout", "28800"),
    (
        "version_comment",
        "tidegate demo origin (SQLite, not MySQL)",
    ),
];

/// The variables of one session.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    /// Only names of [`DEFAULTS`], so it is bounded.
    set: HashMap<&'static str, String>,
}

impl Variables {
    /// The value of a variable, by its name without `@@`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        if name.eq_ignore_ascii_case("version") {
            return Some(SERVER_VERSION);
        }
        let (name, default) = default(name)?;
        Some(self.set.get(name).map_or(default, String::as_str))
    }

    /// Remembers a value.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), ErrPacket> {
        let (name, _) = default(name).ok_or_else(|| unknown(name))?;
        if value.len() > MAX_VALUE {
            return Err(ErrPacket::new(
                1231,
                *b"42000",
                format!("Variable '{name}' cannot be set to a value this long"),
            ));
        }
        self.set.insert(name, value.to_owned());
        Ok(())
    }

    /// Names and values, by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let set = |(name, default): (&'static str, &'static str)| {
            (name, self.set.get(name).map_or(default, String::as_str))
        };
        let version = std::iter::once(("version", SERVER_VERSION));
        DEFAULTS.into_iter().map(set).chain(version)
    }

    /// The value as SQLite reads it, for a token such as `@@session.wait_timeout`.
    pub(super) fn literal(&self, token: &str) -> Result<String, ErrPacket> {
        let name = bare(token);
        let value = self.value(name).ok_or_else(|| unknown(name))?;
        if value.parse::<i64>().is_ok() {
            return Ok(value.to_owned());
        }
        let mut literal = String::new();
        token::write_value(&mut literal, value);
        Ok(literal)
    }
}

/// True if a switch such as `autocommit` is set to this. `None`: it is no value of a switch.
pub(crate) fn is_on(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "on" | "true" => Some(true),
        "0" | "off" | "false" => Some(false),
        _ => None,
    }
}

fn default(name: &str) -> Option<(&'static str, &'static str)> {
    DEFAULTS
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn unknown(name: &str) -> ErrPacket {
    ErrPacket::new(
        1193,
        *b"HY000",
        format!("Unknown system variable '{name}'{HINT}"),
    )
}

/// Without `@@` and the scope.
fn bare(token: &str) -> &str {
    let name = token.trim_start_matches('@');
    match name.split_once('.') {
        Some((_, name)) => name,
        None => name,
    }
}

/// Reads what follows `SET`.
pub(super) fn set(words: &[Token<'_>]) -> Result<Statement, ErrPacket> {
    let words = skip_scope(words);
    if words.first().is_some_and(|word| word.is("names")) {
        let charset = words.get(1).map(Token::name).unwrap_or_default();
        let names = ["client", "connection", "results"];
        let set = |name| (format!("character_set_{name}"), charset.clone());
        return Ok(Statement::Set(names.map(set).into()));
    }
    if words.first().is_some_and(|word| word.is("transaction")) {
        return transaction(words);
    }
    let mut assignments = Vec::new();
    for assignment in words.split(|word| word.text == ",") {
        let (name, value) = assign(skip_scope(assignment))?;
        assignments.push((name, value));
    }
    Ok(Statement::Set(assignments))
}

/// `SET TRANSACTION`: SQLite is never less isolated than what is asked for.
fn transaction(words: &[Token<'_>]) -> Result<Statement, ErrPacket> {
    if words.iter().any(|word| word.is("only")) {
        return Err(unsupported("SET TRANSACTION READ ONLY"));
    }
    Ok(Statement::Set(Vec::new()))
}

fn skip_scope<'t, 'a>(words: &'t [Token<'a>]) -> &'t [Token<'a>] {
    match words {
        [scope, rest @ ..] if ["session", "local", "global"].iter().any(|s| scope.is(s)) => rest,
        _ => words,
    }
}

/// Reads `name = value` or `name := value`.
fn assign(words: &[Token<'_>]) -> Result<(String, String), ErrPacket> {
    let error = || unsupported("this form of SET");
    let (name, rest) = words.split_first().ok_or_else(error)?;
    if !matches!(
        name.kind,
        Kind::Word | Kind::SystemVariable | Kind::QuotedName
    ) {
        return Err(error());
    }
    let value = match rest {
        [equals, value @ ..] if equals.text == "=" => value,
        [colon, equals, value @ ..] if colon.text == ":" && equals.text == "=" => value,
        _ => return Err(error()),
    };
    let [value] = value else {
        return Err(error());
    };
    let name = name.name();
    Ok((bare(&name).to_ascii_lowercase(), value.name()))
}
