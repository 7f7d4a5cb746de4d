//! The statements that change rows, as far as to the tables that they change.
//!
//! Each reader stands behind the first word. Where several tables are joined, any of them may be
//! the one that changes.

use super::keyword::Keyword;
use super::piece::{Piece, Pieces};
use super::reader::{Read, Reader, expect};
use super::{NotKept, Touched};
use crate::word::is;

/// `INSERT [options] [INTO] table …`, and `REPLACE`.
pub(super) fn insert(mut reader: Reader<'_>) -> Read<Touched> {
    skip_options(&mut reader.pieces);
    // MariaDB tells that it is done, and does it later.
    expect(!reader.pieces.take_word("DELAYED"))?;
    skip_options(&mut reader.pieces);
    reader.pieces.take_keyword(Keyword::Into);
    reader.table()?;
    Ok(reader.into_writes())
}

/// `UPDATE [options] references SET …`.
pub(super) fn update(mut reader: Reader<'_>) -> Read<Touched> {
    skip_options(&mut reader.pieces);
    reader.references()?;
    expect(reader.pieces.peek() == Piece::Keyword(Keyword::Set))?;
    Ok(reader.into_writes())
}

/// `DELETE [options] FROM table …`, `DELETE [options] targets FROM references`,
/// `DELETE [options] FROM targets USING references`. Targets are tables of the references, by their
/// aliases.
pub(super) fn delete(mut reader: Reader<'_>) -> Read<Touched> {
    skip_options(&mut reader.pieces);
    // A target of this name makes no difference: the references tell.
    if reader.pieces.take_word("QUICK") {
        skip_options(&mut reader.pieces);
    }
    if reader.pieces.take_keyword(Keyword::From) {
        let mut behind = reader.pieces.clone();
        skip_targets(&mut behind)?;
        if behind.take_keyword(Keyword::Using) {
            reader.pieces = behind;
        }
    } else {
        skip_targets(&mut reader.pieces)?;
        expect(reader.pieces.take_keyword(Keyword::From))?;
    }
    reader.references()?;
    let next = reader.pieces.peek();
    let is_over = |keyword| matches!(keyword, Keyword::Clause | Keyword::MaybeClause);
    expect(match next {
        Piece::Keyword(keyword) => is_over(keyword),
        piece => piece == Piece::End,
    })?;
    Ok(reader.into_writes())
}

/// `LOAD DATA … INTO TABLE table …`, `LOAD XML …`.
pub(super) fn load(mut reader: Reader<'_>) -> Read<Touched> {
    expect(reader.pieces.take_word("DATA") || reader.pieces.take_word("XML"))?;
    loop {
        match reader.pieces.next()? {
            Piece::End => return Err(NotKept::NotUnderstood),
            Piece::Keyword(Keyword::Into) if reader.pieces.take_keyword(Keyword::Table) => break,
            _ => {}
        }
    }
    reader.table()?;
    Ok(reader.into_writes())
}

/// `TRUNCATE [TABLE] table [WAIT n | NOWAIT]`.
pub(super) fn truncate(mut reader: Reader<'_>) -> Read<Touched> {
    reader.pieces.take_keyword(Keyword::Table);
    reader.table()?;
    expect(match reader.pieces.peek() {
        Piece::Word(word) => is(word, "WAIT") || is(word, "NOWAIT"),
        piece => piece == Piece::End,
    })?;
    Ok(reader.into_writes())
}

/// `LOW_PRIORITY`, `HIGH_PRIORITY`, `IGNORE`.
fn skip_options(pieces: &mut Pieces<'_>) {
    for option in ["LOW_PRIORITY", "HIGH_PRIORITY"] {
        pieces.take_word(option);
    }
    pieces.take_keyword(Keyword::IndexHint);
}

/// `a, b.*, c.d.*`.
fn skip_targets(pieces: &mut Pieces<'_>) -> Read {
    while let Piece::Word(_) | Piece::Name(_) | Piece::Sign(b'.' | b'*' | b',') = pieces.peek() {
        pieces.next()?;
    }
    Ok(())
}
