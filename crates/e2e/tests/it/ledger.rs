//! Clients that write without pause, and what became of each write: the proof that nothing which
//! was acknowledged is lost, and nothing is done twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use testkit::{Database, eventually};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long a writer waits after a failure, so that an outage is not a busy loop.
const PAUSE: Duration = Duration::from_millis(20);

/// No statement on a working path takes this long; one that does counts as a hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writers at work.
pub(crate) struct Writers {
    tasks: Vec<JoinHandle<Record>>,
    stop: Arc<AtomicBool>,
    /// For each writer, how many of its writes were acknowledged and how many failed.
    progress: Arc<Vec<Progress>>,
}

#[derive(Default)]
struct Progress {
    acknowledged: AtomicU64,
    failed: AtomicU64,
}

/// What one writer saw.
#[derive(Default)]
struct Record {
    acknowledged: Vec<u64>,
    /// Codes of the MySQL errors, those at connecting too; zero stands for any other failure.
    failures: Vec<(u16, String)>,
    /// Writes of which it is not known whether they took effect.
    unknown: Vec<u64>,
}

/// What all writers saw, as far as it is not in the table.
pub(crate) struct Outcome {
    pub(crate) acknowledged: usize,
    /// Each failure's code and sentence.
    pub(crate) failures: Vec<(u16, String)>,
}

/// Makes the table that writers write to. It has no key, so that a write done twice shows.
pub(crate) async fn create(server: &Database) -> Result<()> {
    server
        .execute("CREATE TABLE shop.ledger (writer BIGINT, turn BIGINT)")
        .await
}

impl Writers {
    pub(crate) fn start(endpoint: &Endpoint, count: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let progress: Vec<Progress> = (0..count).map(|_| Progress::default()).collect();
        let progress = Arc::new(progress);
        let tasks = (0..count)
            .map(|writer| {
                let (stop, progress) = (Arc::clone(&stop), Arc::clone(&progress));
                tokio::spawn(write(endpoint.clone(), writer, stop, progress))
            })
            .collect();
        Self {
            tasks,
            stop,
            progress,
        }
    }

    /// Waits until every writer has had `count` more writes acknowledged; returns how long it took.
    pub(crate) async fn acknowledged(&self, count: u64, limit: Duration) -> Result<Duration> {
        self.more("acknowledged writes", |it| &it.acknowledged, count, limit)
            .await
    }

    /// Waits until every writer has seen a failure more.
    pub(crate) async fn failed(&self, limit: Duration) -> Result<Duration> {
        self.more("failures", |it| &it.failed, 1, limit).await
    }

    async fn more(
        &self,
        what: &str,
        counter: impl Fn(&Progress) -> &AtomicU64,
        count: u64,
        limit: Duration,
    ) -> Result<Duration> {
        let began = Instant::now();
        let now = || {
            self.progress
                .iter()
                .map(|it| counter(it).load(Ordering::SeqCst))
        };
        let before: Vec<u64> = now().collect();
        eventually(
            &format!("every writer has {count} more {what}"),
            limit,
            async || {
                let more: Vec<u64> = now()
                    .zip(&before)
                    .map(|(now, before)| now - before)
                    .collect();
                ensure!(more.iter().all(|more| *more >= count), "so far {more:?}");
                Ok(())
            },
        )
        .await?;
        Ok(began.elapsed())
    }

    /// Ends the writers, and compares what they were told with what the database holds: every
    /// acknowledged write once, every write of unknown outcome at most once, and nothing else.
    pub(crate) async fn check(self, server: &Database) -> Result<Outcome> {
        self.stop.store(true, Ordering::SeqCst);
        let mut records = Vec::new();
        for task in self.tasks {
            records.push(
                tokio::time::timeout(PATIENCE, task)
                    .await
                    .context("a writer hangs")??,
            );
        }
        let mut connection = server.connect().await?;
        let rows: Vec<(u64, u64, u64)> = connection
            .query("SELECT writer, turn, COUNT(*) FROM shop.ledger GROUP BY writer, turn")
            .await?;
        connection.disconnect().await?;
        let mut held: HashMap<(u64, u64), u64> = rows
            .into_iter()
            .map(|(writer, turn, count)| ((writer, turn), count))
            .collect();
        for (writer, record) in (0..).zip(&records) {
            for turn in &record.acknowledged {
                let count = held.remove(&(writer, *turn)).unwrap_or(0);
                ensure!(
                    count == 1,
                    "write {turn} of {writer} was acknowledged, and is there {count} ×"
                );
            }
            for turn in &record.unknown {
                let count = held.remove(&(writer, *turn)).unwrap_or(0);
                ensure!(
                    count <= 1,
                    "write {turn} of {writer} failed once, and is there {count} ×"
                );
            }
        }
        ensure!(held.is_empty(), "writes that nobody made: {held:?}");
        Ok(Outcome {
            acknowledged: records.iter().map(|record| record.acknowledged.len()).sum(),
            failures: records
                .into_iter()
                .flat_map(|record| record.failures)
                .collect(),
        })
    }
}

async fn write(
    endpoint: Endpoint,
    writer: u64,
    stop: Arc<AtomicBool>,
    progress: Arc<Vec<Progress>>,
) -> Record {
    let mut record = Record::default();
    let mut connection: Option<Conn> = None;
    let Some(progress) = usize::try_from(writer).ok().and_then(|at| progress.get(at)) else {
        return record;
    };
    let mut turn = 0;
    while !stop.load(Ordering::SeqCst) {
        let outcome = match &mut connection {
            None => endpoint.connect().await.map(|made| connection = Some(made)),
            Some(open) => {
                turn += 1;
                let insert = format!("INSERT INTO ledger VALUES ({writer}, {turn})");
                let outcome = match tokio::time::timeout(PATIENCE, open.query_drop(insert)).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
                };
                match &outcome {
                    Ok(()) => {
                        record.acknowledged.push(turn);
                        progress.acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(_) => record.unknown.push(turn),
                }
                outcome
            }
        };
        if let Err(error) = outcome {
            record.failures.push(told(&error));
            progress.failed.fetch_add(1, Ordering::SeqCst);
            // A new connection after each failure, as a client library's pool would do.
            connection = None;
            tokio::time::sleep(PAUSE).await;
        }
    }
    record
}

fn told(error: &mysql_async::Error) -> (u16, String) {
    match error {
        mysql_async::Error::Server(error) => (error.code, error.message.clone()),
        other => (0, other.to_string()),
    }
}
