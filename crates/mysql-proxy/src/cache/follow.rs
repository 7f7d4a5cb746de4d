//! Follows the origin's binary log, so that writes of others are seen as soon as they are made.
//!
//! The log tells of a change a moment before readers see it: a transaction is written to it first,
//! and becomes visible when the engine has committed. What is read in between is the state of
//! before, and would be kept as if it were the new one. So versions move again a moment later, and
//! once more, for whatever a busy server has kept waiting.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Follow;
use mysql_sql::{Dialect, Escapes, Letters, TableRef, Touched, classify, touches};
use query_cache::Writes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::ResultCache;
use crate::follow::{Listener, follow as follow_log};
use crate::origin::OriginConnector;

/// When versions move again after the log has told of a change: within the first, and at the
/// second.
const SOON: Duration = Duration::from_millis(20);
const LATER: Duration = Duration::from_secs(1);

/// What the log has told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    is_following: AtomicBool,
    /// Since versions moved again the last time.
    recent: Mutex<Writes>,
    wake: Notify,
}

impl Heard {
    pub(super) fn is_following(&self) -> bool {
        self.is_following.load(Ordering::Relaxed)
    }

    fn recent(&self) -> MutexGuard<'_, Writes> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the log, if the configuration wants it. Dropping the future ends that.
pub(super) async fn follow(cache: &ResultCache, connector: &OriginConnector) {
    if cache.policy.follow == Follow::Nothing {
        return;
    }
    let ears = Ears {
        cache,
        dialect: Dialect {
            escapes: Escapes::Backslash,
            letters: Letters::Utf8,
            server: connector.flavor().server(),
            ignores_space: false,
        },
    };
    tokio::join!(follow_log(connector, &ears), echo(cache));
}

/// Moves versions again.
async fn echo(cache: &ResultCache) {
    let mut later: VecDeque<(Instant, Writes)> = VecDeque::new();
    loop {
        if later.is_empty() {
            cache.heard.wake.notified().await;
        }
        sleep(SOON).await;
        let recent = std::mem::take(&mut *cache.heard.recent());
        if !recent.is_nothing() {
            cache.versions.move_now(&recent);
            later.push_back((Instant::now() + LATER, recent));
        }
        let now = Instant::now();
        while later.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, writes)) = later.pop_front() {
                cache.versions.move_now(&writes);
            }
        }
    }
}

/// What hears the log.
struct Ears<'a> {
    cache: &'a ResultCache,
    dialect: Dialect,
}

impl Ears<'_> {
    /// Something has changed, or is about to.
    fn note(&self, writes: &Writes) {
        if writes.is_nothing() {
            return;
        }
        self.cache.versions.move_now(writes);
        self.cache.heard.recent().add(writes.clone());
        self.cache.heard.wake.notify_one();
    }

    fn touched(&self, touched: &Touched, database: &str) {
        let database = database.to_ascii_lowercase();
        let (changes, _) = self.cache.changes(touched, Some(&database));
        self.note(&changes.writes);
    }
}

impl Listener for Ears<'_> {
    /// What a foreign key changes along, not every server logs.
    fn table_changed(&self, database: &str, table: &str) {
        let table = TableRef {
            database: Some(database.to_ascii_lowercase()),
            name: table.to_ascii_lowercase(),
            may_be_query: false,
        };
        self.note(&self.cache.changes_with(table));
    }

    fn statement(&self, database: &str, sql: &[u8]) {
        let statement = classify(sql, self.dialect);
        let touches = touches(sql, self.dialect, &statement);
        if let Touched::Everything | Touched::Called { .. } = touches.writes {
            return self.anything_changed();
        }
        self.touched(&touches.writes, database);
    }

    fn anything_changed(&self) {
        self.cache.forget_catalog();
        self.note(&Writes::Everything);
    }

    fn following(&self, on: bool) {
        self.cache.heard.is_following.store(on, Ordering::Relaxed);
    }
}
