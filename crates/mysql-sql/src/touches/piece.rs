//! Tells the words that may be keywords from those that can only be names.
//!
//! Behind a point every word is a name, and so is one that a point follows directly: `a.from`,
//! `where.a`. A number ends where its digits do, even if letters follow: `1.5from t` reads from a
//! table. What servers read differently is [`Piece::Unclear`].

use super::NotKept;
use super::keyword::{Keyword, keyword};
use crate::class::Class;
use crate::token::{Token, Tokens};
use crate::word::is;

/// One piece of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A word that says where tables may stand.
    Keyword(Keyword),
    /// Another word without quotes: a name, or a keyword of no concern.
    Word(&'a [u8]),
    /// What can only be a name: in backticks (without them), or next to a point.
    Name(&'a [u8]),
    /// A number, a string, a name in double quotes.
    Literal,
    /// A user or system variable, or the host of an account.
    Variable,
    /// Any other sign.
    Sign(u8),
    /// The semicolon, or the end of the text.
    End,
    /// Not the same to every server.
    Unclear,
}

/// What the last piece makes of a word that follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Other,
    /// A number: a point belongs to it.
    Number,
    /// A number behind a point: another point is odd.
    Fraction,
    Point,
    /// The point of a number.
    NumberPoint,
}

/// The pieces of a statement, with a look at the next one.
#[derive(Clone)]
pub(super) struct Pieces<'a> {
    tokens: Tokens<'a>,
    ahead: Piece<'a>,
    /// The next piece follows the last one without white space or comment.
    is_adjacent: bool,
    before: Before,
}

impl<'a> Pieces<'a> {
    /// The pieces of the tokens up to the next semicolon.
    pub(super) fn new(tokens: Tokens<'a>) -> Self {
        let mut pieces = Self {
            tokens,
            ahead: Piece::End,
            is_adjacent: false,
            before: Before::Other,
        };
        pieces.load();
        pieces
    }

    /// The next piece, without moving on.
    pub(super) fn peek(&self) -> Piece<'a> {
        self.ahead
    }

    /// True if nothing stands between the last piece and the next one.
    pub(super) fn is_adjacent(&self) -> bool {
        self.is_adjacent
    }

    /// Moves on, but never behind the end of the statement.
    pub(super) fn next(&mut self) -> Result<Piece<'a>, NotKept> {
        let piece = self.ahead;
        match piece {
            Piece::Unclear => return Err(NotKept::NotUnderstood),
            Piece::End => {}
            _ => self.load(),
        }
        Ok(piece)
    }

    /// Moves on if the next piece is this one.
    pub(super) fn take(&mut self, piece: Piece<'_>) -> bool {
        let is_next = self.ahead == piece;
        if is_next {
            self.load();
        }
        is_next
    }

    /// Moves on if the next piece is this keyword.
    pub(super) fn take_keyword(&mut self, keyword: Keyword) -> bool {
        self.take(Piece::Keyword(keyword))
    }

    /// Moves on if the next piece is this sign.
    pub(super) fn take_sign(&mut self, sign: u8) -> bool {
        self.take(Piece::Sign(sign))
    }

    /// Moves on if the next piece is this word.
    pub(super) fn take_word(&mut self, text: &str) -> bool {
        let is_next = matches!(self.ahead, Piece::Word(word) if is(word, text));
        if is_next {
            self.load();
        }
        is_next
    }

    fn load(&mut self) {
        let end = self.tokens.position();
        let Some(token) = self.tokens.next() else {
            self.ahead = Piece::End;
            return;
        };
        self.is_adjacent = self.tokens.start_of(token) == end;
        let before = std::mem::replace(&mut self.before, Before::Other);
        self.ahead = match token {
            Token::Word(word) if word.first().is_some_and(u8::is_ascii_digit) => {
                self.digits(word, before)
            }
            Token::Word(word) => self.word(word, before),
            Token::Quoted(name) => Piece::Name(name),
            Token::Literal(_) => Piece::Literal,
            Token::Sign(b';') => Piece::End,
            Token::Sign(b'.') => self.point(before),
            // `\N` is NULL to some servers, and a word may follow it as closely as a number.
            Token::Sign(b'\\') | Token::ExecutableComment | Token::Unfinished => Piece::Unclear,
            Token::Sign(sign) => Piece::Sign(sign),
            Token::At => {
                self.tokens.variable_name();
                Piece::Variable
            }
            Token::AtAt => {
                let is_name = |token| matches!(token, Token::Word(_) | Token::Quoted(_));
                self.tokens.take_if(is_name);
                Piece::Variable
            }
        };
    }

    fn point(&mut self, before: Before) -> Piece<'a> {
        match before {
            Before::Other => self.before = Before::Point,
            Before::Number => self.before = Before::NumberPoint,
            // `1.5.a`, `a.1.b`, `a..b`.
            Before::Fraction | Before::Point | Before::NumberPoint => return Piece::Unclear,
        }
        Piece::Sign(b'.')
    }

    /// A word that begins with a digit.
    fn digits(&mut self, word: &'a [u8], before: Before) -> Piece<'a> {
        if !is_number(word) {
            return Piece::Unclear;
        }
        self.before = match before {
            Before::Other | Before::Number => Before::Number,
            _ => Before::Fraction,
        };
        match before {
            Before::Point => Piece::Name(word),
            _ => Piece::Literal,
        }
    }

    /// A word that begins with something else.
    fn word(&mut self, word: &'a [u8], before: Before) -> Piece<'a> {
        match before {
            Before::Point => return Piece::Name(word),
            // `1.e5`, and not `1.from t`, which TiDB takes for a name.
            Before::NumberPoint if is_exponent(word) => return Piece::Literal,
            Before::NumberPoint => return Piece::Unclear,
            _ => {}
        }
        let keyword = keyword(word);
        let is_name = match self.tokens.rest() {
            [b'.', next, ..] if Class::of(*next).is_of_word() => true,
            // To MySQL it is a keyword, to TiDB a name.
            [b'.', ..] if keyword.is_some() => return Piece::Unclear,
            [b'.', ..] => true,
            _ => false,
        };
        match keyword {
            _ if is_name => Piece::Name(word),
            Some(keyword) => Piece::Keyword(keyword),
            None => Piece::Word(word),
        }
    }
}

/// True for digits that are a number to every server, or one with its exponent cut off before the
/// sign. Others hide a word (`1e5from`), or are names (`1a`).
pub(crate) fn is_number(word: &[u8]) -> bool {
    let (digits, rest) = word.split_at(count_digits(word));
    match rest {
        [] => true,
        [b'x', hex @ ..] => digits == b"0" && hex.iter().all(u8::is_ascii_hexdigit),
        [b'b', bits @ ..] => digits == b"0" && bits.iter().all(|bit| matches!(bit, b'0' | b'1')),
        _ => is_exponent(rest),
    }
}

/// True for `e`, and `e5`.
fn is_exponent(word: &[u8]) -> bool {
    matches!(word, [b'e' | b'E', digits @ ..] if digits.iter().all(u8::is_ascii_digit))
}

fn count_digits(word: &[u8]) -> usize {
    let end = word.iter().position(|byte| !byte.is_ascii_digit());
    end.unwrap_or(word.len())
}
