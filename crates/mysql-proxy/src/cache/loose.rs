//! Writes under way, and those whose outcome nobody knows.
//!
//! A write whose origin connection is lost may still commit, seconds later. Its tables stay
//! committing, so that nothing read from them is kept or served, until the origin's thread that ran
//! it is gone:
//!
//! ```text
//!   the origin ── does not know it, or began anew ───────────► over: versions move
//!     ▲   │    └─ it runs: a write goes on without its client, as at any server ─┐
//!     │   └────── it sleeps: nobody will ever use it, so it is killed ───────────┤
//!     └───────────────────────────── a moment later ◄────────────────────────────┘
//! ```
//!
//! Where its thread is not known, as a proxy greets with ids of its own, or another server has
//! taken over, it is over when it cannot be on its way any more and nothing runs that may be it.
//!
//! One connection asks for all of them, as there may be many where the origin itself has failed.
//! There is no limit to it: to go on without the tables is safe, and an origin that cannot be asked
//! for long serves nothing else either. The gauge `tidegate_cache_unknown_outcomes` tells.

mod threads;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use net::Backoff;
use query_cache::Committing;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use crate::origin::OriginConnector;
use threads::{Busy, Threads};

/// Between two looks at the process list.
const PAUSE: Duration = Duration::from_millis(100);

/// Between two attempts to ask an origin that does not answer: at first, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// After so long it is worth a warning that the origin runs something of before the start.
const LONG: Duration = Duration::from_secs(10);

/// Most that one look asks for.
const AT_ONCE: usize = 500;

/// A write under way. Dropped before it has ended, it is a loose end.
#[derive(Debug)]
pub(crate) struct InFlight {
    committing: Option<Committing>,
    /// The origin's thread that runs it. `None`: nothing was sent.
    thread: Option<u32>,
    /// The server of that, as far as is known.
    server: Option<Arc<str>>,
    began: Instant,
    /// It may have changed what the origin's tables are.
    pub(crate) may_define: bool,
    /// It calls routines that define nothing, as they were after so many definitions.
    pub(crate) judged_at: Option<u64>,
    /// Others may see it only when its session lets go of the tables that it has locked.
    pub(crate) is_under_lock: bool,
    ends: Arc<Shared>,
}

/// A write of which nobody knows whether it was committed, or will be.
#[derive(Debug)]
struct LooseEnd {
    committing: Committing,
    thread: u32,
    server: Option<Arc<str>>,
    began: Instant,
    lost: Instant,
    /// Threads that may run it, where its own is not known.
    busy: Option<Busy>,
}

#[derive(Debug)]
struct Shared {
    /// Nobody has looked after these yet. No more than sessions that have lost a connection.
    waiting: Mutex<Vec<LooseEnd>>,
    wake: Notify,
    count: AtomicU64,
    /// The origin may run something of before the start: see [`LooseEnds::outlive_earlier`].
    runs_earlier: AtomicBool,
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

    /// True if the other one writes the same.
    pub(crate) fn writes_as(&self, other: &Self) -> bool {
        let (own, other) = (&self.committing, &other.committing);
        own.as_ref().map(Committing::writes) == other.as_ref().map(Committing::writes)
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
        warn!(
            thread,
            "Lost an origin connection amid a write: nothing is kept of its tables until that is over"
        );
        self.ends.count.fetch_add(1, Ordering::Relaxed);
        let end = LooseEnd {
            committing,
            thread,
            server: self.server.take(),
            began: self.began,
            lost: Instant::now(),
            busy: None,
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
                runs_earlier: AtomicBool::new(true),
                are_left_out,
            }),
        }
    }

    /// A write begins that counts as committing, on this server, as far as is known.
    pub(crate) fn begin(
        &self,
        committing: Committing,
        may_define: bool,
        server: Option<Arc<str>>,
    ) -> InFlight {
        InFlight {
            committing: Some(committing),
            thread: None,
            server,
            began: Instant::now(),
            may_define,
            judged_at: None,
            is_under_lock: false,
            ends: Arc::clone(&self.shared),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// True while the origin may run something of before the start: nothing is to be kept.
    pub(crate) fn runs_earlier(&self) -> bool {
        self.shared.runs_earlier.load(Ordering::SeqCst)
    }

    /// Waits until the origin is done with what it runs when the edge meets it: one that was
    /// killed, or restarted amid a long write, has left that, and this one knows nothing of it.
    pub(crate) async fn outlive_earlier(&self, connector: &OriginConnector) {
        let mut threads = Threads::of(connector);
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let met = Instant::now();
        let mut earlier: Option<Busy> = None;
        let mut is_told = false;
        loop {
            let (reason, wait) = match threads.busy().await {
                Ok(busy) => {
                    let earlier = earlier.get_or_insert_with(|| busy.clone());
                    if earlier.are_done(&busy) {
                        break;
                    }
                    backoff.reset();
                    let reason = format!("busy since the start: {}", earlier.ids());
                    ((met.elapsed() >= LONG).then_some(reason), PAUSE)
                }
                Err(reason) => (Some(reason), backoff.next_wait()),
            };
            if let Some(reason) = reason.filter(|_| !is_told) {
                is_told = true;
                warn!(
                    reason,
                    "An origin may run what was sent before the start: nothing is kept"
                );
            }
            sleep(wait).await;
        }
        threads.rest();
        self.shared.runs_earlier.store(false, Ordering::SeqCst);
        if is_told {
            info!("An origin runs nothing of before the start any more, so that results are kept");
        }
    }

    /// Follows them up, for as long as the future lives. `before_over` is called before the
    /// versions move.
    pub(crate) async fn follow_up(&self, connector: &OriginConnector, before_over: impl Fn()) {
        let mut threads = Threads::of(connector);
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let mut ends: Vec<LooseEnd> = Vec::new();
        loop {
            ends.append(&mut self.shared.waiting());
            if ends.is_empty() {
                threads.rest();
                self.shared.wake.notified().await;
                continue;
            }
            let first = ends.len().min(AT_ONCE);
            let some = ends.get_mut(..first).unwrap_or_default();
            match threads.are_gone(some).await {
                Ok(gone) => {
                    backoff.reset();
                    self.settle(&mut ends, &gone, &before_over);
                    sleep(PAUSE).await;
                }
                Err(reason) => {
                    debug!(reason, writes = ends.len(), "Failed to ask after writes");
                    sleep(backoff.next_wait()).await;
                }
            }
        }
    }

    /// Ends those of the first ones that are over; the others of these come last from now on.
    fn settle(&self, ends: &mut Vec<LooseEnd>, gone: &[bool], before_over: &impl Fn()) {
        let looked_at: Vec<_> = ends.drain(..gone.len()).collect();
        for (end, is_gone) in looked_at.into_iter().zip(gone) {
            if !is_gone {
                ends.push(end);
                continue;
            }
            info!(thread = end.thread, took = ?end.began.elapsed(), "The lost write is over");
            before_over();
            end.committing.end();
            self.shared.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
