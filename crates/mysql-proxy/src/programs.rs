//! Whether an origin has programs of its own that run without being named: triggers, and stored
//! functions in views. (What calls a routine by name is seen in its text, and pins.)
//!
//! What they leave on a connection no statement betrays. Where there are any, connections are reset
//! between two sessions (`OriginConn::begin_stay`): triggers run only where a statement may write,
//! functions in views anywhere. They are asked for when the edge meets the origin, every minute
//! after that, and soon after any statement that may have made one; and believed to be there until
//! that is answered, and where the origin's user would not be shown them.

mod grants;
mod view;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::origin::{Flavor, OriginConn, OriginConnector};
pub(crate) use grants::Grants;

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
    /// Something may have made a program since it was asked last.
    defined: Notify,
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

    fn belief(&self) -> u64 {
        self.belief.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn believe_in_none(&self) {
        self.answered(self.belief(), Runs::Nowhere);
    }

    /// A statement may have made one.
    pub(crate) fn note_definition(&self) {
        let next = |belief: u64| Some((belief | RUNS).wrapping_add(1));
        // The closure never declines.
        let _infallible = self
            .belief
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        self.defined.notify_one();
    }

    /// Notes the answer to a question that was asked when the belief was this one: what was made
    /// since it does not tell.
    fn answered(&self, asked: u64, runs: Runs) {
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
    loop {
        let asked = programs.belief();
        match ask(connector).await {
            // TiDB has none.
            Ok(None) => return,
            Ok(Some(runs)) => programs.answered(asked, runs),
            Err(reason) => debug!(reason, "Failed to ask an origin for its programs"),
        }
        sleep(PAUSE).await;
        // Whichever ends it.
        let _elapsed = timeout(INTERVAL, programs.defined.notified()).await;
    }
}

/// Asks on a connection aside from the pool. `None`: the origin knows no programs.
async fn ask(connector: &OriginConnector) -> Result<Option<Runs>, String> {
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
    conn.quit();
    Ok(Some(runs))
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

    #[test]
    fn there_may_be_some_until_it_is_known_that_there_are_none() {
        let programs = Programs::default();
        let believed = || (programs.may_run_on_reads(), programs.may_run_on_writes());
        let ask = || programs.belief();
        assert_eq!(believed(), (true, true));
        programs.answered(ask(), Runs::Nowhere);
        assert_eq!(believed(), (false, false));
        programs.answered(ask(), Runs::OnWrites);
        assert_eq!(believed(), (false, true));
        let asked = ask();
        programs.note_definition();
        assert_eq!(believed(), (true, true));
        // It was asked before that.
        programs.answered(asked, Runs::Nowhere);
        assert_eq!(believed(), (true, true));
        programs.answered(ask(), Runs::Nowhere);
        assert_eq!(believed(), (false, false));
    }
}
