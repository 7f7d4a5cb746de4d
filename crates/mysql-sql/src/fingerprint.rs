//! What statements have in common that differ in their values only: `SELECT a FROM t WHERE b = ?`.
//!
//! Literals become `?`, lists of them `(...)` however long they are, comments and white space one
//! space or none. Names and keywords stay as they are written.

mod number;

use crate::classify::Dialect;
use crate::token::{Token, Tokens};
use crate::word::is;

/// Longest fingerprint, in bytes. What would not fit is cut off.
const LONGEST: usize = 1024;

/// Where a fingerprint was cut off.
const CUT: &str = "…";

/// The fingerprint of a text, to be shown.
pub fn fingerprint(sql: &[u8], dialect: impl Into<Dialect>) -> String {
    let mut text = String::new();
    print(sql, dialect.into(), |part| text.push_str(part));
    text
}

/// A number that is equal for texts of an equal [`fingerprint`]. It is the same in each process,
/// and no protection from those who look for two texts with the same one.
pub fn fingerprint_hash(sql: &[u8], dialect: impl Into<Dialect>) -> u64 {
    // FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>.
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = OFFSET;
    print(sql, dialect.into(), |part| {
        for byte in part.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    });
    hash
}

fn print(sql: &[u8], dialect: Dialect, sink: impl FnMut(&str)) {
    let printer = Printer {
        tokens: Tokens::new(sql, dialect.escapes, dialect.letters),
        sink,
        len: 0,
        last: Last::Opening,
    };
    printer.print();
}

/// What was printed last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A word, a name, a literal, `)`.
    Operand,
    /// `(`, `.`, `@`, or nothing: what follows stands close.
    Opening,
    /// `,`, `;`.
    Separator,
    /// Another sign: one that follows it closely is part of it.
    Operator,
}

/// Whether a space stands before a part, unless it is opened by what is before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    Before,
    None,
}

/// Prints the pieces of a text, until they are too long.
struct Printer<'a, S> {
    tokens: Tokens<'a>,
    sink: S,
    len: usize,
    last: Last,
}

impl<S: FnMut(&str)> Printer<'_, S> {
    fn print(mut self) {
        let mut end = 0;
        while let Some(token) = self.tokens.next() {
            let is_apart = self.tokens.start_of(token) != end;
            let fits = self.token(token, is_apart);
            if !fits {
                (self.sink)(CUT);
                return;
            }
            end = self.tokens.position();
        }
    }

    /// False: there is no place left for it.
    fn token(&mut self, token: Token<'_>, is_apart: bool) -> bool {
        match token {
            Token::Word(word) if number::begins(word) => {
                number::take_rest(&mut self.tokens, word);
                self.operand("?")
            }
            Token::Word(word) => self.operand(&String::from_utf8_lossy(word)),
            Token::Quoted(name) => {
                let parts = ["`", &*String::from_utf8_lossy(name), "`"];
                self.put(parts, Space::Before, Last::Operand)
            }
            Token::Literal(_) => self.operand("?"),
            Token::At => self.put_sign("@", Space::Before, Last::Opening),
            Token::AtAt => self.put_sign("@@", Space::Before, Last::Opening),
            Token::Sign(sign) => self.sign(sign, is_apart),
            Token::ExecutableComment => self.operand("/*!*/"),
            Token::Unfinished => self.operand(CUT),
        }
    }

    fn sign(&mut self, sign: u8, is_apart: bool) -> bool {
        let may_begin_number = self.last != Last::Operand;
        match sign {
            b'.' if may_begin_number && number::take_fraction(&mut self.tokens) => {
                self.operand("?")
            }
            b'-' | b'+' if may_begin_number && number::take(&mut self.tokens) => self.operand("?"),
            b'?' => self.operand("?"),
            b'(' => self.parenthesis(is_apart),
            b')' => self.put_sign(")", Space::None, Last::Operand),
            b'.' => self.put_sign(".", Space::None, Last::Opening),
            b',' => self.put_sign(",", Space::None, Last::Separator),
            b';' => self.put_sign(";", Space::None, Last::Separator),
            _ => {
                let space = space(is_apart || self.last != Last::Operator);
                let mut bytes = [0; 4];
                let text = char::from(sign).encode_utf8(&mut bytes);
                self.put_sign(text, space, Last::Operator)
            }
        }
    }

    /// `(`, or a list of literals, or several such lists.
    fn parenthesis(&mut self, is_apart: bool) -> bool {
        // `count(*)` and `IN (…)`, as they are written.
        let space = space(is_apart || self.last != Last::Operand);
        let Some(behind) = behind_literals(self.tokens.clone()) else {
            return self.put_sign("(", space, Last::Opening);
        };
        self.tokens = behind;
        while let Some(behind) = behind_next_literals(self.tokens.clone()) {
            self.tokens = behind;
        }
        self.put_sign("(...)", space, Last::Operand)
    }

    fn operand(&mut self, text: &str) -> bool {
        self.put_sign(text, Space::Before, Last::Operand)
    }

    fn put_sign(&mut self, text: &str, space: Space, last: Last) -> bool {
        self.put(["", text, ""], space, last)
    }

    fn put(&mut self, [open, text, close]: [&str; 3], space: Space, last: Last) -> bool {
        let is_spaced = space == Space::Before && self.last != Last::Opening;
        let parts = [if is_spaced { " " } else { "" }, open, text, close];
        let len = parts
            .iter()
            .fold(self.len, |len, part| len.saturating_add(part.len()));
        let fits = len <= LONGEST.saturating_sub(CUT.len());
        if fits {
            parts.into_iter().for_each(&mut self.sink);
            self.len = len;
            self.last = last;
        }
        fits
    }
}

fn space(is_before: bool) -> Space {
    if is_before {
        Space::Before
    } else {
        Space::None
    }
}

/// The tokens behind a list of nothing but literals, whose parenthesis was read.
fn behind_literals(mut tokens: Tokens<'_>) -> Option<Tokens<'_>> {
    const VALUES: [&str; 4] = ["NULL", "TRUE", "FALSE", "DEFAULT"];
    loop {
        if !number::take(&mut tokens) {
            match tokens.next()? {
                Token::Literal(_) | Token::Sign(b'?') => {}
                Token::Word(word) if VALUES.iter().any(|value| is(word, value)) => {}
                _ => return None,
            }
        }
        match tokens.next()? {
            Token::Sign(b',') => {}
            Token::Sign(b')') => return Some(tokens),
            _ => return None,
        }
    }
}

/// Those behind another such list, and the comma before it.
fn behind_next_literals(mut tokens: Tokens<'_>) -> Option<Tokens<'_>> {
    let opens = tokens.take_sign(b',') && tokens.take_sign(b'(');
    opens.then(|| behind_literals(tokens)).flatten()
}

#[cfg(test)]
mod tests;
