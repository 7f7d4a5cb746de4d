//! Reads a MySQL statement just enough to know whether a connection that ran it may be lent to
//! somebody else afterwards.
//!
//! [`classify()`] goes once over the text, allocates nothing and knows no grammar: it looks at the
//! first word of each statement and at the words that betray session state. What it does not
//! recognise has a [`PinReason`]: unknown means pin, never guess.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::panic
    )
)]

mod builtin;
mod classify;
mod effect;
mod token;
mod word;

pub use classify::{Statement, StatementKind, classify};
pub use effect::{Effect, PinReason};
pub use token::Escapes;
