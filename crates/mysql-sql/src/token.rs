//! Splits a statement into words and signs, and skips what says nothing: white space, comments,
//! literals.
//!
//! See <https://dev.mysql.com/doc/refman/8.4/en/language-structure.html>.

use std::ops::Range;

use crate::class::Class;
use crate::variables::may_leave_set;
use crate::word::is;

/// Longest name of a user variable, in characters
/// (<https://dev.mysql.com/doc/refman/8.4/en/user-variables.html>).
const MAX_NAME: usize = 64;

/// How a backslash reads inside a quoted literal. The server tells in every status
/// (`SERVER_STATUS_NO_BACKSLASH_ESCAPES`); to guess wrong would hide words inside a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Escapes {
    /// A backslash escapes the next character. The default of MySQL, MariaDB and TiDB.
    #[default]
    Backslash,
    /// `sql_mode` has `NO_BACKSLASH_ESCAPES`: a backslash is a character as any other.
    None,
}

/// Which bytes beyond ASCII are letters. To guess wrong would hide words in others: 0xA0 is white
/// space in latin1, 0xFF in cp866, and 0x85 and 0xA0 are to TiDB where no character goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Letters {
    /// Those of UTF-8's characters, and no others.
    #[default]
    Utf8,
    /// Nobody can tell: the character set is another one.
    Unknown,
}

/// One piece of a statement that may mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A word without quotes: a keyword, a name or a number.
    Word(&'a [u8]),
    /// A name in backticks, without them.
    Quoted(&'a [u8]),
    /// A text literal with its quotes (or, under `ANSI_QUOTES`, a name in double quotes).
    Literal(&'a [u8]),
    /// `@`, not doubled: what follows is a user variable or the host of an account.
    At,
    /// `@@`: what follows is a system variable.
    AtAt,
    /// Any other sign.
    Sign(u8),
    /// `/*! … */`, `/*M! … */`, `/*T! … */`: a comment that some servers run. And a hint that sets
    /// what the server may not put back.
    ExecutableComment,
    /// A literal or comment that does not end, or not for every server; a word of which nobody can
    /// tell where it ends.
    Unfinished,
}

/// What stands behind an `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VariableName<'a> {
    /// The name of a user variable: letters, digits, `_`, `$` and `.`, quoted or not.
    Plain(&'a [u8]),
    /// Another one, in quotes. Servers may think otherwise than we do of which ones are equal.
    Odd,
    /// Nothing of the kind.
    None,
}

/// The tokens of a statement.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a> {
    text: &'a [u8],
    rest: &'a [u8],
    escapes: Escapes,
    letters: Letters,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(sql: &'a [u8], escapes: Escapes, letters: Letters) -> Self {
        Self {
            text: sql,
            rest: sql,
            escapes,
            letters,
        }
    }

    /// All of the text.
    pub(crate) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Where the last token ended, as an offset in the text.
    pub(crate) fn position(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }

    /// What is not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Where the last token began.
    pub(crate) fn start_of(&self, token: Token<'a>) -> usize {
        let len = match token {
            Token::Word(text) | Token::Literal(text) => text.len(),
            Token::Quoted(name) => name.len().saturating_add(2),
            Token::At | Token::Sign(_) => 1,
            Token::AtAt => 2,
            Token::ExecutableComment | Token::Unfinished => 0,
        };
        self.position().saturating_sub(len)
    }

    /// A part of the text.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.text.get(range).unwrap_or_default()
    }

    /// The token after the last one, without moving on.
    pub(crate) fn peek(&self) -> Option<Token<'a>> {
        self.clone().next()
    }

    /// Moves on if the next token is this sign.
    pub(crate) fn take_sign(&mut self, sign: u8) -> bool {
        self.take_if(|token| token == Token::Sign(sign))
    }

    /// Moves on if the next token is this word.
    pub(crate) fn take_word(&mut self, keyword: &str) -> bool {
        self.take_if(|token| matches!(token, Token::Word(word) if is(word, keyword)))
    }

    /// Moves on if the next token is one of these.
    pub(crate) fn take_if(&mut self, is_wanted: impl FnOnce(Token<'a>) -> bool) -> bool {
        let mut following = self.clone();
        let is_next = following.next().is_some_and(is_wanted);
        if is_next {
            *self = following;
        }
        is_next
    }

    /// The name of a user variable, right behind its `@`.
    pub(crate) fn variable_name(&mut self) -> VariableName<'a> {
        let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_$.".contains(byte);
        let name = match self.rest.first() {
            None => return VariableName::None,
            Some(b'\'' | b'"' | b'`') => match self.next() {
                Some(Token::Quoted(name)) => name,
                Some(Token::Literal(text)) => text
                    .get(1..text.len().saturating_sub(1))
                    .unwrap_or_default(),
                _ => return VariableName::None,
            },
            Some(_) => {
                let len = self.rest.iter().position(|byte| !is_of_name(byte));
                let len = len.unwrap_or(self.rest.len());
                let name = self.rest.get(..len).unwrap_or_default();
                self.skip(len);
                let next = self.rest.first().map(|&byte| Class::of(byte));
                if name.is_empty() || next.is_some_and(Class::is_of_word) {
                    return VariableName::None;
                }
                name
            }
        };
        let is_plain = !name.is_empty() && name.len() <= MAX_NAME && name.iter().all(is_of_name);
        if is_plain {
            VariableName::Plain(name)
        } else {
            VariableName::Odd
        }
    }

    /// True if a parenthesis opens right here.
    pub(crate) fn is_at_parenthesis(&self) -> bool {
        self.rest.first() == Some(&b'(')
    }

    /// True if a parenthesis opens next. Cheap: only a comment in between needs a real look.
    pub(crate) fn opens_parenthesis(&self) -> bool {
        match self.rest.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'(') => true,
            Some(b'/' | b'-' | b'#' | 0 | 0x0b) => {
                matches!(self.clone().next(), Some(Token::Sign(b'(')))
            }
            _ => false,
        }
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Takes bytes while they are part of a word.
    fn word(&mut self) -> Token<'a> {
        if self.begins_glued_number() {
            return self.give_up();
        }
        let len = self
            .rest
            .iter()
            .position(|&byte| !Class::of(byte).is_of_ascii_word())
            .unwrap_or(self.rest.len());
        match self.rest.get(len) {
            Some(&byte) if Class::of(byte) == Class::High => self.word_beyond_ascii(),
            _ => Token::Word(self.take_bytes(len)),
        }
    }

    /// True where a number begins that ends amid letters, so that servers read another word from
    /// there on: `1.5INTO`, `1e0FROM`. (`5INTO` is a name, and what is behind `t.` is one too.)
    fn begins_glued_number(&self) -> bool {
        let before = || self.text.get(self.position().checked_sub(1)?);
        let is_name_before =
            |&byte: &u8| Class::of(byte).is_of_word() || matches!(byte, b'`' | b'"');
        let begins = match self.rest.first() {
            Some(b'.') => !before().is_some_and(is_name_before),
            Some(b'0'..=b'9') => before() != Some(&b'.'),
            _ => false,
        };
        let behind = || self.rest.get(end_of_real(self.rest)?);
        begins && behind().is_some_and(|&byte| Class::of(byte).is_of_word())
    }

    /// Likewise of a word that has bytes beyond ASCII.
    fn word_beyond_ascii(&mut self) -> Token<'a> {
        let is_end = |&byte: &u8| !Class::of(byte).is_of_word();
        let len = self.rest.iter().position(is_end);
        let word = self.take_bytes(len.unwrap_or(self.rest.len()));
        if self.letters == Letters::Utf8 && std::str::from_utf8(word).is_ok() {
            Token::Word(word)
        } else {
            self.give_up()
        }
    }

    fn take_bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or_default();
        self.rest = rest;
        taken
    }

    /// Takes a literal or quoted name; the quote doubled is a quote inside it.
    fn quoted(&mut self, quote: u8) -> Token<'a> {
        let literal = self.rest;
        self.skip(1);
        let content = self.rest;
        let mut at = 0usize;
        loop {
            match content.get(at) {
                None => {
                    self.rest = &[];
                    return Token::Unfinished;
                }
                // Under `ANSI_QUOTES`, which nothing tells, it would not escape.
                Some(b'\\') if quote == b'"' => return self.give_up(),
                Some(b'\\') if quote == b'\'' && self.escapes == Escapes::Backslash => {
                    at = at.saturating_add(2);
                }
                Some(&byte) if byte == quote => {
                    if content.get(at.saturating_add(1)) == Some(&quote) {
                        at = at.saturating_add(2);
                        continue;
                    }
                    self.skip(at.saturating_add(1));
                    return if quote == b'`' {
                        Token::Quoted(content.get(..at).unwrap_or_default())
                    } else {
                        Token::Literal(literal.get(..at.saturating_add(2)).unwrap_or_default())
                    };
                }
                Some(_) => at = at.saturating_add(1),
            }
        }
    }

    /// What follows cannot be told from a literal or comment, on one server or another.
    fn give_up(&mut self) -> Token<'a> {
        self.rest = &[];
        Token::Unfinished
    }

    /// Skips to behind the end of the line.
    fn skip_line(&mut self) {
        let len = self.rest.iter().position(|&byte| byte == b'\n');
        self.skip(len.map_or(self.rest.len(), |len| len.saturating_add(1)));
    }

    /// Skips `/* … */`; the caller has seen its beginning.
    fn comment(&mut self) -> Option<Token<'a>> {
        let executable = matches!(self.rest, [_, _, b'!', ..] | [_, _, b'M' | b'T', b'!', ..]);
        self.skip(2);
        let Some(end) = self.rest.windows(2).position(|pair| pair == b"*/") else {
            self.rest = &[];
            return Some(Token::Unfinished);
        };
        let content = self.rest.get(..end).unwrap_or_default();
        self.skip(end.saturating_add(2));
        let counts = executable || matches!(content, [b'+', hints @ ..] if may_leave_set(hints));
        counts.then_some(Token::ExecutableComment)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let first = *self.rest.first()?;
            match Class::of(first) {
                Class::Space => {
                    self.skip(1);
                    continue;
                }
                Class::Word => return Some(self.word()),
                Class::High => return Some(self.word_beyond_ascii()),
                Class::Dollar | Class::Sign => {}
            }
            match self.rest {
                // Two dashes begin a comment only when white space or the end follows.
                [b'#', ..] | [b'-', b'-'] | [b'-', b'-', b' ' | b'\t'..=b'\r', ..] => {
                    self.skip_line();
                }
                // Servers differ in which other characters do. And MySQL 9 quotes the bodies of
                // stored programs by `$$` and `$tag$`.
                [b'-', b'-', ..=0x1f | 0x7f | 0x85 | 0xa0, ..] | [b'$', ..] => {
                    return Some(self.give_up());
                }
                // `\N` is NULL to MariaDB and TiDB, whatever letters follow. Under `MSSQL` of
                // MariaDB's `[a'b]` is a name; elsewhere it is nothing.
                [b'\\' | b'[', ..] => return Some(self.give_up()),
                [b'.', b'0'..=b'9', ..] if self.begins_glued_number() => {
                    return Some(self.give_up());
                }
                [b'/', b'*', ..] => {
                    if let Some(token) = self.comment() {
                        return Some(token);
                    }
                }
                [quote @ (b'\'' | b'"' | b'`'), ..] => return Some(self.quoted(*quote)),
                [b'@', b'@', ..] => {
                    self.skip(2);
                    return Some(Token::AtAt);
                }
                [b'@', ..] => {
                    self.skip(1);
                    return Some(Token::At);
                }
                _ => {
                    self.skip(1);
                    return Some(Token::Sign(first));
                }
            }
        }
    }
}

/// Where a number with a point or an exponent ends. `None`: none begins here, but an integer or a
/// name may.
fn end_of_real(text: &[u8]) -> Option<usize> {
    let behind_digits = |from: usize| {
        let digits = text
            .iter()
            .skip(from)
            .take_while(|byte| byte.is_ascii_digit());
        from.saturating_add(digits.count())
    };
    let mut end = behind_digits(0);
    let has_point = text.get(end) == Some(&b'.');
    if has_point {
        end = behind_digits(end.saturating_add(1));
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = end.saturating_add(1);
        let is_signed = matches!(text.get(sign), Some(b'+' | b'-'));
        let exponent = sign.saturating_add(usize::from(is_signed));
        if text.get(exponent).is_some_and(u8::is_ascii_digit) {
            return Some(behind_digits(exponent));
        }
    }
    has_point.then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(sql: &str) -> Vec<Token<'_>> {
        Tokens::new(sql.as_bytes(), Escapes::Backslash, Letters::Utf8).collect()
    }

    #[test]
    fn skips_comments_and_literals() {
        let sql = "a -- x\nb # y\n/* z */ c 'it''s \\' ;' \"d\"\"e\" `f``g` --";
        assert_eq!(
            tokens(sql),
            [
                Token::Word(b"a"),
                Token::Word(b"b"),
                Token::Word(b"c"),
                Token::Literal(b"'it''s \\' ;'"),
                Token::Literal(b"\"d\"\"e\""),
                Token::Quoted(b"f``g"),
            ]
        );
    }

    #[test]
    fn two_dashes_without_space_are_minus_signs() {
        assert_eq!(
            tokens("5--1"),
            [
                Token::Word(b"5"),
                Token::Sign(b'-'),
                Token::Sign(b'-'),
                Token::Word(b"1")
            ]
        );
    }

    #[test]
    fn sees_what_some_servers_run() {
        for sql in ["/*!40101 SET x */", "/*M!100 x */", "/*T! x */"] {
            assert_eq!(tokens(sql), [Token::ExecutableComment], "{sql}");
        }
        let hint = "/*+ SET_VAR(timestamp=5) */";
        assert_eq!(tokens(hint), [Token::ExecutableComment]);
        assert_eq!(tokens("/*+ SET_VAR(sort_buffer_size=5) BKA(t) */"), []);
    }

    #[test]
    fn sees_what_does_not_end() {
        for sql in ["'a", "\"a", "`a", "/* a", "'a\\'", "/*!"] {
            assert_eq!(tokens(sql), [Token::Unfinished], "{sql}");
        }
    }

    #[test]
    fn sees_where_a_number_ends_amid_letters() {
        for sql in [
            "1.5INTO",
            "1e0INTO",
            "1E1FROM",
            "1e+1UNION",
            "1.e1UNION",
            "1.5e-3x",
            "+.5INTO",
            "(.5INTO",
            " .5INTO",
            "1.INTO",
            "1e5_x",
            "1.5\u{e9}",
            "1e1e",
            "\\NINTO",
            "5,\\N",
        ] {
            assert_eq!(tokens(sql).last(), Some(&Token::Unfinished), "{sql}");
        }
        for sql in [
            "2fa", "t.2fa", "`t`.5a", "t.1e5x", "2e", "1eUNION", "0x1F", "0b01", "0x1e5x", "1.5",
            "1.", ".5", "1e5", "1e+5", "1.5e-5", "1.5+a", "1.5)", "1e5-a", "a.5", "1--a",
        ] {
            assert!(!tokens(sql).contains(&Token::Unfinished), "{sql}");
        }
    }

    #[test]
    fn takes_no_white_space_for_a_letter() {
        let of = |sql: &'static [u8], letters| -> Vec<_> {
            Tokens::new(sql, Escapes::Backslash, letters).collect()
        };
        let accents = "\u{e0}\u{e9} prix\u{a0}".as_bytes();
        let words = [
            Token::Word("\u{e0}\u{e9}".as_bytes()),
            Token::Word("prix\u{a0}".as_bytes()),
        ];
        assert_eq!(of(accents, Letters::Utf8), words);
        assert_eq!(of(accents, Letters::Unknown), [Token::Unfinished]);
        for sql in [&b"a\xa0b"[..], b"\xa0b", b"\x85b", b"a\xff b", b"a \xc3"] {
            assert_eq!(of(sql, Letters::Utf8).last(), Some(&Token::Unfinished));
        }
    }

    #[test]
    fn backslash_is_plain_without_escapes() {
        let sql = br"'\' @a";
        let plain: Vec<_> = Tokens::new(sql, Escapes::None, Letters::Utf8).collect();
        assert_eq!(
            plain,
            [Token::Literal(br"'\'"), Token::At, Token::Word(b"a")]
        );
        let escaped: Vec<_> = Tokens::new(sql, Escapes::Backslash, Letters::Utf8).collect();
        assert_eq!(escaped, [Token::Unfinished]);
    }
}
