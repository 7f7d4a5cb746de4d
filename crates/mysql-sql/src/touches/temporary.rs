//! Temporary tables whose rows are not their own.

use super::Touched;
use super::piece::Pieces;
use super::reader::{Read, Reader};
use crate::question::Server;
use crate::token::{Token, Tokens};
use crate::word::is;

/// Storage engines that keep a temporary table's rows with it.
const ENGINES: [&str; 6] = ["INNODB", "MYISAM", "MEMORY", "HEAP", "ARIA", "ROCKSDB"];

/// What the definition of a temporary table counts as writing: nothing that others see, but for
/// rows that are not its own. `tokens` are those behind `TEMPORARY`, up to the end of the statement
/// or of the text.
pub(crate) fn written(mut tokens: Tokens<'_>, server: Server) -> Touched {
    if !tokens.take_word("TABLE") || names_engine(tokens.clone()) {
        return Touched::Everything;
    }
    let reader = Reader::new(Pieces::new(tokens), server);
    like(reader).unwrap_or(Touched::Everything)
}

/// True if it names another engine, or what belongs to one: its rows may be those of tables that
/// others see, as with `MERGE`, or of another server.
fn names_engine(mut tokens: Tokens<'_>) -> bool {
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

/// The table that it is made like, engine and all: that counts as written, as it may be of an
/// engine that keeps no rows.
fn like(mut reader: Reader<'_>) -> Read<Touched> {
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
