//! Reads a MySQL statement just enough to know what it makes of its session, what it asks, and
//! whether a connection that ran it may be lent to somebody else afterwards.
//!
//! [`classify()`] goes once over the text, allocates nothing for a statement that does nothing to
//! its session, and knows no grammar but that of `SET`: it looks at the first word of each
//! statement and at the words and calls that betray session state. What it does not recognise has a
//! [`PinReason`]: unknown means pin, never guess.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::panic
    )
)]

mod assignment;
mod builtin;
mod class;
mod classify;
mod command;
mod effect;
mod fingerprint;
mod leftovers;
mod logins;
mod mentions;
mod outline;
mod pin;
mod question;
mod routine;
mod substitute;
mod token;
mod touches;
mod variables;
mod word;

pub use assignment::{Assignment, Value};
pub use classify::{Dialect, Statement, StatementKind, classify, kill_words};
pub use command::{Diagnostics, Kill, TidegateTable};
pub use effect::{Conditions, Defines, Effect, MakesInsertId};
pub use fingerprint::{fingerprint, fingerprint_hash};
pub use leftovers::{Leftovers, leftovers};
pub use logins::{has_name_of, may_change_logins};
pub use mentions::{Mention, Mentions, Place, mentions};
pub use outline::Outline;
pub use pin::{PinReason, Release};
pub use question::{Answer, Column, Question, QuestionKind, Server};
pub use routine::{Routine, RoutineKind, Routines};
pub use substitute::substitute;
pub use token::{Escapes, Letters};
pub use touches::{
    Hints, NotKept, TableRef, Touched, Touches, hints, merely_read, touches, without_explain,
};
pub use variables::{initial, is_character_set, mariadb_release, spelling};
