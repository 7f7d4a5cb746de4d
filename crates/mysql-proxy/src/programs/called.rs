//! The procedures that were called while nobody knew what they do, since a question was asked.
//!
//! ```text
//!   question ──► call ──► call ──► answer      they define nothing, by their texts in it: it holds
//!                                              one may define something: it is outdated
//! ```
//!
//! Each of them may have made a program, of which the answer does not tell; and where procedures
//! are called all the time, some always are between a question and its answer. But what they ran is
//! in the answer, unless something else changed it: a definition, which is counted apart, or
//! another of these calls, of which then the first to do so is not harmless by its text in the
//! answer.

use std::collections::HashSet;

use mysql_sql::Routine;

/// Most routines that are told apart; where more are called, one of them may define anything.
const MOST_ROUTINES: usize = 1024;

/// The calls since the last question.
#[derive(Debug, Default)]
pub(super) struct Called {
    routines: HashSet<Routine>,
    /// Some called what cannot be told.
    have_others: bool,
    /// One of them may have made a routine.
    may_redefine: bool,
    /// How many definitions there were ahead of the question.
    definitions: u64,
}

/// The procedures and functions of a call, and how many definitions there were ahead of it.
pub(crate) type Call<'c> = (&'c [Routine], u64);

impl Called {
    /// None, at a question behind so many definitions.
    pub(super) fn behind(definitions: u64) -> Self {
        Self {
            definitions,
            ..Self::default()
        }
    }

    /// There was a call. `None`: nobody knows of what. `may_redefine`: it may have made a routine,
    /// and not only what runs without being named.
    pub(super) fn note(&mut self, call: Option<Call<'_>>, may_redefine: bool) {
        self.may_redefine |= may_redefine;
        // What was defined between a call and the question may have taken the place of what ran.
        match call.filter(|(_, definitions)| *definitions == self.definitions) {
            Some((routines, _)) if self.routines.len() < MOST_ROUTINES => {
                self.routines.extend(routines.iter().cloned());
            }
            _ => self.have_others = true,
        }
    }

    /// True if one of them may have made a routine.
    pub(super) fn may_redefine(&self) -> bool {
        self.may_redefine
    }

    /// All that were called. `None`: there are others.
    pub(super) fn routines(&self) -> Option<&HashSet<Routine>> {
        (!self.have_others).then_some(&self.routines)
    }
}
