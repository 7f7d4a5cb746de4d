//! Statements under way that may define a program: a view, a trigger, a routine.
//!
//! What they make takes effect some time before their response, and in a text of several statements
//! long before. So they count from when they are sent to when it is known how they went:
//!
//! ```text
//!   sent ──┬─► response ─────────────────────────────────► over
//!          ├─► its client leaves ─► cleaned up ──────────► over
//!          └─► its connection is lost, or closed ─► the origin has no such thread any more ─► over
//! ```

use std::sync::Arc;
use std::time::Duration;

use mysql_proto::Capabilities;
use mysql_sql::{Defines, Effect, PinReason, StatementKind};
use net::Backoff;
use tokio::time::sleep;

use super::Session;
use super::routines::Calls;
use crate::hyperdrives::Served;
use crate::origin::{Flavor, OriginConnector};

/// Between two looks whether a definition whose connection was lost still runs.
const FIRST_LOOK: Duration = Duration::from_millis(500);
const LAST_LOOK: Duration = Duration::from_secs(10);

/// A statement under way that may define a program.
#[derive(Debug)]
pub(super) struct Defining {
    served: Arc<Served>,
    /// What it was begun for.
    begun: Defines,
    /// What it has defined, perhaps.
    what: Defines,
    /// The origin's thread that runs it.
    thread: Option<u32>,
}

impl Defining {
    fn begin(served: &Arc<Served>, what: Defines) -> Self {
        served.pool.connector().programs().begin_definition(what);
        Self {
            served: Arc::clone(served),
            begun: what,
            what,
            thread: None,
        }
    }

    /// It was sent on this thread's connection.
    pub(super) fn set_thread(&mut self, thread: u32) {
        self.thread = Some(thread);
    }

    /// Its connection was lost, or is closed: it goes on until the origin has no such thread any
    /// more, which may wait for a lock as long as it likes.
    pub(super) fn outlive(self) {
        let Some(thread) = self.thread else { return };
        tokio::spawn(async move {
            let question =
                format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {thread}");
            let mut backoff = Backoff::new(FIRST_LOOK, LAST_LOOK);
            while !is_gone(self.served.pool.connector(), &question).await {
                sleep(backoff.next_wait()).await;
            }
            drop(self);
        });
    }

    /// It has defined nothing.
    pub(super) fn end_in_vain(mut self) {
        self.what = Defines::Nothing;
    }
}

impl Drop for Defining {
    fn drop(&mut self) {
        let programs = self.served.pool.connector().programs();
        programs.note_definition(self.what);
        programs.end_definition(self.begun);
    }
}

impl Session {
    /// A command is about to be sent that may define a program.
    pub(super) fn begin_defining(&mut self, effect: &Effect) {
        let what = match effect.pin {
            Some(PinReason::NotUnderstood) => Defines::Anything,
            _ => effect.defines,
        };
        // A procedure can hardly make a routine.
        let what = if effect.only_calls() {
            what.min(Defines::Views)
        } else {
            what
        };
        let defines = what >= Defines::Views;
        self.defining = defines.then(|| Defining::begin(&self.served, what));
    }

    /// A statement has ended that may have made a program, or surely has made none.
    pub(super) fn note_definition(&mut self, effect: &Effect, may_be_new: bool) {
        let defining = self.defining.take();
        if !may_be_new {
            return defining.map_or((), Defining::end_in_vain);
        }
        let connector = self.served.pool.connector();
        if effect.only_calls() {
            // No procedure of MySQL's makes another: errors 1303 and 1295.
            let may_redefine = connector.flavor() != Flavor::MySql;
            let calls = self.calling.calls.as_deref();
            let call = calls.map(Calls::to_be_known);
            connector.programs().note_call(call, may_redefine);
            if let Some(defining) = defining {
                defining.end_in_vain();
            }
        } else if defining.is_none() {
            connector.programs().note_definition(Defines::Anything);
        }
    }

    /// True for a statement that may make a program. One that is not understood may be anything,
    /// but not behind a first word that does something else.
    pub(super) fn may_define(&self, kind: StatementKind, effect: &Effect) -> bool {
        let several = Capabilities::MULTI_STATEMENTS;
        let may_be_anything = kind == StatementKind::Other
            || effect.is_multi
            || self.profile.capabilities.contains(several);
        let defines = effect.defines >= Defines::Views || effect.calls_procedure();
        let may_define = defines && !self.calling.are_known;
        may_define || (effect.pin == Some(PinReason::NotUnderstood) && may_be_anything)
    }
}

/// True when the origin says that none is left. One that cannot be asked has perhaps.
async fn is_gone(connector: &OriginConnector, question: &str) -> bool {
    let Ok(mut conn) = connector.open_aside(None).await else {
        return false;
    };
    let count = conn.ask_number(question).await;
    conn.quit();
    matches!(count, Ok(Some(0)))
}
