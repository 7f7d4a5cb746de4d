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
mod called;
mod grants;
mod leavings;
pub(crate) mod routines;
mod view;

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use mysql_sql::Defines;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::origin::{Flavor, OriginConn, OriginConnector};
pub(crate) use bodies::{Bodies, Body, Kind};
pub(crate) use called::Call;
use called::Called;
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
    Nowhere,
    /// Where a statement writes: there may be triggers.
    OnWrites,
    /// Anywhere: a view may call a function.
    Anywhere,
}

/// What is believed of an origin, as a user of it is shown that.
#[derive(Debug)]
pub(crate) struct Programs {
    kin: Arc<Kin>,
    /// [`Runs`].
    runs: AtomicU8,
    /// What its routines leave. `None`: they may be others by now.
    told: ArcSwapOption<Leavings>,
    /// Held while any of these changes.
    since: Mutex<Since>,
    /// Something may have made a program since it was asked last.
    defined: Notify,
}

/// What all hyperdrives of an origin do to its programs: each is told of it.
#[derive(Debug, Default)]
pub(crate) struct Kin {
    all: Mutex<Vec<Weak<Programs>>>,
    /// How many statements may have made a routine, but for those that call a procedure.
    definitions: AtomicU64,
    /// How many are under way that may make one.
    defining: AtomicU64,
    /// How many are under way that may make what runs without being named.
    unnamed: AtomicU64,
    /// Another number whenever one of these has begun or ended.
    moves: AtomicU64,
}

/// What has happened since a question was begun, so that its answer need not tell of it.
#[derive(Debug, Default)]
struct Since {
    /// What may be another one.
    defined: Defines,
    called: Called,
}

/// What was found at an origin.
struct Found {
    runs: Runs,
    leavings: Leavings,
}

impl Programs {
    /// Nothing is known yet of those of this origin.
    pub(crate) fn among(kin: &Arc<Kin>) -> Arc<Self> {
        let programs = Arc::new(Self {
            kin: Arc::clone(kin),
            runs: AtomicU8::new(Runs::Anywhere as u8),
            told: ArcSwapOption::empty(),
            since: Mutex::default(),
            defined: Notify::new(),
        });
        let mut all = kin.all();
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&programs));
        programs
    }

    /// True unless it is known that no program runs where a statement writes.
    pub(crate) fn may_run_on_writes(&self) -> bool {
        self.runs() != Runs::Nowhere as u8
    }

    /// True unless it is known that no program runs where a statement reads.
    pub(crate) fn may_run_on_reads(&self) -> bool {
        self.runs() == Runs::Anywhere as u8
    }

    /// What is made takes effect before the response tells of it.
    fn runs(&self) -> u8 {
        if self.kin.unnamed.load(Ordering::SeqCst) > 0 {
            return Runs::Anywhere as u8;
        }
        self.runs.load(Ordering::SeqCst)
    }

    /// What its routines leave. `None`: they may be others by now.
    pub(crate) fn leavings(&self) -> Option<Arc<Leavings>> {
        if self.kin.defining.load(Ordering::SeqCst) > 0 {
            return None;
        }
        self.told.load_full()
    }

    /// Another number when a statement may have made a routine that was no call of a procedure.
    pub(crate) fn definitions(&self) -> u64 {
        self.kin.definitions.load(Ordering::SeqCst)
    }

    /// True unless nobody has made one since there were so many definitions, nor is about to.
    pub(crate) fn may_have_moved(&self, definitions: u64) -> bool {
        self.kin.defining.load(Ordering::SeqCst) > 0 || self.definitions() != definitions
    }

    /// Another number when a statement that may make what runs without being named has begun, or
    /// ended.
    pub(crate) fn moves(&self) -> u64 {
        self.kin.moves.load(Ordering::SeqCst)
    }

    /// A statement is about to be sent that may make this.
    pub(crate) fn begin_definition(&self, what: Defines) {
        if what >= Defines::Views {
            self.kin.moves.fetch_add(1, Ordering::SeqCst);
            self.kin.unnamed.fetch_add(1, Ordering::SeqCst);
        }
        if what == Defines::Anything {
            self.kin.defining.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// It is over, and what it has made was noted.
    pub(crate) fn end_definition(&self, what: Defines) {
        if what == Defines::Anything {
            self.kin.defining.fetch_sub(1, Ordering::SeqCst);
        }
        if what >= Defines::Views {
            self.kin.unnamed.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// A statement may have made this that was no call of a procedure.
    pub(crate) fn note_definition(&self, what: Defines) {
        if what < Defines::Views {
            return;
        }
        self.kin.tell(|programs| programs.hear_of_definition(what));
        if what == Defines::Anything {
            // Behind that: who has found what was told has counted one less.
            self.kin.definitions.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A procedure was called that may have made one. That it has is unlikely: no server lets it,
    /// but for MariaDB's `EXECUTE IMMEDIATE`. `None`: nobody knows what was called.
    /// `may_redefine`: that may have been a routine.
    pub(crate) fn note_call(&self, call: Option<Call<'_>>, may_redefine: bool) {
        self.kin
            .tell(|programs| programs.hear_of_call(call, may_redefine));
    }

    fn hear_of_definition(&self, what: Defines) {
        let mut since = self.since();
        since.defined = since.defined.max(what);
        if what == Defines::Anything {
            self.told.store(None);
        }
        self.doubt_runs();
    }

    fn hear_of_call(&self, call: Option<Call<'_>>, may_redefine: bool) {
        let mut since = self.since();
        if call.is_some_and(|call| self.is_harmless(call)) {
            return;
        }
        since.called.note(call, may_redefine);
        if may_redefine {
            self.told.store(None);
        }
        self.doubt_runs();
    }

    /// True for a call that was answered for while it ran.
    fn is_harmless(&self, (routines, definitions): Call<'_>) -> bool {
        let told = self.told.load();
        let leaves = told.as_ref().map(|told| told.together(routines));
        definitions == self.definitions() && leaves.is_some_and(|left| left != Leaves::Unknown)
    }

    fn doubt_runs(&self) {
        self.runs.store(Runs::Anywhere as u8, Ordering::SeqCst);
        self.defined.notify_one();
    }

    /// A question is about to be asked.
    fn begin_question(&self) {
        *self.since() = Since {
            defined: Defines::Nothing,
            called: Called::behind(self.definitions()),
        };
    }

    /// Notes the answer to the last question. What was made since it does not tell; then there is
    /// more to be asked for.
    fn answered(&self, found: Found) {
        let Found { runs, leavings } = found;
        let since = self.since();
        let called = since.called.routines();
        let are_harmless = called.is_some_and(|all| leavings.together(all) != Leaves::Unknown);
        if since.defined < Defines::Anything && (are_harmless || !since.called.may_redefine()) {
            self.told.store(Some(Arc::new(leavings)));
        }
        if since.defined < Defines::Views && are_harmless {
            self.runs.store(runs as u8, Ordering::SeqCst);
        }
    }

    fn since(&self) -> MutexGuard<'_, Since> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn believe_in_none(&self) {
        self.begin_question();
        self.answered(Found {
            runs: Runs::Nowhere,
            leavings: Leavings::default(),
        });
    }
}

impl Kin {
    fn tell(&self, what: impl Fn(&Programs)) {
        self.moves.fetch_add(1, Ordering::SeqCst);
        let all: Vec<_> = self.all().iter().filter_map(Weak::upgrade).collect();
        for programs in all {
            what(&programs);
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Weak<Programs>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks now and then, and when something may have made a program. Dropping the future ends it.
pub(crate) async fn watch(connector: &OriginConnector) {
    let programs = connector.programs();
    let mut bodies = Bodies::default();
    loop {
        programs.begin_question();
        match ask(connector, &mut bodies).await {
            // TiDB has none.
            Ok(None) => return,
            Ok(Some(found)) => programs.answered(found),
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
    use std::collections::HashMap;

    use mysql_sql::{Routine, RoutineKind};

    use super::*;

    fn found(runs: Runs) -> Found {
        Found {
            runs,
            leavings: Leavings::default(),
        }
    }

    /// A procedure that leaves nothing, one that leaves something, and one that makes a table.
    fn with_routines() -> Found {
        let texts = [
            ("sells", "UPDATE sold SET price = 1"),
            ("notes", "SET @noted = 1"),
            ("makes", "CREATE TABLE made (id INT)"),
        ];
        let bodies = texts.map(|(name, text)| Body {
            kind: Kind::Procedure,
            database: "shop".to_owned(),
            name: name.to_owned(),
            changed: String::new(),
            text: text.to_owned(),
        });
        Found {
            runs: Runs::Nowhere,
            leavings: Leavings::of(&bodies, &HashMap::new(), Flavor::MySql),
        }
    }

    fn procedure(name: &str) -> Routine {
        Routine {
            kind: RoutineKind::Procedure,
            database: Some("shop".to_owned()),
            name: name.to_owned(),
        }
    }

    #[test]
    fn what_routines_leave_is_known_until_one_may_have_changed() {
        let programs = Programs::among(&Arc::default());
        let ask = || {
            programs.begin_question();
            programs.answered(found(Runs::Anywhere));
        };
        assert!(programs.leavings().is_none());
        ask();
        assert!(programs.leavings().is_some());
        programs.note_call(None, true);
        assert_eq!(programs.definitions(), 0);
        assert!(programs.leavings().is_none());
        ask();
        assert!(programs.leavings().is_some());
        programs.note_definition(Defines::Views);
        assert!(programs.leavings().is_some());
        programs.note_definition(Defines::Anything);
        assert_eq!(programs.definitions(), 1);
        assert!(programs.leavings().is_none());
    }

    /// Else nothing would ever be known where procedures are called all the time.
    #[test]
    fn an_answer_holds_in_spite_of_calls_that_it_tells_of() {
        let programs = Programs::among(&Arc::default());
        let holds = |names: &[&str], definitions: u64| {
            programs.note_definition(Defines::Anything);
            programs.begin_question();
            let now = programs.definitions();
            for name in names {
                let routines = [procedure(name)];
                programs.note_call(Some((&routines, now - definitions)), true);
            }
            assert!(programs.leavings().is_none());
            programs.answered(with_routines());
            let is_known = programs.leavings().is_some();
            assert_eq!(is_known, !programs.may_run_on_writes());
            is_known
        };
        assert!(holds(&[], 0));
        assert!(holds(&["sells", "notes", "sells"], 0));
        for harmful in ["makes", "hidden"] {
            assert!(!holds(&["sells", harmful], 0), "{harmful}");
        }
        // They ran what was there ahead of a definition.
        assert!(!holds(&["sells"], 1));
    }

    #[test]
    fn a_call_that_was_begun_ahead_of_an_answer_is_known_by_it() {
        let programs = Programs::among(&Arc::default());
        programs.note_definition(Defines::Anything);
        programs.begin_question();
        programs.answered(with_routines());
        let is_known_behind = |name: &str, definitions: u64| {
            programs.note_call(Some((&[procedure(name)], definitions)), true);
            programs.leavings().is_some()
        };
        assert!(is_known_behind("notes", 1));
        assert!(!is_known_behind("notes", 0));
        programs.begin_question();
        programs.answered(with_routines());
        assert!(!is_known_behind("makes", 1));
    }

    #[test]
    fn an_answer_tells_of_no_definition_since() {
        let programs = Programs::among(&Arc::default());
        let known_behind = |what: Defines| {
            programs.begin_question();
            programs.note_definition(what);
            programs.answered(found(Runs::Nowhere));
            let runs_nowhere = !programs.may_run_on_writes();
            (programs.leavings().is_some(), runs_nowhere)
        };
        assert_eq!(known_behind(Defines::Anything), (false, false));
        assert_eq!(known_behind(Defines::Views), (true, false));
        assert_eq!(known_behind(Defines::Tables), (true, true));
    }

    #[test]
    fn there_may_be_some_until_it_is_known_that_there_are_none() {
        let programs = Programs::among(&Arc::default());
        let believed = || (programs.may_run_on_reads(), programs.may_run_on_writes());
        let ask = |runs| {
            programs.begin_question();
            programs.answered(found(runs));
        };
        assert_eq!(believed(), (true, true));
        ask(Runs::Nowhere);
        assert_eq!(believed(), (false, false));
        ask(Runs::OnWrites);
        assert_eq!(believed(), (false, true));
        programs.note_definition(Defines::Views);
        assert_eq!(believed(), (true, true));
        ask(Runs::Nowhere);
        assert_eq!(believed(), (false, false));
    }
}
