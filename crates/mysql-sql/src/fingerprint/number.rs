//! Takes numbers, which the tokenizer gives in pieces: `-1.5e-3`.

use crate::token::{Token, Tokens};
use crate::touches::is_number;

/// True for a word that is a number, or the beginning of one.
pub(super) fn begins(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_digit) && is_number(word)
}

/// Takes a number with or without a sign. False: there is none, and nothing is taken.
pub(super) fn take(tokens: &mut Tokens<'_>) -> bool {
    let mut following = tokens.clone();
    let mut first = following.next();
    if let Some(Token::Sign(b'-' | b'+')) = first {
        first = following.next();
    }
    let is_number = match first {
        Some(Token::Word(word)) if begins(word) => {
            take_rest(&mut following, word);
            true
        }
        Some(Token::Sign(b'.')) => take_fraction(&mut following),
        _ => false,
    };
    if is_number {
        *tokens = following;
    }
    is_number
}

/// Takes what follows the first word of a number.
pub(super) fn take_rest(tokens: &mut Tokens<'_>, word: &[u8]) {
    take_exponent(tokens, word);
    if tokens.rest().first() == Some(&b'.') {
        tokens.next();
        take_fraction(tokens);
    }
}

/// Takes what follows the point of a number, if there is anything.
pub(super) fn take_fraction(tokens: &mut Tokens<'_>) -> bool {
    let is_fraction = matches!(
        tokens.rest(),
        [b'0'..=b'9', ..] | [b'e' | b'E', b'0'..=b'9', ..]
    );
    if is_fraction && let Some(Token::Word(word)) = tokens.next() {
        take_exponent(tokens, word);
    }
    is_fraction
}

/// Takes the sign of an exponent, and its digits, if this word ends before them.
fn take_exponent(tokens: &mut Tokens<'_>, word: &[u8]) {
    let ends_before = matches!(word, [digits @ .., b'e' | b'E']
        if digits.iter().all(u8::is_ascii_digit));
    if ends_before && matches!(tokens.rest(), [b'-' | b'+', b'0'..=b'9', ..]) {
        tokens.next();
        tokens.next();
    }
}
