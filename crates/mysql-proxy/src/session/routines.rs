//! Routines that statements call by name: whether the session keeps its connection for what they
//! leave there.
//!
//! ```text
//!   they leave nothing        ahead of the statement: it does not pin
//!     … and one was defined   behind it: it pins all the same, as that one may have run
//!   they may leave            it pins for good
//!   not known at the moment   it pins, and waits for the answer, also while the client is idle
//! ```
//!
//! What is known is good from before the question to the origin up to the next definition
//! (`defining.rs`).

use std::future::pending;
use std::time::Duration;

use mysql_sql::{Effect, Routine};
use tokio::time::sleep;

use super::Session;
use super::pins::{Pins, Waiting};
use crate::error::SessionEnd;
use crate::hyperdrives::Served;
use crate::programs::{Call, Leaves};

/// How often a session whose client says nothing looks whether it is known what its routines leave.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// What is known of the routines that the statement under way calls.
#[derive(Debug, Default)]
pub(super) struct Calling {
    /// It calls a procedure of which all is known that it runs: it enters no database, and defines
    /// nothing.
    pub(super) are_known: bool,
    /// That is known of them as they were after so many definitions.
    pub(super) looked_at: Option<u64>,
    pub(super) calls: Option<Box<Calls>>,
    /// [`Programs::moves`](crate::programs::Programs::moves) when the statement was sent.
    pub(super) moves: u64,
}

/// The routines that the statement under way calls, where a pin depends on what is known of them.
#[derive(Debug)]
pub(super) struct Calls {
    reason: &'static str,
    waiting: Waiting,
    /// They are known to leave nothing.
    are_relied_on: bool,
}

impl Calls {
    /// What [`Programs::note_call`](crate::programs::Programs::note_call) has to know.
    pub(super) fn to_be_known(&self) -> Call<'_> {
        (&self.waiting.routines, self.waiting.definitions)
    }
}

impl Session {
    /// Ahead of a statement whose unqualified names are looked up in this database: it does not pin
    /// for routines that are known to leave nothing.
    pub(super) fn look_at_routines(&mut self, effect: &mut Effect, database: Option<&str>) {
        let programs = self.served.pool.connector().programs();
        // Ahead of the look.
        let definitions = programs.definitions();
        let told = programs.leavings();
        if let Some(told) = &told {
            effect.changes_logins |= told.change_logins(effect.routines.named());
        }
        // Several statements may go to another database on their way.
        if effect.routines.named().is_empty() || effect.is_multi {
            return;
        }
        // (It may be unsure for routines that the session waits for: if one of them has gone to
        // another database, it is that which goes on pinning.)
        if let Some(database) = database.filter(|_| self.are_names_sure) {
            effect.routines.qualify(database);
        }
        let all = effect.routines.all();
        let leaves = told.map(|told| all.map_or(Leaves::Unknown, |all| told.together(all)));
        let calls = calls(effect, definitions);
        let is_known = leaves.is_some_and(|leaves| leaves != Leaves::Unknown);
        self.calling.looked_at = is_known.then_some(definitions);
        match (leaves, calls) {
            (None, calls) => self.calling.calls = calls.map(Box::new),
            (Some(Leaves::No(left)), Some(calls)) => {
                effect.rely_on(left);
                self.calling.calls = Some(Box::new(Calls {
                    are_relied_on: true,
                    ..calls
                }));
            }
            (Some(Leaves::No(_) | Leaves::Anything), _) => effect.define_nothing(),
            (Some(Leaves::Unknown), _) => {}
        }
    }

    /// True if what was called may be another than what was looked at.
    pub(super) fn were_redefined(&self) -> bool {
        let programs = self.served.pool.connector().programs();
        let looked_at = self.calling.looked_at;
        looked_at.is_some_and(|then| programs.may_have_moved(then))
    }

    /// Behind a statement that pins for this reason, or for none: notes the pin, which may depend
    /// on the routines that it has called.
    pub(super) fn note_called(&mut self, reason: Option<&'static str>, effect: &Effect) {
        let calls = self.calling.calls.take();
        let may_distribute = reason.is_some() && effect.may_distribute;
        let calls = calls
            .filter(|calls| reason.is_some() || (calls.are_relied_on && self.were_redefined()));
        if may_distribute || (calls.is_some() && effect.calls_procedure()) {
            self.pins.note_distributed();
        }
        match (reason, calls) {
            (_, Some(calls)) => {
                let mut waiting = calls.waiting;
                waiting.may_enter = effect.calls_procedure() && !self.calling.are_known;
                self.previous.found_rows = None;
                if let Some(lease) = &mut self.held {
                    lease.note_insert_id();
                }
                self.pin_waiting(calls.reason, waiting);
            }
            (Some(reason), None) => self.pin(reason, effect.pin_name.clone()),
            (None, None) => {}
        }
    }

    /// Ahead of a command: lets go of pins for routines of which it is known by now that they leave
    /// nothing.
    pub(super) async fn let_go_of_routines(&mut self) -> Result<(), SessionEnd> {
        let programs = self.served.pool.connector().programs();
        let definitions = programs.definitions();
        let Some(told) = programs.leavings() else {
            return Ok(());
        };
        // Behind a definition they may be others than those that ran.
        let may_have_entered = self.pins.end_waiting(|waiting| {
            if waiting.definitions == definitions {
                told.together(&waiting.routines)
            } else {
                Leaves::Unknown
            }
        });
        self.are_names_sure &= !may_have_entered;
        if self.pins.hold() || self.held.is_none() {
            return Ok(());
        }
        self.settle().await
    }
}

/// Waits until it is known of the routines that a session waits for what they leave; for ever if
/// it waits for none. Its client may say nothing for long, and keep a connection for nothing.
pub(super) async fn routines_known(pins: &Pins, served: &Served) {
    if !pins.are_waiting() {
        return pending().await;
    }
    // Seldom, and so not in the future that each session has room for.
    Box::pin(async {
        while served.pool.connector().programs().leavings().is_none() {
            sleep(BETWEEN_LOOKS).await;
        }
    })
    .await;
}

/// The routines of a statement that pins for these alone, all of which can be looked up.
fn calls(effect: &Effect, definitions: u64) -> Option<Calls> {
    let alone = effect.routines.alone();
    let is_qualified = |routine: &Routine| routine.database.is_some();
    let reason = effect.pin.filter(|_| !alone.is_empty())?.name();
    alone.iter().all(is_qualified).then(|| Calls {
        reason,
        waiting: Waiting {
            routines: alone.to_vec(),
            definitions,
            may_enter: false,
        },
        are_relied_on: false,
    })
}
