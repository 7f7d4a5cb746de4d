//! What is left of a text without its values. Texts that differ in nothing else read alike, so that
//! what is known of one need not be found out of the next.

use crate::class::Class;

/// Longest outline, in bytes. Most statements are far shorter, and a longer one takes its time at
/// the origin.
const LONGEST: usize = 512;

/// What is left of a text without its whole numbers and quoted literals.
///
/// Texts of one outline have one [`fingerprint`](crate::fingerprint()), whatever the dialect. And
/// in one dialect:
///
/// - If [`classify`](crate::classify()) tells the same of them, then so does
///   [`touches`](crate::touches()), which looks at no value and finds no comment here.
/// - If one is a [`Statement::plain_read`](crate::Statement::plain_read), then all are: values are
///   looked at only in what is none, such as an assignment or a lock.
#[derive(Clone, Debug)]
pub struct Outline {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Outline {
    /// The outline of a text. `None`: it has none, as it would take a closer look, or is too long.
    pub fn of(sql: &[u8]) -> Option<Self> {
        let mut outline = Self {
            bytes: [0; LONGEST],
            len: 0,
        };
        // What is shown as it is and not yet taken over begins here.
        let mut shown = 0;
        let mut at = 0usize;
        loop {
            at = at.saturating_add(len_while(sql.get(at..)?, is_plain));
            let Some(rest @ [_, ..]) = sql.get(at..) else {
                break;
            };
            let before = at.checked_sub(1).and_then(|before| sql.get(before));
            let (stand_in, len) = next(*before.unwrap_or(&b' '), rest)?;
            if let Some(stand_in) = stand_in {
                outline.add(sql.get(shown..at)?)?;
                outline.add(&[stand_in])?;
                shown = at.saturating_add(len);
            }
            at = at.saturating_add(len);
        }
        outline.add(sql.get(shown..)?)?;
        Some(outline)
    }

    /// The outline itself.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn add(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len.checked_add(bytes.len())?;
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }
}

/// True for each byte that is shown as it is, whatever stands beside it.
const PLAIN: [bool; 256] = plain();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    reason = "counts from 0 to 255, while the program is compiled"
)]
const fn plain() -> [bool; 256] {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < plain.len() {
        plain[byte] = !matches!(
            byte as u8,
            b'0'..=b'9' | b'\'' | b'"' | b'`' | b'#' | b'\\' | b'-' | b'*' | 0x80..
        );
        byte += 1;
    }
    plain
}

#[expect(
    clippy::indexing_slicing,
    reason = "there is a place for each of the 256 bytes"
)]
fn is_plain(byte: u8) -> bool {
    PLAIN[usize::from(byte)]
}

/// What stands for the next piece of a text, if it is not shown as it is, and its length.
fn next(before: u8, rest: &[u8]) -> Option<(Option<u8>, usize)> {
    let byte = *rest.first()?;
    match byte {
        b'\'' | b'"' => Some((Some(byte), quoted_len(rest, byte)?)),
        b'`' => Some((None, quoted_len(rest, byte)?)),
        b'0'..=b'9' => {
            let len = len_while(rest, |byte| byte.is_ascii_digit());
            let is_whole = !goes_on(before) && !rest.get(len).is_some_and(|&byte| goes_on(byte));
            Some((is_whole.then_some(b'0'), len))
        }
        // A comment, or what reads otherwise in another dialect.
        b'#' | b'\\' | 0x80.. => None,
        b'-' if before == b'-' => None,
        b'*' if before == b'/' => None,
        _ => Some((None, 1)),
    }
}

/// True if a digit beside this byte is part of something else than a whole number.
fn goes_on(byte: u8) -> bool {
    Class::of(byte).is_of_word() || matches!(byte, b'.' | b'@')
}

/// The length of something in quotes. (A quote that is doubled begins another one.) `None`: it does
/// not end, or not for each server, or may be taken for a hint.
fn quoted_len(rest: &[u8], quote: u8) -> Option<usize> {
    let content = rest.get(1..)?;
    let len = len_while(content, |byte| ![quote, b'\\', b'*'].contains(&byte));
    (content.get(len) == Some(&quote)).then(|| len.saturating_add(2))
}

fn len_while(bytes: &[u8], holds: impl Fn(u8) -> bool) -> usize {
    let end = bytes.iter().position(|&byte| !holds(byte));
    end.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests;
