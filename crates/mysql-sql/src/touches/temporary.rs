//! Temporary tables whose rows are not their own.

use super::Touched;
use super::reader::{Read, Reader};
use crate::token::{Token, Tokens};
use crate::word::is;

/// Storage engines that keep a temporary table's rows with it.
const ENGINES: [&str; 6] = ["INNODB", "MYISAM", "MEMORY", "HEAP", "ARIA", "ROCKSDB"];

/// True if the definition of a temporary table names another engine, or what belongs to one: its
/// rows may be those of tables that others see, as with `MERGE`, or of another server. `tokens` are
/// those behind `TEMPORARY`, up to the end of the statement or of the text.
pub(crate) fn names_engine(mut tokens: Tokens<'_>) -> bool {
    while let Some(token) = tokens.next() {
        match token {
            Token::Sign(b';') => return false,
            Token::Word(word) if is(word, "UNION") => {
                // That of a query stands before a query.
                let mut next = tokens.clone();
                let words = ["ALL", "DISTINCT", "SELECT", "VALUES", "TABLE"];
                if !words.iter().any(|word| next.take_word(word)) {
                    return true;
                }
            }
            Token::Word(word) if is(word, "ENGINE") => {
                tokens.take_if(|token| token == Token::Sign(b'='));
                if !ENGINES.iter().any(|engine| tokens.take_word(engine)) {
                    return true;
                }
            }
            Token::Word(word) if is(word, "CONNECTION") => return true,
            Token::ExecutableComment | Token::Unfinished => return true,
            _ => {}
        }
    }
    false
}

/// The table that a temporary one is made like, engine and all: it counts as written, as it may be
/// of an engine that keeps no rows. The reader stands behind `TABLE`.
pub(super) fn like(mut reader: Reader<'_>) -> Read<Touched> {
    for word in ["IF", "NOT", "EXISTS"] {
        reader.pieces.take_word(word);
    }
    reader.table()?;
    reader.forget_tables();
    reader.pieces.take_sign(b'(');
    if !reader.pieces.take_word("LIKE") {
        return Ok(Touched::Nothing);
    }
    reader.table()?;
    Ok(reader.into_writes())
}

/// True if a temporary table is made like another. `tokens` are those behind `TEMPORARY`.
pub(crate) fn is_like_another(mut tokens: Tokens<'_>) -> bool {
    for word in ["TABLE", "IF", "NOT", "EXISTS"] {
        tokens.take_word(word);
    }
    let is_name = |token| matches!(token, Token::Word(_) | Token::Quoted(_) | Token::Literal(_));
    let is_point = |token| token == Token::Sign(b'.');
    while tokens.take_if(is_name) && tokens.take_if(is_point) {}
    tokens.take_if(|token| token == Token::Sign(b'('));
    tokens.take_word("LIKE")
}
