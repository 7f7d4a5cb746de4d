//! Splits a statement into tokens: just enough to tell strings and comments from the rest.

use mysql_proto::ErrPacket;

use super::unsupported;

/// A piece of a statement. The pieces in a row are the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    /// A keyword, a name or a number.
    Word,
    /// A name in backticks.
    QuotedName,
    /// In single or double quotes, which are the same in MySQL.
    String,
    /// `@@name`, `@@session.name`.
    SystemVariable,
    /// One character of anything else.
    Symbol,
}

impl Kind {
    pub(super) fn is_space(self) -> bool {
        matches!(self, Self::Space | Self::Comment)
    }
}

impl Token<'_> {
    /// True if it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// The name or the value that it stands for, without its quotes.
    pub(super) fn name(&self) -> String {
        match self.kind {
            Kind::QuotedName => self.text.trim_matches('`').replace("``", "`"),
            Kind::String => string_value(self.text),
            _ => self.text.to_owned(),
        }
    }
}

/// Splits `sql`.
pub(super) fn read(sql: &str) -> Result<Vec<Token<'_>>, ErrPacket> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (kind, len) = measure(first, rest)?;
        let (text, tail) = rest.split_at(len);
        tokens.push(Token { kind, text });
        rest = tail;
    }
    Ok(tokens)
}

/// The kind and the bytes of the token at the front of `rest`, which begins with `first`.
fn measure(first: char, rest: &str) -> Result<(Kind, usize), ErrPacket> {
    let measured = match first {
        _ if first.is_whitespace() => (Kind::Space, run(rest, char::is_whitespace)),
        _ if is_word(first) => (Kind::Word, run(rest, is_word)),
        '#' => (Kind::Comment, line(rest)),
        '-' if rest.starts_with("--") && rest.chars().nth(2).is_none_or(char::is_whitespace) => {
            (Kind::Comment, line(rest))
        }
        '/' if rest.starts_with("/*") => {
            let end = rest.find("*/").ok_or_else(|| unterminated("comment"))?;
            (Kind::Comment, end + 2)
        }
        '\'' | '"' => (Kind::String, quoted(rest, first, true)?),
        '`' => (Kind::QuotedName, quoted(rest, first, false)?),
        '@' if rest.starts_with("@@") => {
            let name = rest.trim_start_matches('@');
            let len = run(name, |char| is_word(char) || char == '.');
            (Kind::SystemVariable, rest.len() - name.len() + len)
        }
        '@' => return Err(unsupported("a user variable")),
        _ => (Kind::Symbol, first.len_utf8()),
    };
    Ok(measured)
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_' || char == '$'
}

/// Bytes at the front of which every character fits.
fn run(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|char| !fits(char)).unwrap_or(text.len())
}

fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// Bytes of a quoted token with its quotes. A doubled quote stands for itself.
fn quoted(text: &str, quote: char, backslash: bool) -> Result<usize, ErrPacket> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if backslash && char == '\\' {
            chars.next();
        } else if char == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Ok(at + quote.len_utf8());
        }
    }
    Err(unterminated("quote"))
}

fn unterminated(what: &str) -> ErrPacket {
    ErrPacket::new(1064, *b"42000", format!("The {what} does not end"))
}

/// What a quoted string stands for.
///
/// <https://dev.mysql.com/doc/refman/8.4/en/string-literals.html>
fn string_value(text: &str) -> String {
    let mut chars = text.chars();
    let quote = chars.next();
    let mut value = String::with_capacity(text.len());
    while let Some(char) = chars.next() {
        if char == '\\' {
            match chars.next() {
                Some('0') => value.push('\0'),
                Some('b') => value.push('\u{8}'),
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some('Z') => value.push('\u{1a}'),
                // Before a wildcard the backslash stays, for LIKE.
                Some(wildcard @ ('%' | '_')) => value.extend(['\\', wildcard]),
                Some(other) => value.push(other),
                None => {}
            }
        } else {
            if Some(char) == quote {
                // The first of two; the last one of the token is followed by nothing.
                if chars.next().is_none() {
                    break;
                }
            }
            value.push(char);
        }
    }
    value
}

/// Appends the string as SQLite reads it: single quotes, no backslashes.
pub(super) fn write_string(sql: &mut String, text: &str) {
    write_value(sql, &string_value(text));
}

/// Appends `value` as a string of SQLite.
pub(super) fn write_value(sql: &mut String, value: &str) {
    if value.contains('\0') {
        // SQLite takes a NUL for the end of the statement.
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
        sql.push_str("CAST(X'");
        sql.extend(
            value
                .bytes()
                .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]),
        );
        sql.push_str("' AS TEXT)");
        return;
    }
    sql.push('\'');
    sql.push_str(&value.replace('\'', "''"));
    sql.push('\'');
}
