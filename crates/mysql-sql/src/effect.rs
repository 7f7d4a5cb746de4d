//! The facts that matter of a statement: what it leaves on a connection, and what it needs there.

use crate::assignment::Assignment;
use crate::command::{Diagnostics, Kill, TidegateTable};
use crate::pin::{PinReason, Release};
use crate::question::Question;

/// What a statement does to the connection that runs it, and what it needs of it. The default: it
/// leaves the connection as it was and can run on any. (Whether a transaction is open, the origin's
/// status tells.)
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Leaves something behind that cannot be carried, or is not understood. Where several reasons
    /// hold, one that never ends.
    pub pin: Option<PinReason>,
    /// What the pin is on: the statement of `PREPARE`, the lock of `GET_LOCK`, the handler of
    /// `HANDLER … OPEN`, in lower case. Only where a [`Release`] with this name ends it for certain.
    pub pin_name: Option<String>,
    /// Ends what other statements have pinned for, if it succeeds.
    pub releases: Option<Release>,
    /// What it makes of the session's state if it succeeds, in order. Also with a `pin`: then it has
    /// to be known for when that ends.
    pub sets: Vec<Assignment>,
    /// User variables that it reads, in lower case, each once. (Also what looks like one: the host
    /// of an account.)
    pub user_variables: Vec<String>,
    /// Calls that a literal can stand for, in the order of the text.
    pub questions: Vec<Question>,
    /// `SHOW WARNINGS` and its like.
    pub diagnostics: Option<Diagnostics>,
    /// Names a connection by its id.
    pub kill: Option<Kill>,
    /// Asks about the edge itself.
    pub tidegate: Option<TidegateTable>,
    /// `SET TRANSACTION …` without a scope: holds for the next transaction only, so the connection
    /// must be kept until that is over.
    pub next_transaction: bool,
    /// `SQL_CALC_FOUND_ROWS`: the next statement will ask for `FOUND_ROWS()`.
    pub calc_found_rows: bool,
    /// May change more than what this effect tells: false only when it is certain that it reads, or
    /// begins or ends a transaction, or sets what is carried.
    pub may_write: bool,
    /// There are several statements with semicolons. If one fails, those behind it did not run, and
    /// nothing tells which.
    pub is_multi: bool,
    /// Reads state that other sessions may have left on a connection without anybody's knowledge
    /// (a trigger sets a user variable): needs a connection that nobody has used.
    pub needs_unused: bool,
    /// Reads `LAST_INSERT_ID()`.
    pub reads_insert_id: bool,
    /// Sets it: `LAST_INSERT_ID(expression)`.
    pub sets_insert_id: bool,
    /// Asks about the statement before it, by a question or otherwise.
    pub reads_previous: bool,
    /// Asks about the statement before it in a way that is neither one of `questions` nor
    /// `diagnostics`: must run where that one ran.
    pub needs_previous: bool,
    /// The statement after it will ask about this one: the connection must be kept for it.
    pub keep_for_next: bool,
    /// Changes the default database to this one, if it succeeds. (Also in `sets`.)
    pub use_database: Option<String>,
}

impl Effect {
    /// The effect of something that pins, and cannot be told anything else of.
    pub fn pin(reason: PinReason) -> Self {
        Self {
            pin: Some(reason),
            may_write: true,
            needs_unused: reason.may_read_leftovers(),
            ..Self::default()
        }
    }

    /// The effect of `USE`.
    pub fn use_database(name: String) -> Self {
        Self {
            use_database: Some(name.clone()),
            sets: vec![Assignment::Database(name)],
            ..Self::default()
        }
    }

    /// Both effects, one after the other.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.pin = self.pin.or(other.pin);
        self.needs_unused |= other.needs_unused;
        self.reads_insert_id |= other.reads_insert_id;
        self.sets_insert_id |= other.sets_insert_id;
        self.reads_previous |= other.reads_previous;
        self.keep_for_next |= other.keep_for_next;
        self.kill = self.kill.or_else(|| other.kill.clone());
        if self.use_database.is_some() || other.use_database.is_some() {
            // If one of several fails, nothing tells whether `USE` was before or behind it.
            self = self
                .without_database()
                .and(&Self::pin(PinReason::NotUnderstood));
        }
        self
    }

    fn without_database(self) -> Self {
        Self {
            use_database: None,
            sets: Vec::new(),
            ..self
        }
    }
}
