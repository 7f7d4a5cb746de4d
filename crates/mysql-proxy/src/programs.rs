//! The programs that an origin has of its own, and what they leave on a connection.
//!
//! ```text
//!   triggers, and functions in views     run without being named: no statement betrays what they
//!                                        leave, so connections are reset between two sessions
//!   procedures and functions             a statement calls them by name, and pins, unless their
//!                                        texts tell that they leave nothing: leavings.rs
//! ```
//!
//! Triggers run only where a statement may write, functions in views anywhere
//! (`OriginConn::begin_stay`). All are asked for when the edge meets the origin, every minute after
//! that, and soon after any statement that may have made one; and believed to be there, and to
//! leave anything, until that is answered, and where the origin's user would not be shown them.

mod bodies;
mod grants;
mod leavings;
pub(crate) mod routines;
mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use mysql_sql::Routine;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::origin::{Flavor, OriginConn, OriginConnector};
pub(crate) use bodies::{Bodies, Body, Kind};
pub(crate) use grants::Grants;
pub(crate) use leavings::Leaves;
use leavings::Leavings;

/// How long a program that somebody else has made may stay unknown.
const INTERVAL: Duration = Duration::from_secs(60);

/// Shortest time from one question to the next: each needs a login, and where procedures are called
/// all the time, there is always something to ask.
const PAUSE: Duration = Duration::from_secs(1);

/// Most views that are looked at; where there are more, one may call a function.
const MOST_VIEWS: usize = 1000;

/// The databases of the server itself.
const OF_SERVER: [&str; 4] = ["mysql", "sys", "information_schema", "performance_schema"];

/// True for one of them.
fn is_of_server(database: &str) -> bool {
    OF_SERVER.contains(&database)
}

/// The condition in SQL that a column names none of them.
pub(crate) fn is_of_users(column: &str) -> String {
    let names = OF_SERVER.map(|name| format!("'{name}'")).join(", ");
    format!("{column} NOT IN ({names})")
}

/// Where programs run that no statement names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    /// Nowhere: there are none.
    Nowhere = 3,
    /// Where a statement writes: there may be triggers.
    OnWrites = 1,
    /// Anywhere: a view may call a function.
    Anywhere = 0,
}

/// What is believed of an origin. A number that counts what may have made a program, times four,
/// and [`Runs`] in its last two bits.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    belief: AtomicU64,
    /// What its routines leave.
    told: ArcSwapOption<Told>,
    /// How many statements may have made a program, but for those that call a procedure.
    definitions: AtomicU64,
    /// How many are under way that may make one.
    defining: AtomicU64,
    /// Something may have made a program since it was asked last.
    defined: Notify,
}

/// What routines leave, and the belief when that was asked for.
#[derive(Debug)]
pub(crate) struct Told {
    asked: u64,
    leavings: Leavings,
}

impl Told {
    /// What these leave together. Nothing is known of one without a database.
    pub(crate) fn together(&self, routines: &[Routine]) -> Leaves {
        self.leavings.together(routines)
    }
}

/// What was found at an origin.
struct Found {
    runs: Runs,
    leavings: Leavings,
}

/// The bits of [`Runs`].
const RUNS: u64 = 3;

impl Programs {
    /// True unless it is known that no program runs where a statement writes.
    pub(crate) fn may_run_on_writes(&self) -> bool {
        self.belief() & RUNS != Runs::Nowhere as u64
    }

    /// True unless it is known that no program runs where a statement reads.
    pub(crate) fn may_run_on_reads(&self) -> bool {
        self.belief() & RUNS == Runs::Anywhere as u64
    }

    /// What its routines leave. `None`: they may be others by now.
    pub(crate) fn leavings(&self) -> Option<Arc<Told>> {
        if self.defining.load(Ordering::SeqCst) > 0 {
            return None;
        }
        let told = self.told.load_full()?;
        (told.asked & !RUNS == self.belief() & !RUNS).then_some(told)
    }

    /// Another number when a statement may have made a program that was no call of a procedure.
    pub(crate) fn definitions(&self) -> u64 {
        self.definitions.load(Ordering::SeqCst)
    }

    /// True unless nobody has made one since there were so many definitions, nor is about to.
    pub(crate) fn may_have_moved(&self, definitions: u64) -> bool {
        self.defining.load(Ordering::SeqCst) > 0 || self.definitions() != definitions
    }

    /// A statement is about to be sent that may make one.
    pub(crate) fn begin_definition(&self) {
        self.defining.fetch_add(1, Ordering::SeqCst);
    }

    /// It is over. `may_be_new`: and may have made one.
    pub(crate) fn end_definition(&self, may_be_new: bool) {
        if may_be_new {
            self.note_definition(false);
        }
        self.defining.fetch_sub(1, Ordering::SeqCst);
    }

    fn belief(&self) -> u64 {
        self.belief.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn believe_in_none(&self) {
        let none = Found {
            runs: Runs::Nowhere,
            leavings: Leavings::default(),
        };
        self.answered(self.belief(), none);
    }

    /// A statement may have made one. A procedure that it calls can hardly have made another: no
    /// server lets it, but for MariaDB's `EXECUTE IMMEDIATE`.
    pub(crate) fn note_definition(&self, by_call: bool) {
        if !by_call {
            self.definitions.fetch_add(1, Ordering::SeqCst);
        }
        let next = |belief: u64| Some((belief | RUNS).wrapping_add(1));
        // The closure never declines.
        let _infallible = self
            .belief
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        self.defined.notify_one();
    }

    /// Notes the answer to a question that was asked when the belief was this one: what was made
    /// since it does not tell.
    fn answered(&self, asked: u64, found: Found) {
        let Found { runs, leavings } = found;
        self.told.store(Some(Arc::new(Told { asked, leavings })));
        let answer = (asked & !RUNS) | runs as u64;
        // Otherwise there is more to be asked for.
        let _raced =
            self.belief
                .compare_exchange(asked, answer, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Asks now and then, and when something may have made a program. Dropping the future ends it.
pub(crate) async fn watch(connector: &OriginConnector) {
    let programs = connector.programs();
    let mut bodies = Bodies::default();
    loop {
        let asked = programs.belief();
        match ask(connector, &mut bodies).await {
            // TiDB has none.
            Ok(None) => return,
            Ok(Some(found)) => programs.answered(asked, found),
            Err(reason) => debug!(reason, "Failed to ask an origin for its programs"),
        }
        sleep(PAUSE).await;
        // Whichever ends it.
        let _elapsed = timeout(INTERVAL, programs.defined.notified()).await;
    }
}

/// Asks on a connection aside from the pool. `None`: the origin knows no programs.
async fn ask(connector: &OriginConnector, bodies: &mut Bodies) -> Result<Option<Found>, String> {
    let opened = connector.open_aside(None).await;
    let mut conn = opened.map_err(|error| error.to_string())?;
    if conn.flavor() == Flavor::TiDb {
        conn.quit();
        return Ok(None);
    }
    if conn.flavor() == Flavor::MySql {
        // A session may take any role that the user has. Before 8.0 it is an error.
        let all = conn.ask(b"SET ROLE ALL").await;
        all.map_err(|error| error.to_string())?;
    }
    let grants = Grants::ask(&mut conn).await?;
    let runs = if views_may_call(&mut conn, &grants).await? {
        Runs::Anywhere
    } else if triggers_may_be(&mut conn, &grants).await? {
        Runs::OnWrites
    } else {
        Runs::Nowhere
    };
    let leavings = leavings(&mut conn, bodies).await?;
    conn.quit();
    Ok(Some(Found { runs, leavings }))
}

async fn leavings(conn: &mut OriginConn, bodies: &mut Bodies) -> Result<Leavings, String> {
    let mut routines = routines::ask(conn).await?;
    if routines.is_empty() {
        return Ok(Leavings::default());
    }
    bodies.correct(conn, routines.iter_mut()).await?;
    let parameters = routines::parameters(conn).await?;
    Ok(Leavings::of(&routines, &parameters, conn.flavor()))
}

/// True unless each view is shown with its text, which calls nothing but what is the server's own,
/// and reads nothing that could be another view that is not shown.
async fn views_may_call(conn: &mut OriginConn, grants: &Grants) -> Result<bool, String> {
    let count = format!(
        "SELECT COUNT(*) FROM information_schema.TABLES \
         WHERE TABLE_TYPE = 'VIEW' AND {}",
        is_of_users("TABLE_SCHEMA")
    );
    let count = conn.ask_number(&count).await;
    let count = count.map_err(|error| error.to_string())?;
    let Some(count) = count.and_then(|count| usize::try_from(count).ok()) else {
        return Ok(true);
    };
    if grants.are_partly_known() || count > MOST_VIEWS {
        return Ok(true);
    }
    if count == 0 {
        return Ok(false);
    }
    // MySQL shows a view here only to whom it shows its text.
    let texts = format!(
        "SELECT VIEW_DEFINITION FROM information_schema.VIEWS WHERE {}",
        is_of_users("TABLE_SCHEMA")
    );
    let rows = conn.ask_rows(&texts).await;
    let rows = rows.map_err(|error| error.to_string())?.unwrap_or_default();
    let is_plain = |row: &Vec<Option<String>>| {
        let text = row.first().and_then(Option::as_deref);
        text.is_some_and(|text| view::is_plain(text, conn.flavor(), grants))
    };
    Ok(rows.len() < count || !rows.iter().all(is_plain))
}

/// True unless there is no trigger and the origin's user would be shown those that it fires.
async fn triggers_may_be(conn: &mut OriginConn, grants: &Grants) -> Result<bool, String> {
    let question = format!(
        "SELECT EXISTS(SELECT 1 FROM information_schema.TRIGGERS \
         WHERE {}) LIMIT 1",
        is_of_users("TRIGGER_SCHEMA")
    );
    let answer = conn.ask_number(&question).await;
    let are_none = answer.map_err(|error| error.to_string())? == Some(0);
    Ok(!are_none || grants.are_partly_known() || !grants.show_triggers())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(runs: Runs) -> Found {
        Found {
            runs,
            leavings: Leavings::default(),
        }
    }

    #[test]
    fn what_routines_leave_is_known_until_one_may_have_changed() {
        let programs = Programs::default();
        assert!(programs.leavings().is_none());
        programs.answered(programs.belief(), found(Runs::Anywhere));
        assert!(programs.leavings().is_some());
        let asked = programs.belief();
        programs.note_definition(true);
        assert_eq!(programs.definitions(), 0);
        assert!(programs.leavings().is_none());
        // It was asked before that.
        programs.answered(asked, found(Runs::Nowhere));
        assert!(programs.leavings().is_none());
        programs.answered(programs.belief(), found(Runs::Nowhere));
        assert!(programs.leavings().is_some());
        programs.note_definition(false);
        assert_eq!(programs.definitions(), 1);
        assert!(programs.leavings().is_none());
    }

    #[test]
    fn there_may_be_some_until_it_is_known_that_there_are_none() {
        let programs = Programs::default();
        let believed = || (programs.may_run_on_reads(), programs.may_run_on_writes());
        let ask = || programs.belief();
        assert_eq!(believed(), (true, true));
        programs.answered(ask(), found(Runs::Nowhere));
        assert_eq!(believed(), (false, false));
        programs.answered(ask(), found(Runs::OnWrites));
        assert_eq!(believed(), (false, true));
        let asked = ask();
        programs.note_definition(false);
        assert_eq!(believed(), (true, true));
        // It was asked before that.
        programs.answered(asked, found(Runs::Nowhere));
        assert_eq!(believed(), (true, true));
        programs.answered(ask(), found(Runs::Nowhere));
        assert_eq!(believed(), (false, false));
    }
}
