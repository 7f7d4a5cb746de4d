//! Why a session keeps its lease between two commands.

use mysql_sql::{PinReason, Release, Routine};

use crate::programs::Leaves;

/// Most pins that are told apart. Each `GET_LOCK` is one; what is over it never ends.
const MAX_PINS: usize = 256;

/// A procedure that may have begun a transaction has failed, and an error does not tell.
pub(super) const TRANSACTION_UNKNOWN: &str = "transaction_unknown";

/// Why a session keeps its lease between two commands. Empty: it is given back.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Debug)]
pub(super) struct Pins {
    /// A transaction is open, by the origin's own word.
    pub(super) transaction: bool,
    /// `SET TRANSACTION` told of the next transaction, which is not over yet.
    pub(super) next_transaction: bool,
    /// `SAVEPOINT` was set without autocommit and before anything that opens a transaction by the
    /// origin's word.
    savepoint: bool,
    /// A transaction may be open: [`TRANSACTION_UNKNOWN`].
    is_in_doubt: bool,
    /// What the connection carries that no other can.
    state: Vec<Pin>,
    /// Prepared statements that have a handle of their own, with the reasons. Nothing of that is on
    /// the connection any more when they end.
    statements: Vec<(u32, &'static str)>,
    /// `XA` was used on the connection, or may have been.
    distributed: bool,
    /// The connection carried state at some time, and is reset before another session gets it.
    dirty: bool,
    /// What others see of this is not this any more.
    changed: bool,
}

#[derive(Debug)]
struct Pin {
    reason: &'static str,
    /// What it is on, where that can be let go of by name.
    name: Option<String>,
    /// It may turn out that there is nothing to pin for.
    waiting: Option<Waiting>,
}

/// Routines that a statement has called while nobody knew what they leave.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// With their databases.
    pub(super) routines: Vec<Routine>,
    /// [`Programs::definitions`](crate::programs::Programs::definitions) at that time.
    pub(super) definitions: u64,
    /// They may have led the connection to another database.
    pub(super) may_enter: bool,
}

impl Default for Pins {
    fn default() -> Self {
        Self {
            transaction: false,
            next_transaction: false,
            savepoint: false,
            is_in_doubt: false,
            state: Vec::new(),
            statements: Vec::new(),
            distributed: false,
            dirty: false,
            changed: true,
        }
    }
}

impl Pins {
    /// True when its reasons may be others than when this was asked last.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// True while the lease has to be kept: to lose its connection is to lose what the client
    /// relies on.
    pub(super) fn hold(&self) -> bool {
        self.transaction
            || self.next_transaction
            || self.savepoint
            || self.is_in_doubt
            || !self.state.is_empty()
            || !self.statements.is_empty()
    }

    /// A statement was about a savepoint, or not; once a transaction is open, that keeps it.
    pub(super) fn note_savepoint(&mut self, is_there: bool, in_transaction: bool) {
        if is_there && !in_transaction {
            self.changed |= !self.savepoint;
            self.savepoint = true;
        } else if in_transaction {
            self.forget_savepoint();
        }
    }

    /// Its transaction is over, or known otherwise.
    pub(super) fn forget_savepoint(&mut self) {
        self.changed |= self.savepoint;
        self.savepoint = false;
    }

    /// A transaction may be open. True: that is new.
    pub(super) fn doubt_transaction(&mut self) -> bool {
        self.changed = true;
        !std::mem::replace(&mut self.is_in_doubt, true)
    }

    /// The origin has told whether one is.
    pub(super) fn end_doubt(&mut self) {
        self.changed |= self.is_in_doubt;
        self.is_in_doubt = false;
    }

    /// True while the connection carries state that no other can.
    pub(super) fn has_state(&self) -> bool {
        !self.state.is_empty()
    }

    /// `XA` was used on the connection, or may have been.
    pub(super) fn note_distributed(&mut self) {
        self.distributed = true;
    }

    /// True when `XA` was used on the connection, or may have been, whether or not that is over.
    pub(super) fn may_have_distributed(&self) -> bool {
        self.distributed
    }

    /// True when the connection must be reset before another session gets it.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// The connection has to be reset, though nothing on it is in use any more.
    pub(super) fn soil(&mut self) {
        self.dirty = true;
        self.changed = true;
    }

    /// The connection carries state from now on. True: not for this reason before.
    pub(super) fn add(&mut self, reason: &'static str, name: Option<String>) -> bool {
        self.add_pin(Pin {
            reason,
            name,
            waiting: None,
        })
    }

    /// Likewise, unless these routines turn out to leave nothing.
    pub(super) fn add_waiting(&mut self, reason: &'static str, waiting: Waiting) -> bool {
        let is_known = |pin: &Pin| pin.reason == reason && pin.waiting.as_ref() == Some(&waiting);
        if self.state.iter().any(is_known) {
            return false;
        }
        self.add_pin(Pin {
            reason,
            name: None,
            waiting: Some(waiting),
        })
    }

    /// True when some of them may turn out to be none.
    pub(super) fn are_waiting(&self) -> bool {
        self.state.iter().any(|pin| pin.waiting.is_some())
    }

    /// True when one of the routines that they wait for may have led the connection to another
    /// database.
    pub(super) fn may_have_entered(&self) -> bool {
        let mut waiting = self.state.iter().filter_map(|pin| pin.waiting.as_ref());
        waiting.any(|waiting| waiting.may_enter)
    }

    /// It is known of all routines what they leave: pins for those end that leave nothing. True if
    /// one of the others may have led the connection to another database.
    pub(super) fn end_waiting(&mut self, leaves: impl Fn(&Waiting) -> Leaves) -> bool {
        self.changed = true;
        let mut may_have_entered = false;
        self.state.retain_mut(|pin| {
            let Some(waiting) = pin.waiting.take() else {
                return true;
            };
            let left = leaves(&waiting);
            may_have_entered |= left == Leaves::Unknown && waiting.may_enter;
            !matches!(left, Leaves::No(_))
        });
        may_have_entered
    }

    fn add_pin(&mut self, pin: Pin) -> bool {
        let reason = pin.reason;
        self.dirty = true;
        self.changed = true;
        let is_new = !self.has(reason);
        if self.state.len() < MAX_PINS {
            self.state.push(pin);
        } else {
            // A reason that nothing releases, in the place of what cannot be told apart.
            self.state.truncate(MAX_PINS - 1);
            self.state.push(Pin {
                reason: PinReason::NotUnderstood.name(),
                name: None,
                waiting: None,
            });
        }
        is_new
    }

    /// True when this is a reason.
    pub(super) fn has(&self, reason: &str) -> bool {
        self.state.iter().any(|pin| pin.reason == reason)
    }

    /// A prepared statement of this id has a handle of its own. True: no other has for this reason.
    pub(super) fn bind(&mut self, statement: u32, reason: &'static str) -> bool {
        self.changed = true;
        let is_new = self.statements.iter().all(|(_, other)| *other != reason);
        match self.statements.iter_mut().find(|(id, _)| *id == statement) {
            Some((_, known)) => *known = reason,
            None => self.statements.push((statement, reason)),
        }
        is_new
    }

    /// A prepared statement has no handle of its own any more.
    pub(super) fn unbind(&mut self, statement: u32) {
        self.changed = true;
        self.statements.retain(|(id, _)| *id != statement);
    }

    /// No prepared statement has a handle of its own any more.
    pub(super) fn unbind_all(&mut self) {
        self.changed = true;
        self.statements.clear();
    }

    /// One reason has ended.
    pub(super) fn remove(&mut self, reason: &str) {
        self.changed = true;
        self.state.retain(|pin| pin.reason != reason);
    }

    /// A statement has ended what others have pinned for.
    pub(super) fn release(&mut self, release: &Release) {
        let reason = release.reason.name();
        let Some(name) = &release.name else {
            self.remove(reason);
            return;
        };
        let is_it = |pin: &Pin| pin.reason == reason && pin.name.as_ref() == Some(name);
        if let Some(at) = self.state.iter().position(is_it) {
            self.state.swap_remove(at);
            self.changed = true;
        }
    }

    /// All reasons but an open transaction, each once.
    pub(super) fn reasons(&self) -> Vec<&'static str> {
        let mut reasons: Vec<_> = self.state.iter().map(|pin| pin.reason).collect();
        reasons.extend(self.statements.iter().map(|(_, reason)| *reason));
        if self.next_transaction {
            reasons.push("next_transaction");
        }
        if self.savepoint {
            reasons.push("savepoint");
        }
        if self.is_in_doubt {
            reasons.push(TRANSACTION_UNKNOWN);
        }
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }
}
