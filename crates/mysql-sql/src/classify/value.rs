//! Values in a `SET`, as far as they are plain.

use crate::assignment::{MAX_LITERAL, Value, quote};
use crate::word::is;

/// Words that are calls without parentheses.
const CALLS: [&str; 8] = [
    "CURRENT_DATE",
    "CURRENT_ROLE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "SYSDATE",
];

/// What a system variable is set to by this text.
pub(super) fn of_system_variable(text: &[u8]) -> Value {
    if is(text, "DEFAULT") {
        return Value::Default;
    }
    let literal = plain(text).or_else(|| {
        // A bare word is a string here.
        let is_word = text.first().is_some_and(u8::is_ascii_alphabetic)
            && text
                .iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_call = CALLS.iter().any(|call| is(text, call))
            || text.get(..4).is_some_and(|begin| is(begin, "UTC_"));
        (is_word && !is_call).then(|| quote(text)).flatten()
    });
    literal.map_or(Value::Expression, Value::Literal)
}

/// What a user variable is set to by this text. `None`: no plain value.
pub(super) fn of_user_variable(text: &[u8]) -> Option<String> {
    plain(text)
}

/// A number, a string, `NULL`, `TRUE`, `FALSE`.
fn plain(text: &[u8]) -> Option<String> {
    if is_number(text) {
        let text = text.strip_prefix(b"+").unwrap_or(text);
        return String::from_utf8(text.to_vec()).ok();
    }
    if let Some(word) = ["NULL", "TRUE", "FALSE"].iter().find(|word| is(text, word)) {
        return Some((*word).to_owned());
    }
    plain_string(text).and_then(|string| quote(string.as_bytes()))
}

/// What a text literal stands for, if it has nothing to escape: printable ASCII without backslash.
pub(super) fn plain_string(text: &[u8]) -> Option<String> {
    let (&quote, rest) = text.split_first()?;
    let content = rest.strip_suffix(&[quote])?;
    if !matches!(quote, b'\'' | b'"') || content.len() > MAX_LITERAL {
        return None;
    }
    let mut string = String::with_capacity(content.len());
    let mut bytes = content.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            // A quote stands doubled, or ends the literal.
            _ if byte == quote && bytes.next() != Some(&quote) => return None,
            b'\\' => return None,
            b' '..=b'~' => string.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(string)
}

/// An integer, decimal or double, with or without a sign.
fn is_number(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+"));
    let unsigned = unsigned.unwrap_or(text);
    let mut halves = unsigned.splitn(2, |byte| matches!(byte, b'e' | b'E'));
    let mantissa = halves.next().unwrap_or_default();
    let is_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let is_mantissa = mantissa.iter().any(u8::is_ascii_digit)
        && mantissa.splitn(2, |&byte| byte == b'.').all(is_digits);
    let is_exponent = halves.next().is_none_or(|exponent| {
        let digits = exponent
            .strip_prefix(b"-")
            .or_else(|| exponent.strip_prefix(b"+"));
        let digits = digits.unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    text.len() <= MAX_LITERAL && is_mantissa && is_exponent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_reads_the_same_everywhere() {
        for (text, literal) in [
            ("5", "5"),
            ("+5", "5"),
            ("-1.5", "-1.5"),
            (".5", ".5"),
            ("1e-3", "1e-3"),
            ("null", "NULL"),
            ("True", "TRUE"),
            ("'a'", "'a'"),
            ("\"it's\"", "'it''s'"),
            ("'it''s'", "'it''s'"),
            ("''", "''"),
        ] {
            assert_eq!(
                of_user_variable(text.as_bytes()).as_deref(),
                Some(literal),
                "{text}"
            );
        }
        for text in [
            "", "-", "1e", "1.2.3", "0x41", "a", "'a\\n'", "'\u{e9}'", "'", "'a''", "1 + 1",
        ] {
            assert_eq!(of_user_variable(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn takes_a_bare_word_as_a_string() {
        for (text, value) in [
            ("on", Value::Literal("'on'".to_owned())),
            ("utf8mb4", Value::Literal("'utf8mb4'".to_owned())),
            ("default", Value::Default),
            ("CURRENT_USER", Value::Expression),
            ("utc_date", Value::Expression),
            ("REPEATABLE-READ", Value::Expression),
        ] {
            assert_eq!(of_system_variable(text.as_bytes()), value, "{text}");
        }
    }
}
