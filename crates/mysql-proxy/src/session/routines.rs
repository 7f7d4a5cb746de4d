//! Routines that statements call by name: whether the session keeps its connection for what they
//! leave there.
//!
//! ```text
//!   they leave nothing      ahead of the statement: it does not pin
//!   they may leave          it pins for good
//!   not known at the moment it pins, and waits for the answer: the next command asks again
//! ```

use mysql_sql::{Effect, Routine};

use super::Session;
use super::pins::Waiting;
use crate::error::SessionEnd;
use crate::programs::Leaves;

impl Session {
    /// Ahead of a statement whose unqualified names are looked up in this database: it does not pin
    /// for routines that are known to leave nothing.
    pub(super) fn look_at_routines(&self, effect: &mut Effect, database: Option<&str>) {
        let named = effect.routines.named();
        // Several statements may go to another database on their way.
        if named.is_empty() || effect.is_multi {
            return;
        }
        // (It may be unsure for routines that the session waits for: if one of them has gone to
        // another database, it is that which goes on pinning.)
        let database = database.filter(|_| self.are_names_sure);
        let programs = self.served.pool.connector().programs();
        let Some(told) = programs.leavings() else {
            if let Some(database) = database {
                effect.routines.qualify(database);
            }
            return;
        };
        match told.together(named, database) {
            Leaves::Unknown => {}
            Leaves::No(left) if !effect.routines.alone().is_empty() => effect.rely_on(left),
            Leaves::No(_) | Leaves::Anything => effect.define_nothing(),
        }
    }

    /// What a statement that pins for its routines waits for, if it is not known at the moment.
    pub(super) fn waiting(&self, effect: &Effect) -> Option<Waiting> {
        let alone = effect.routines.alone();
        let programs = self.served.pool.connector().programs();
        let is_qualified = |routine: &Routine| routine.database.is_some();
        let may_wait = !alone.is_empty() && !effect.is_multi && alone.iter().all(is_qualified);
        (may_wait && programs.leavings().is_none()).then(|| Waiting {
            routines: alone.to_vec(),
            definitions: programs.definitions(),
            may_enter: effect.calls_procedure() && !self.calls_known,
        })
    }

    /// Ahead of a command: lets go of pins for routines of which it is known by now that they leave
    /// nothing.
    pub(super) async fn let_go_of_routines(&mut self) -> Result<(), SessionEnd> {
        let programs = self.served.pool.connector().programs();
        let Some(told) = programs.leavings() else {
            return Ok(());
        };
        // Behind a definition they may be others than those that ran.
        let definitions = programs.definitions();
        let may_have_entered = self.pins.end_waiting(|waiting| {
            let leaves = told.together(&waiting.routines, None);
            waiting.definitions == definitions && matches!(leaves, Leaves::No(_))
        });
        self.are_names_sure &= !may_have_entered;
        if self.pins.hold() || self.held.is_none() {
            return Ok(());
        }
        self.settle().await
    }
}
