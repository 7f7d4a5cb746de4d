//! Goes through queries, for the tables in them.
//!
//! No grammar of expressions: of those, only the parentheses count. Every place where a server may
//! find a table is looked at, and where it cannot be told whether it is such a place, nothing is
//! understood.
//!
//! ```text
//! query      = [WITH name AS (query), …] term { UNION term }
//! term       = SELECT expression [FROM references] | TABLE name | VALUES | (query); then the tail
//! expression = anything, with (query) and (expression) in it
//! ```

use super::NotKept;
use super::keyword::{Keyword, is_of_sequence};
use super::piece::Piece;
use super::reader::{Read, Reader, expect};
use crate::word::is;

/// Where an expression stands, which says where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind `SELECT`, up to `FROM`.
    List,
    /// Behind `ON`, up to the next table.
    On,
    /// Behind the tables, up to the end of the query.
    Tail,
    /// In parentheses.
    Inside,
    /// In those of `TRIM(x FROM y)`, `SUBSTRING(x FROM 1 FOR 2)`.
    InsideWithFrom,
}

/// The last two pieces of an expression: they say what a parenthesis behind them is.
#[derive(Clone, Copy)]
pub(super) struct Opener<'a> {
    pub(super) last: Piece<'a>,
    pub(super) before: Piece<'a>,
}

impl Opener<'_> {
    pub(super) const NOTHING: Self = Self {
        last: Piece::End,
        before: Piece::End,
    };
}

impl<'a> Reader<'a> {
    /// A query, up to the parenthesis that closes it or the end.
    pub(super) fn query(&mut self) -> Read {
        if self.pieces.take_keyword(Keyword::With) {
            self.named_queries()?;
        }
        self.term()?;
        self.rest_of_query()
    }

    /// What stands behind the tables of a query, or behind a query in parentheses.
    pub(super) fn rest_of_query(&mut self) -> Read {
        loop {
            self.expression(Place::Tail)?;
            if !self.take_union() {
                return Ok(());
            }
            self.term()?;
        }
    }

    fn term(&mut self) -> Read {
        if self.pieces.peek() == Piece::Sign(b'(') {
            self.enter()?;
            self.query()?;
            return self.leave();
        }
        match self.pieces.next()? {
            Piece::Keyword(Keyword::Select) => self.select(),
            Piece::Keyword(Keyword::Table) => self.table(),
            Piece::Keyword(Keyword::Values) => Ok(()),
            _ => Err(NotKept::NotUnderstood),
        }
    }

    /// `SELECT`, behind the word.
    fn select(&mut self) -> Read {
        self.expression(Place::List)?;
        if self.pieces.take_keyword(Keyword::From) {
            self.references()?;
            self.expect_end_of_references()?;
        }
        Ok(())
    }

    /// `[RECURSIVE] name [(columns)] AS (query), …`, behind `WITH`.
    pub(super) fn named_queries(&mut self) -> Read {
        self.pieces.take_word("RECURSIVE");
        loop {
            self.name_of_query()?;
            if self.pieces.peek() == Piece::Sign(b'(') {
                self.names()?;
            }
            expect(self.pieces.take_keyword(Keyword::As))?;
            self.enter()?;
            self.query()?;
            self.leave()?;
            if !self.pieces.take_sign(b',') {
                return Ok(());
            }
        }
    }

    /// An expression or a list of them, up to what ends it at its place.
    pub(super) fn expression(&mut self, place: Place) -> Read {
        let mut opener = Opener::NOTHING;
        loop {
            let mut piece = self.pieces.peek();
            match piece {
                Piece::End | Piece::Sign(b')') => return Ok(()),
                Piece::Sign(b',') if place == Place::On => return Ok(()),
                Piece::Keyword(keyword) if self.stops(keyword, place)? => return Ok(()),
                Piece::Keyword(keyword) => self.judge_keyword(keyword, place)?,
                Piece::Name(name) | Piece::Word(name) if is_of_sequence(name) => {
                    self.refuse_call(NotKept::Nondeterministic)?;
                }
                Piece::Variable => self.refuse(NotKept::Variable)?,
                _ => {}
            }
            if piece == Piece::Sign(b'(') {
                self.parenthesis(opener)?;
                piece = Piece::Sign(b')');
            } else {
                self.pieces.next()?;
            }
            opener = Opener {
                last: piece,
                before: opener.last,
            };
        }
    }

    /// A parenthesis in an expression.
    pub(super) fn parenthesis(&mut self, opener: Opener<'a>) -> Read {
        self.judge_call(opener)?;
        self.enter()?;
        if self.begins_query() {
            self.query()?;
        } else {
            self.judge_arguments(opener)?;
            self.expression(place_inside(opener))?;
            // A query in parentheses of its own may have been the first of a union.
            self.rest_of_query()?;
        }
        self.leave()
    }

    /// True if the keyword at hand ends an expression.
    fn stops(&self, keyword: Keyword, place: Place) -> Read<bool> {
        let is_on = place == Place::On;
        match keyword {
            Keyword::Union => Ok(true),
            Keyword::MaybeUnion => Ok(self.unites()),
            Keyword::From if place == Place::List => Ok(true),
            Keyword::From if place == Place::InsideWithFrom => Ok(false),
            Keyword::StraightJoin if place == Place::List => Ok(false),
            Keyword::Join | Keyword::StraightJoin if is_on => Ok(true),
            // Reserved words, where none of their kind can stand.
            Keyword::Select
            | Keyword::Table
            | Keyword::From
            | Keyword::Join
            | Keyword::StraightJoin => Err(NotKept::NotUnderstood),
            Keyword::Clause | Keyword::Set => Ok(is_on),
            Keyword::Window => Ok(is_on && self.opens_windows()),
            _ => Ok(false),
        }
    }

    /// Takes `UNION [ALL | DISTINCT]` and its like.
    fn take_union(&mut self) -> bool {
        let is_next = match self.pieces.peek() {
            Piece::Keyword(Keyword::Union) => self.pieces.take_keyword(Keyword::Union),
            Piece::Keyword(Keyword::MaybeUnion) if self.unites() => {
                self.pieces.take_keyword(Keyword::MaybeUnion)
            }
            _ => false,
        };
        if is_next && !self.pieces.take_word("ALL") {
            self.pieces.take_word("DISTINCT");
        }
        is_next
    }

    /// True if a query follows the `EXCEPT` at hand: else it is a name.
    pub(super) fn unites(&self) -> bool {
        let mut following = self.pieces.clone();
        following.take_keyword(Keyword::MaybeUnion);
        match following.peek() {
            Piece::Sign(b'(')
            | Piece::Keyword(Keyword::Select | Keyword::Table | Keyword::Values) => true,
            Piece::Word(word) => is(word, "ALL") || is(word, "DISTINCT"),
            _ => false,
        }
    }

    /// True if a window follows the `WINDOW` at hand: else it is a name.
    pub(super) fn opens_windows(&self) -> bool {
        let mut following = self.pieces.clone();
        following.take_keyword(Keyword::Window);
        matches!(following.next(), Ok(Piece::Word(_) | Piece::Name(_)))
            && following.take_keyword(Keyword::As)
            && following.peek() == Piece::Sign(b'(')
    }
}

/// What may stand in a parenthesis, by what is before it.
fn place_inside(opener: Opener<'_>) -> Place {
    const WITH_FROM: [&str; 5] = ["EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "MID"];
    match opener.last {
        Piece::Word(word) if WITH_FROM.iter().any(|name| is(word, name)) => Place::InsideWithFrom,
        _ => Place::Inside,
    }
}
