//! What a byte of a statement may begin or go on with: one look into a table for each.

/// What a byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// White space. A NUL at the end of a command is legal and means nothing (TiDB trims it too).
    Space,
    /// A letter, a digit, `_`.
    Word,
    /// A byte beyond ASCII: part of a letter, or white space of some character set.
    High,
    /// `$`, of which a word may consist, and which may begin a quoted body.
    Dollar,
    /// Anything else.
    Sign,
}

const CLASSES: [Class; 256] = classes();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    reason = "counts from 0 to 255, while the program is compiled"
)]
const fn classes() -> [Class; 256] {
    let mut classes = [Class::Sign; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | 0 => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => Class::Word,
            0x80.. => Class::High,
            b'$' => Class::Dollar,
            _ => Class::Sign,
        };
        byte += 1;
    }
    classes
}

impl Class {
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "there is a place for each of the 256 bytes"
    )]
    pub(crate) fn of(byte: u8) -> Self {
        CLASSES[usize::from(byte)]
    }

    /// True for what a word in ASCII consists of.
    #[inline]
    pub(crate) fn is_of_ascii_word(self) -> bool {
        matches!(self, Self::Word | Self::Dollar)
    }

    /// True for what a word consists of.
    #[inline]
    pub(crate) fn is_of_word(self) -> bool {
        matches!(self, Self::Word | Self::High | Self::Dollar)
    }
}
