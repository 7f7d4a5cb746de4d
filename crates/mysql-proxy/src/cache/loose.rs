//! Writes under way, and those whose outcome nobody knows.
//!
//! A write whose origin connection is lost may still commit, seconds later. Its tables stay
//! committing, so that nothing read from them is kept or served, until the origin's thread that ran
//! it is gone:
//!
//! ```text
//!   the process list ── does not have it, or began anew ─────► over: versions move
//!     ▲   │    └─ it runs: a write goes on without its client, as at any server ─┐
//!     │   └────── it sleeps: nobody will ever use it, so it is killed ───────────┤
//!     └───────────────────────────── a moment later ◄────────────────────────────┘
//! ```
//!
//! There is no limit to it: to go on without the tables is safe, and an origin that cannot be asked
//! for long serves nothing else either. The gauge `tidegate_cache_unknown_outcomes` tells.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use net::Backoff;
use query_cache::Committing;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use crate::origin::{Flavor, OriginConn, OriginConnector};

/// Between two looks at the process list.
const PAUSE: Duration = Duration::from_millis(100);

/// Between two attempts to ask an origin that does not answer: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A write under way. Dropped before it has ended, it is a loose end.
#[derive(Debug)]
pub(crate) struct InFlight {
    committing: Option<Committing>,
    /// The origin's thread that runs it. `None`: nothing was sent.
    thread: Option<u32>,
    began: Instant,
    /// It may have changed what the origin's tables are.
    pub(crate) may_define: bool,
    ends: Arc<Shared>,
}

/// A write of which nobody knows whether it was committed, or will be.
#[derive(Debug)]
struct LooseEnd {
    committing: Committing,
    thread: u32,
    began: Instant,
}

#[derive(Debug)]
struct Shared {
    /// Nobody has looked after these yet. No more than sessions that have lost a connection.
    waiting: Mutex<Vec<LooseEnd>>,
    wake: Notify,
    count: AtomicU64,
    /// For a test that must find it: they are taken for over at once.
    are_left_out: bool,
}

/// The writes of a hyperdrive whose outcome nobody knows.
#[derive(Debug)]
pub(crate) struct LooseEnds {
    shared: Arc<Shared>,
}

impl InFlight {
    /// It goes out on this thread's connection.
    pub(crate) fn set_thread(&mut self, thread: u32) {
        self.thread = Some(thread);
    }

    /// Its outcome is known, or it was never sent.
    pub(crate) fn end(mut self) {
        if let Some(committing) = self.committing.take() {
            committing.end();
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Some(committing) = self.committing.take() else {
            return;
        };
        let Some(thread) = self.thread.filter(|_| !self.ends.are_left_out) else {
            return committing.end();
        };
        self.ends.count.fetch_add(1, Ordering::Relaxed);
        let end = LooseEnd {
            committing,
            thread,
            began: self.began,
        };
        self.ends.waiting().push(end);
        self.ends.wake.notify_one();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Vec<LooseEnd>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LooseEnds {
    pub(crate) fn new(are_left_out: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                waiting: Mutex::default(),
                wake: Notify::new(),
                count: AtomicU64::new(0),
                are_left_out,
            }),
        }
    }

    /// A write begins that counts as committing.
    pub(crate) fn begin(&self, committing: Committing, may_define: bool) -> InFlight {
        InFlight {
            committing: Some(committing),
            thread: None,
            began: Instant::now(),
            may_define,
            ends: Arc::clone(&self.shared),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Follows them up, for as long as the future lives. `before_over` is called before the
    /// versions move.
    pub(crate) async fn follow_up(&self, connector: &OriginConnector, before_over: impl Fn()) {
        let mut ends = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = self.shared.wake.notified() => {
                    let waiting = std::mem::take(&mut *self.shared.waiting());
                    let tie = |end| self.tie(end, connector, &before_over);
                    ends.extend(waiting.into_iter().map(tie));
                }
                Some(()) = ends.next(), if !ends.is_empty() => {}
            }
        }
    }

    async fn tie(&self, end: LooseEnd, connector: &OriginConnector, before_over: &impl Fn()) {
        warn!(
            thread = end.thread,
            "Lost an origin connection amid a write: nothing is kept of its tables until that is over"
        );
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        while let Err(reason) = wait_until_gone(&end, connector).await {
            debug!(thread = end.thread, reason, "Failed to ask after a write");
            sleep(backoff.next_wait()).await;
        }
        info!(thread = end.thread, took = ?end.began.elapsed(), "The lost write is over");
        before_over();
        end.committing.end();
        self.shared.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits until the origin's thread is gone.
async fn wait_until_gone(end: &LooseEnd, connector: &OriginConnector) -> Result<(), String> {
    let opened = connector.open_aside(None).await;
    let mut conn = opened.map_err(|error| error.to_string())?;
    while !is_gone(end, &mut conn).await? {
        sleep(PAUSE).await;
    }
    conn.quit();
    Ok(())
}

async fn is_gone(end: &LooseEnd, conn: &mut OriginConn) -> Result<bool, String> {
    if has_restarted_since(end.began, conn).await? {
        return Ok(true);
    }
    let table = match conn.flavor() {
        // Its instances have a list each; ids are those of all.
        Flavor::TiDb => "CLUSTER_PROCESSLIST",
        Flavor::MySql | Flavor::MariaDb { .. } => "PROCESSLIST",
    };
    let thread = end.thread;
    let question = format!("SELECT COMMAND FROM information_schema.{table} WHERE ID = {thread}");
    let answer = conn.ask(question.as_bytes()).await;
    let answer = answer.map_err(|error| error.to_string())?;
    if let Some(refusal) = answer.refusal() {
        return Err(refusal.message);
    }
    let Some(row) = answer.text_rows(conn.has_eof()).next() else {
        return Ok(true);
    };
    let command = row.and_then(|row| row.into_iter().next().flatten());
    if command.as_deref() == Some("Sleep") {
        kill(thread, conn).await?;
    }
    Ok(false)
}

/// True when the server has begun since: its threads of before are gone, and their ids may be given
/// to others. (TiDB's are not given twice.)
async fn has_restarted_since(began: Instant, conn: &mut OriginConn) -> Result<bool, String> {
    if conn.flavor().is_tidb() {
        return Ok(false);
    }
    let row = conn.ask_row("SHOW GLOBAL STATUS LIKE 'Uptime'").await;
    let row = row.map_err(|error| error.to_string())?.unwrap_or_default();
    let uptime = row.get(1).and_then(Option::as_deref);
    let uptime: Option<u64> = uptime.and_then(|text| text.parse().ok());
    // Whole seconds that have passed: it is up for less than one more.
    Ok(uptime.is_some_and(|seconds| began.elapsed() >= Duration::from_secs(seconds + 1)))
}

async fn kill(thread: u32, conn: &mut OriginConn) -> Result<(), String> {
    let statement = match conn.flavor() {
        Flavor::TiDb => format!("KILL TIDB CONNECTION {thread}"),
        Flavor::MySql | Flavor::MariaDb { .. } => format!("KILL CONNECTION {thread}"),
    };
    // It may have gone by itself just now: the next look will tell.
    let told = conn.ask(statement.as_bytes()).await;
    told.map(drop).map_err(|error| error.to_string())
}
