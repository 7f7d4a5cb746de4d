//! `CREATE`, `ALTER`, `DROP`: what they hold in themselves is not run.

use super::Reader;
use super::scan::Calls;
use crate::effect::{Defines, MakesInsertId};
use crate::pin::PinReason;
use crate::token::Token;
use crate::word;

/// What `CREATE` or `ALTER` is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thing {
    /// A table, or what belongs to one.
    Table,
    /// A query that is kept for later.
    View,
    /// Statements that are kept for later, with semicolons of their own: a trigger, an event.
    Trigger,
    /// Likewise: a procedure, a function, or many.
    Routine,
    Database,
    /// A view or a program; an account stands in front of the word that tells.
    Defined,
    Other,
}

/// Words that tell, in front of the name.
const THINGS: [(&str, Thing); 18] = [
    ("TABLE", Thing::Table),
    ("INDEX", Thing::Table),
    ("DATABASE", Thing::Database),
    ("SCHEMA", Thing::Database),
    ("USER", Thing::Other),
    ("ROLE", Thing::Other),
    ("SEQUENCE", Thing::Table),
    ("SERVER", Thing::Other),
    ("TABLESPACE", Thing::Other),
    ("BINDING", Thing::Other),
    ("DEFINER", Thing::Defined),
    ("VIEW", Thing::View),
    ("PROCEDURE", Thing::Routine),
    ("FUNCTION", Thing::Routine),
    ("TRIGGER", Thing::Trigger),
    ("EVENT", Thing::Trigger),
    ("PACKAGE", Thing::Routine),
    ("LIBRARY", Thing::Routine),
];

impl Thing {
    /// What is another one behind it.
    fn defined(self) -> Defines {
        match self {
            Self::Table => Defines::Tables,
            Self::View | Self::Trigger => Defines::Views,
            // With a database, all that is in it may go.
            Self::Routine | Self::Database | Self::Defined | Self::Other => Defines::Anything,
        }
    }
}

impl Reader<'_> {
    /// `CREATE`, `ALTER`.
    pub(super) fn create(&mut self) {
        self.effect.may_write = true;
        let thing = self.things().next().unwrap_or(Thing::Other);
        self.effect.may_define(thing.defined());
        // The account may have any name, so one word for a program is enough.
        let is_program = |thing| matches!(thing, Thing::Trigger | Thing::Routine);
        let may_be_program = self.things().any(is_program);
        match thing {
            Thing::View => self.skip_statement(),
            Thing::Defined if !may_be_program => self.skip_statement(),
            Thing::Trigger | Thing::Routine | Thing::Defined => {
                self.skip_statement();
                // Nothing tells a semicolon of the program from one behind it.
                if self.tokens.any(|token| token != Token::Sign(b';')) {
                    self.effect.add_pin(PinReason::NotUnderstood);
                }
            }
            Thing::Database => {
                // MariaDB's `CREATE OR REPLACE` drops it.
                let replaces = self.words().any(|word| word::is(word, "REPLACE"));
                self.effect.drops_database |= replaces;
                // Its character set is that of whoever enters it afterwards.
                self.effect.changes_logins = true;
                self.scan(Calls::From(&[]));
            }
            Thing::Table | Thing::Other => {
                let second = self.words().next().unwrap_or_default();
                self.effect.changes_logins |= word::is(second, "USER") || word::is(second, "ROLE");
                let selects = self.words().any(|word| word::is(word, "SELECT"));
                let has_rows = self.has_rows();
                if selects || has_rows {
                    self.effect.add_insert_id(MakesInsertId::Untold);
                }
                self.scan(Calls::From(if has_rows {
                    &["SELECT", "VALUES", "VALUE"]
                } else {
                    &["SELECT"]
                }));
            }
        }
    }

    /// True if the table is made of rows: `VALUES ROW(1)`, MariaDB's `VALUES (1), (2)`. (Partitions
    /// have `VALUES IN` and `VALUES LESS THAN`.)
    fn has_rows(&self) -> bool {
        let is_values = |word: &[u8]| word::is(word, "VALUES") || word::is(word, "VALUE");
        let mut tokens = self.rest_of_statement().peekable();
        while let Some(token) = tokens.next() {
            let begins_row = match tokens.peek() {
                Some(Token::Sign(b'(')) => true,
                Some(Token::Word(word)) => word::is(word, "ROW"),
                _ => false,
            };
            if begins_row && matches!(token, Token::Word(word) if is_values(word)) {
                return true;
            }
        }
        false
    }

    /// The words of the statement that tell what it is about.
    fn things(&self) -> impl Iterator<Item = Thing> {
        self.words().filter_map(|word| {
            let known = THINGS.iter().find(|(keyword, _)| word::is(word, keyword));
            known.map(|&(_, thing)| thing)
        })
    }

    /// `DROP …`: the database of the connection may be gone.
    pub(super) fn drop_something(&mut self) {
        let second = self.words().next().unwrap_or_default();
        if word::is(second, "PREPARE") {
            self.deallocate();
            return;
        }
        self.effect.may_write = true;
        // `DROP TEMPORARY TABLE`.
        let thing = self.things().next().unwrap_or(Thing::Other);
        self.effect.may_define(thing.defined());
        if word::is(second, "DATABASE") || word::is(second, "SCHEMA") {
            self.effect.drops_database = true;
        }
        self.scan(Calls::From(&[]));
    }
}
