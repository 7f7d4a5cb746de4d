//! The names that a trigger's body mentions: whatever tables it writes are among them.

use crate::builtin::{is_builtin, is_users_if_apart};
use crate::classify::Dialect;
use crate::token::{Token, Tokens};
use crate::word::is;

/// A name in a text, of whatever it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name before the point, in lower case.
    pub database: Option<String>,
    /// The name itself, likewise.
    pub name: String,
    /// A parenthesis follows, no native function or keyword has the name, and it does not stand
    /// behind `INTO`: a stored function, perhaps.
    pub may_be_function: bool,
}

/// Words behind which anything may run.
const RUNS: [&str; 4] = ["CALL", "EXECUTE", "PREPARE", "IMMEDIATE"];

/// All names of a text: what it does not mention it does not touch. `None`: it runs what is not in
/// it, or cannot be read.
pub fn mentions(sql: &[u8], dialect: Dialect) -> Option<Vec<Mention>> {
    let mut tokens = Tokens::new(sql, dialect.escapes, dialect.letters);
    let mut mentions = Vec::new();
    let mut before: Option<String> = None;
    let mut is_behind_point = false;
    // The word before the name at hand, with what qualifies that.
    let (mut last_word, mut word_before): (&[u8], &[u8]) = (b"", b"");
    while let Some(token) = tokens.next() {
        let is_point = token == Token::Sign(b'.');
        let (name, is_quoted) = match token {
            Token::ExecutableComment | Token::Unfinished => return None,
            Token::Word(word) if RUNS.iter().any(|keyword| is(word, keyword)) => return None,
            Token::Word(word) => (word, false),
            // The second is a name under `ANSI_QUOTES`.
            Token::Quoted(name) | Token::Literal([b'"', name @ .., b'"']) => (name, true),
            _ => {
                is_behind_point = is_point;
                before = before.filter(|_| is_point);
                if !is_point {
                    last_word = b"";
                }
                continue;
            }
        };
        if !is_behind_point {
            word_before = last_word;
        }
        last_word = if is_quoted { b"" } else { name };
        let name = folded(name)?;
        let is_native = !is_quoted
            && !is_behind_point
            && is_builtin(name.as_bytes(), dialect.server)
            && (tokens.is_at_parenthesis() || !is_users_if_apart(name.as_bytes(), dialect.server));
        mentions.push(Mention {
            database: before.take().filter(|_| is_behind_point),
            name: name.clone(),
            may_be_function: tokens.opens_parenthesis() && !is_native && !is(word_before, "INTO"),
        });
        before = Some(name);
        is_behind_point = false;
    }
    Some(mentions)
}

/// A name in lower case. `None`: it is not in ASCII, where servers may think otherwise of which
/// ones are equal.
fn folded(name: &[u8]) -> Option<String> {
    let name = str::from_utf8(name).ok().filter(|name| name.is_ascii())?;
    Some(name.to_ascii_lowercase().replace("``", "`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Escapes;

    fn of(sql: &str) -> Option<Vec<String>> {
        let mentions = mentions(sql.as_bytes(), Escapes::Backslash.into())?;
        let shown = mentions.into_iter().map(|mention| {
            let database = mention.database.map_or(String::new(), |name| name + ".");
            let call = if mention.may_be_function { "()" } else { "" };
            format!("{database}{}{call}", mention.name)
        });
        Some(shown.collect())
    }

    #[test]
    fn all_names_are_told() {
        assert_eq!(
            of("INSERT INTO `Shop` . log (a, b) VALUES (UPPER('x.y'), `f`(1), \"T\")").unwrap(),
            [
                "insert", "into", "shop", "shop.log", "a", "b", "values", "upper", "f()", "1", "t"
            ]
        );
        assert_eq!(
            of("SET NEW.a = db.f(1)").unwrap(),
            ["set", "new", "new.a", "db", "db.f()", "1"]
        );
    }

    #[test]
    fn what_runs_something_else_is_not_told() {
        for sql in [
            "CALL p()",
            "execute s",
            "/*! x */",
            "SELECT 'a",
            "INSERT INTO té VALUES (1)",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
    }
}
