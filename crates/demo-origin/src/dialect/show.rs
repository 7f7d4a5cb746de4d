//! `SHOW` and `DESCRIBE`, as questions to SQLite's own catalogue.

use mysql_proto::ErrPacket;

use super::token::{self, Token};
use super::{Context, Statement, unsupported};

/// Tables and views that people made.
const OURS: &str = "type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Translates a statement that begins with SHOW, DESCRIBE or DESC.
pub(super) fn show(words: &[Token<'_>], context: Context<'_>) -> Result<Statement, ErrPacket> {
    let (verb, rest) = words
        .split_first()
        .ok_or_else(|| unsupported("an empty statement"))?;
    let rest: Vec<Token<'_>> = rest
        .iter()
        .filter(|word| !["session", "global", "extended"].iter().any(|s| word.is(s)))
        .copied()
        .collect();
    let full = rest.first().is_some_and(|word| word.is("full"));
    let rest = rest.get(usize::from(full)..).unwrap_or_default();
    let what = rest.first().map_or("", |word| word.text);
    let text = match what.to_ascii_lowercase().as_str() {
        _ if !verb.is("show") => columns(rest.last())?,
        "tables" => tables(rest, full, context),
        "databases" | "schemas" => {
            format!("SELECT {} AS \"Database\"", quote(context.database))
        }
        "columns" | "fields" => columns(after(rest, &["from", "in"]))?,
        "create" if rest.get(1).is_some_and(|word| word.is("table")) => create_table(rest)?,
        "variables" => variables(rest, context),
        "status" => "SELECT '' AS Variable_name, '' AS Value LIMIT 0".to_owned(),
        "warnings" | "errors" => "SELECT '' AS Level, 0 AS Code, '' AS Message LIMIT 0".to_owned(),
        "engines" => "SELECT 'SQLite' AS Engine, 'DEFAULT' AS Support, \
             'the embedded demo origin' AS Comment, 'YES' AS Transactions"
            .to_owned(),
        _ => return Err(unsupported(&format!("SHOW {what}"))),
    };
    Ok(Statement::Sql {
        text,
        commits: false,
    })
}

fn quote(value: &str) -> String {
    let mut quoted = String::new();
    token::write_value(&mut quoted, value);
    quoted
}

/// The word that follows the first of `keywords`.
fn after<'t, 'a>(words: &'t [Token<'a>], keywords: &[&str]) -> Option<&'t Token<'a>> {
    let at = words
        .iter()
        .position(|word| keywords.iter().any(|keyword| word.is(keyword)))?;
    words.get(at + 1)
}

/// ` AND column LIKE 'pattern'`, or nothing.
fn like(words: &[Token<'_>], column: &str) -> String {
    match after(words, &["like"]) {
        Some(pattern) => {
            format!(" AND {column} LIKE {} ESCAPE '\\'", quote(&pattern.name()))
        }
        None => String::new(),
    }
}

fn tables(words: &[Token<'_>], full: bool, context: Context<'_>) -> String {
    let title = format!("Tables_in_{}", context.database).replace('"', "\"\"");
    let kind = if full {
        ", CASE type WHEN 'view' THEN 'VIEW' ELSE 'BASE TABLE' END AS Table_type"
    } else {
        ""
    };
    let like = like(words, "name");
    format!("SELECT name AS \"{title}\"{kind} FROM sqlite_master WHERE {OURS}{like} ORDER BY name")
}

fn columns(table: Option<&Token<'_>>) -> Result<String, ErrPacket> {
    let table = table.ok_or_else(|| unsupported("SHOW COLUMNS without a table"))?;
    Ok(format!(
        "SELECT name AS Field, lower(type) AS Type, \
         CASE WHEN \"notnull\" OR pk THEN 'NO' ELSE 'YES' END AS \"Null\", \
         CASE WHEN pk THEN 'PRI' ELSE '' END AS \"Key\", dflt_value AS \"Default\", '' AS Extra \
         FROM pragma_table_info({}) ORDER BY cid",
        quote(&table.name())
    ))
}

fn create_table(words: &[Token<'_>]) -> Result<String, ErrPacket> {
    let table = words
        .last()
        .ok_or_else(|| unsupported("SHOW CREATE TABLE without a table"))?;
    Ok(format!(
        "SELECT name AS \"Table\", sql AS \"Create Table\" FROM sqlite_master \
         WHERE {OURS} AND name = {}",
        quote(&table.name())
    ))
}

fn variables(words: &[Token<'_>], context: Context<'_>) -> String {
    let rows: Vec<String> = context
        .variables
        .all()
        .map(|(name, value)| format!("({}, {})", quote(name), quote(value)))
        .collect();
    // `WHERE variable_name = …` and LIKE both: the former goes through as it is.
    let filter = match words.iter().position(|word| word.is("where")) {
        Some(at) => {
            words
                .iter()
                .skip(at + 1)
                .fold(" AND (".to_owned(), |sql, word| sql + " " + &piece(word))
                + ")"
        }
        None => like(words, "Variable_name"),
    };
    format!(
        "WITH v (Variable_name, Value) AS (VALUES {}) \
         SELECT Variable_name, Value FROM v WHERE 1{filter} ORDER BY 1",
        rows.join(", ")
    )
}

fn piece(word: &Token<'_>) -> String {
    match word.kind {
        token::Kind::String => quote(&word.name()),
        _ => word.text.to_owned(),
    }
}
