//! The stored routines that a statement calls by name.

use crate::mentions::folded;
use crate::token::Token;

/// Most routines of one text that are remembered. What calls more is known to pin for any of them.
const MAX_ROUTINES: usize = 16;

/// A stored routine, by its name in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Routine {
    /// Which of the two that may have the same name.
    pub kind: RoutineKind,
    /// As the text qualifies it. `None`: it is in the database of the session.
    pub database: Option<String>,
    /// The name itself.
    pub name: String,
}

/// What kind of a routine it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoutineKind {
    /// `CALL p()`.
    Procedure,
    /// `f()`, in an expression.
    Function,
}

impl Routine {
    /// By its tokens. `None`: servers may think otherwise of which names are equal to it.
    pub(crate) fn new(
        kind: RoutineKind,
        qualifier: Option<Token<'_>>,
        name: Token<'_>,
    ) -> Option<Self> {
        Some(Self {
            kind,
            database: match qualifier {
                Some(qualifier) => Some(named(qualifier)?),
                None => None,
            },
            name: named(name)?,
        })
    }
}

fn named(token: Token<'_>) -> Option<String> {
    match token {
        Token::Word(name) => folded(name, None),
        Token::Quoted(name) => folded(name, Some('`')),
        _ => None,
    }
}

/// The routines that a statement calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routines {
    named: Vec<Routine>,
    /// It calls others too, which cannot be told.
    has_others: bool,
    /// It pins for something else too.
    pins_otherwise: bool,
}

impl Routines {
    /// Those that are known by name.
    pub fn named(&self) -> &[Routine] {
        &self.named
    }

    /// All that are called. `None`: there are some that cannot be told.
    pub fn all(&self) -> Option<&[Routine]> {
        (!self.has_others).then_some(&self.named)
    }

    /// Those for which alone the statement pins: none if it pins for anything else, or not at all.
    pub fn alone(&self) -> &[Routine] {
        if self.pins_otherwise || self.has_others {
            &[]
        } else {
            &self.named
        }
    }

    /// Those that the text does not qualify are in this database.
    pub fn qualify(&mut self, database: &str) {
        for routine in &mut self.named {
            let qualified = || database.to_ascii_lowercase();
            routine.database.get_or_insert_with(qualified);
        }
    }

    /// Takes one more. False: that is one too many.
    pub(crate) fn add(&mut self, routine: Routine) -> bool {
        let is_known = self.named.contains(&routine);
        let has_room = self.named.len() < MAX_ROUTINES;
        if !is_known && has_room {
            self.named.push(routine);
        }
        is_known || has_room
    }

    /// It calls one that cannot be told.
    pub(crate) fn have_others(&mut self) {
        self.has_others = true;
    }

    /// It pins for something else.
    pub(crate) fn pin_otherwise(&mut self) {
        self.pins_otherwise = true;
    }
}
