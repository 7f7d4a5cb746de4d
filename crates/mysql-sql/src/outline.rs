//! What is left of a text without its values. Texts that differ in nothing else read alike, so that
//! what is known of one need not be found out of the next.

use crate::class::Class;

/// Longest outline, in bytes. Most statements are far shorter, and a longer one takes its time at
/// the origin.
const LONGEST: usize = 512;

/// What is left of a text without its whole numbers and quoted literals.
///
/// Texts of one outline have one [`fingerprint`](crate::fingerprint()), whatever the dialect. And
/// if [`classify`](crate::classify()) tells the same of them in the same dialect, then so does
/// [`touches`](crate::touches()), which looks at no value and finds no comment here.
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
        let mut before = b' ';
        let mut rest = sql;
        while let Some(&byte) = rest.first() {
            let (shown, behind) = next(byte, before, rest)?;
            outline.add(shown)?;
            let taken = rest.len().saturating_sub(behind.len());
            before = *rest.get(taken.saturating_sub(1))?;
            rest = behind;
        }
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

/// What is shown of the next piece of a text, and what is behind that.
fn next(byte: u8, before: u8, rest: &[u8]) -> Option<(&[u8], &[u8])> {
    match byte {
        b'\'' | b'"' => {
            let (_, behind) = rest.split_at_checked(quoted_len(rest, byte)?)?;
            Some((rest.get(..1)?, behind))
        }
        b'`' => rest.split_at_checked(quoted_len(rest, byte)?),
        b'0'..=b'9' if !goes_on(before) => {
            let len = len_while(rest, |byte| byte.is_ascii_digit());
            let (digits, behind) = rest.split_at_checked(len)?;
            let is_whole = !behind.first().is_some_and(|&byte| goes_on(byte));
            Some((if is_whole { b"0" } else { digits }, behind))
        }
        // A comment, or what reads otherwise in another dialect.
        b'#' | b'\\' | 0x80.. => None,
        b'-' if before == b'-' => None,
        b'*' if before == b'/' => None,
        _ if Class::of(byte).is_of_ascii_word() => {
            rest.split_at_checked(len_while(rest, |byte| Class::of(byte).is_of_ascii_word()))
        }
        _ => rest.split_at_checked(1),
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
