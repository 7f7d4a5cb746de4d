//! Whether an origin has programs of its own: triggers, procedures, functions.
//!
//! What they leave on a connection no statement betrays, not even one that reads a view. Where
//! there are any, connections are reset between two sessions (`OriginConn::begin_stay`). They are
//! asked for when the edge meets the origin and every minute after that, and believed to be there
//! before the first answer, after any statement that may have made one, and where the origin's user
//! would not be shown them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::debug;

use crate::origin::{Flavor, OriginConnector};

/// How long a program that somebody else has made may stay unknown.
const INTERVAL: Duration = Duration::from_secs(60);

/// Without those of the server itself.
const QUESTION: &str = "SELECT \
    EXISTS(SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA NOT IN \
    ('mysql', 'sys', 'information_schema', 'performance_schema')) OR \
    EXISTS(SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA NOT IN \
    ('mysql', 'sys', 'information_schema', 'performance_schema')) LIMIT 1";

/// What is believed of an origin. A number that counts what may have made a program, doubled, and
/// odd while the last answer to that number was that there is none.
#[derive(Debug, Default)]
pub(crate) struct Programs(AtomicU64);

impl Programs {
    /// True unless it is known that there are none.
    pub(crate) fn may_be(&self) -> bool {
        self.0.load(Ordering::Relaxed) & 1 == 0
    }

    #[cfg(test)]
    pub(crate) fn believe_in_none(&self) {
        self.answered(self.0.load(Ordering::Relaxed), false);
    }

    /// A statement may have made one.
    pub(crate) fn note_definition(&self) {
        let next = |belief: u64| Some((belief | 1).wrapping_add(1));
        // The closure never declines.
        let _infallible = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// Notes the answer to a question that was asked when the belief was this one: what was made
    /// since it does not tell.
    fn answered(&self, asked: u64, has_some: bool) {
        let answer = if has_some { asked & !1 } else { asked | 1 };
        // Otherwise there is more to be asked for.
        let _raced = self
            .0
            .compare_exchange(asked, answer, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Asks now and then. Dropping the future ends it.
pub(crate) async fn watch(connector: &OriginConnector) {
    let programs = connector.programs();
    loop {
        let asked = programs.0.load(Ordering::Relaxed);
        match ask(connector).await {
            // TiDB has none.
            Ok(None) => return,
            Ok(Some(has_some)) => programs.answered(asked, has_some),
            Err(reason) => debug!(reason, "Failed to ask an origin for its programs"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Asks on a connection aside from the pool. `None`: the origin knows no programs.
async fn ask(connector: &OriginConnector) -> Result<Option<bool>, String> {
    let opened = connector.open_aside(None).await;
    let mut conn = opened.map_err(|error| error.to_string())?;
    if conn.flavor() == Flavor::TiDb {
        conn.quit();
        return Ok(None);
    }
    let answer = conn.ask_number(QUESTION).await;
    let mut has_some = answer.map_err(|error| error.to_string())? != Some(0);
    // MySQL shows triggers only to whom may make them.
    if !has_some && conn.flavor() == Flavor::MySql {
        let grants = conn.ask_rows("SHOW GRANTS").await;
        let grants = grants
            .map_err(|error| error.to_string())?
            .unwrap_or_default();
        let mut grants = grants
            .into_iter()
            .map(|row| row.into_iter().next().flatten());
        // Of a user who has none that can be read, nothing is known.
        has_some = grants.len() == 0
            || grants.any(|grant| !grant.is_some_and(|grant| shows_triggers(&grant)));
    }
    conn.quit();
    Ok(Some(has_some))
}

/// True when a user with this grant, a line of `SHOW GRANTS`, sees the triggers that it may fire.
fn shows_triggers(grant: &str) -> bool {
    // A role has no `ON`, and what it grants is not shown.
    let Some((rights, _)) = grant.split_once(" ON ") else {
        return false;
    };
    let has = |right| rights.contains(right);
    let may_write = has("INSERT") || has("UPDATE") || has("DELETE");
    has("TRIGGER") || has("ALL PRIVILEGES") || !may_write
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_may_be_some_until_it_is_known_that_there_are_none() {
        let programs = Programs::default();
        assert!(programs.may_be());
        let ask = || programs.0.load(Ordering::Relaxed);
        programs.answered(ask(), false);
        assert!(!programs.may_be());
        programs.answered(ask(), true);
        assert!(programs.may_be());
        programs.answered(ask(), false);
        let asked = ask();
        programs.note_definition();
        assert!(programs.may_be());
        // It was asked before that.
        programs.answered(asked, false);
        assert!(programs.may_be());
        programs.answered(ask(), false);
        assert!(!programs.may_be());
    }

    #[test]
    fn who_may_write_must_be_shown_triggers() {
        for (grant, shows) in [
            ("GRANT USAGE ON *.* TO `app`@`%`", true),
            ("GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`", true),
            (
                "GRANT SELECT, INSERT, TRIGGER ON `shop`.* TO `app`@`%`",
                true,
            ),
            ("GRANT SELECT ON `shop`.* TO `app`@`%`", true),
            ("GRANT SELECT, INSERT ON `shop`.* TO `app`@`%`", false),
            ("GRANT INSERT (`a`) ON `shop`.`t` TO `app`@`%`", false),
            ("GRANT `writer`@`%` TO `app`@`%`", false),
        ] {
            assert_eq!(shows_triggers(grant), shows, "{grant}");
        }
    }
}
