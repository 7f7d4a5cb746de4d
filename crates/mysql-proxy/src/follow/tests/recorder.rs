//! A listener that keeps what it hears.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::follow::Listener;

/// Far longer than anything takes that is not lost.
const LIMIT: Duration = Duration::from_secs(30);

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Table(String),
    Statement(String, String),
    Anything,
    Following(bool),
}

/// Keeps what it hears, each with its time.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    heard: Mutex<Vec<(Instant, Heard)>>,
    more: Notify,
}

pub(super) fn table(name: &str) -> Heard {
    Heard::Table(name.to_owned())
}

pub(super) fn statement(database: &str, sql: &str) -> Heard {
    Heard::Statement(database.to_owned(), sql.to_owned())
}

pub(super) fn anything() -> Heard {
    Heard::Anything
}

impl Recorder {
    fn heard(&self) -> MutexGuard<'_, Vec<(Instant, Heard)>> {
        self.heard.lock().unwrap()
    }

    fn note(&self, heard: Heard) {
        self.heard().push((Instant::now(), heard));
        self.more.notify_one();
    }

    /// All that was heard, which is forgotten.
    pub(super) fn take(&self) -> Vec<Heard> {
        self.heard().drain(..).map(|(_, heard)| heard).collect()
    }

    /// Waits until this is heard, and returns when, and what was heard before it. All that is
    /// forgotten.
    pub(super) async fn until(&self, wanted: &Heard) -> Result<(Instant, Vec<Heard>)> {
        let wait = async {
            loop {
                let more = self.more.notified();
                let found = self.find(wanted);
                if let Some(found) = found {
                    return found;
                }
                more.await;
            }
        };
        let found = timeout(LIMIT, wait).await;
        found.with_context(|| format!("{wanted:?} was not heard, but {:?}", self.take()))
    }

    fn find(&self, wanted: &Heard) -> Option<(Instant, Vec<Heard>)> {
        let mut heard = self.heard();
        let place = heard.iter().position(|(_, heard)| heard == wanted)?;
        let (time, _) = heard[place];
        let before = heard.drain(..=place).take(place);
        Some((time, before.map(|(_, heard)| heard).collect()))
    }
}

impl Listener for Recorder {
    fn table_changed(&self, database: &str, table: &str) {
        self.note(Heard::Table(format!("{database}.{table}")));
    }

    fn statement(&self, database: &str, sql: &[u8]) {
        let sql = String::from_utf8_lossy(sql).into_owned();
        self.note(Heard::Statement(database.to_owned(), sql));
    }

    fn anything_changed(&self) {
        self.note(Heard::Anything);
    }

    fn following(&self, on: bool) {
        self.note(Heard::Following(on));
    }
}
