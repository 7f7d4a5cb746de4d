//! Goes through references to tables: what stands behind `FROM`, and between `UPDATE` and `SET`.
//!
//! ```text
//! references = factor { (, | [kind] JOIN) factor [ON expression | USING (columns)] }
//! factor     = table [PARTITION (…)] [alias] [hints of indexes] | (references) | (query) [alias]
//! ```
//!
//! Servers disagree on which words are reserved, and with it on what is an alias. A word that is
//! taken for one is followed by something that can only follow an alias, or nothing is understood.

use super::NotKept;
use super::keyword::Keyword;
use super::piece::Piece;
use super::query::{Opener, Place};
use super::reader::{Read, Reader, expect};
use crate::word::is;

impl Reader<'_> {
    /// All references up to what follows them.
    pub(super) fn references(&mut self) -> Read {
        loop {
            self.factor()?;
            self.conditions()?;
            if !self.pieces.take_sign(b',') && !self.take_join()? {
                return Ok(());
            }
        }
    }

    /// What a query has behind its references.
    pub(super) fn expect_end_of_references(&self) -> Read {
        use Keyword::{Clause, For, Into, Lock, MaybeUnion, Procedure, Union, Window};
        expect(match self.pieces.peek() {
            Piece::End
            | Piece::Sign(b')')
            | Piece::Keyword(Clause | For | Into | Lock | Procedure | Union) => true,
            Piece::Keyword(MaybeUnion) => self.unites(),
            Piece::Keyword(Window) => self.opens_windows(),
            _ => false,
        })
    }

    /// `ON …`, `USING (…)`, as many as there are: joins may nest without parentheses.
    fn conditions(&mut self) -> Read {
        loop {
            if self.pieces.take_keyword(Keyword::On) {
                self.expression(Place::On)?;
            } else if self.pieces.take_keyword(Keyword::Using) {
                self.names()?;
            } else {
                return Ok(());
            }
        }
    }

    fn take_join(&mut self) -> Read<bool> {
        let mut has_kind = false;
        while self.pieces.take_keyword(Keyword::JoinKind) {
            has_kind = true;
        }
        let joins = self.pieces.take_keyword(Keyword::Join)
            || self.pieces.take_keyword(Keyword::StraightJoin);
        expect(joins || !has_kind)?;
        Ok(joins)
    }

    fn factor(&mut self) -> Read {
        match self.pieces.peek() {
            Piece::Sign(b'(') => {
                self.factor_in_parentheses()?;
                self.derived()
            }
            Piece::Keyword(Keyword::Lateral) => {
                self.pieces.next()?;
                self.factor_in_parentheses()?;
                self.derived()
            }
            Piece::Keyword(Keyword::JsonTable) => {
                self.pieces.next()?;
                self.parenthesis(Opener::NOTHING)?;
                self.derived()
            }
            Piece::Keyword(Keyword::Dual) => self.pieces.next().map(drop),
            _ => self.named(),
        }
    }

    /// `(query)`, `((query) UNION (query))`, `(references)`.
    fn factor_in_parentheses(&mut self) -> Read {
        self.enter()?;
        if self.begins_query() {
            self.query()?;
        } else {
            self.references()?;
            self.expect_end_of_references()?;
            self.rest_of_query()?;
        }
        self.leave()
    }

    /// A table, with what may stand behind its name.
    fn named(&mut self) -> Read {
        self.table()?;
        if self.pieces.take_keyword(Keyword::Partition) {
            self.names()?;
        }
        self.alias()?;
        while self.pieces.take_keyword(Keyword::IndexHint) {
            self.hint_of_indexes()?;
        }
        Ok(())
    }

    /// What may stand behind a query in the place of a table.
    fn derived(&mut self) -> Read {
        if self.alias()? && self.pieces.peek() == Piece::Sign(b'(') {
            self.names()?;
        }
        Ok(())
    }

    /// `[[AS] name]`. True if there is one.
    fn alias(&mut self) -> Read<bool> {
        let has_as = self.pieces.take_keyword(Keyword::As);
        match self.pieces.peek() {
            // To TiDB what is read here is a time.
            Piece::Word(word) if has_as && is(word, "OF") => Err(NotKept::Temporal),
            Piece::Word(_) | Piece::Name(_) => self.pieces.next().map(|_| true),
            _ => expect(!has_as).map(|()| false),
        }
    }

    /// `INDEX [FOR JOIN | ORDER BY | GROUP BY] (names)`, behind `USE`, `FORCE`, `IGNORE`.
    fn hint_of_indexes(&mut self) -> Read {
        expect(self.pieces.take_word("INDEX") || self.pieces.take_word("KEY"))?;
        if self.pieces.take_keyword(Keyword::For) && !self.pieces.take_keyword(Keyword::Join) {
            expect(self.pieces.take_keyword(Keyword::Clause) && self.pieces.take_word("BY"))?;
        }
        self.names()
    }
}
