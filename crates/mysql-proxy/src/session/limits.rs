//! Keeps a session within its limits, and ends it when others want it to end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use mysql_proto::Command;
use net::{DrainStart, Draining};
use tokio::time::Instant;
use tracing::debug;

use super::deadlines::{Deadlines, Expired};
use crate::error::SessionEnd;
use crate::hyperdrives::Served;
use crate::registry::{Entry, Interruption};

/// Watches over one session.
#[derive(Debug)]
pub(super) struct Watch {
    entry: Arc<Entry>,
    served: Arc<Served>,
    deadlines: Deadlines,
    drain: DrainStart,
    /// Whom the entry wakes.
    waker: Option<Waker>,
}

/// What a session must know of while it waits.
enum Event {
    /// Others want it to end.
    Ended,
    /// A limit is over.
    Expired(Expired),
}

impl Watch {
    pub(super) fn new(entry: &Arc<Entry>, served: &Arc<Served>, draining: &Draining) -> Self {
        Self {
            entry: Arc::clone(entry),
            served: Arc::clone(served),
            deadlines: Deadlines::new(served.hyperdrive.limits),
            drain: draining.started(),
            waker: None,
        }
    }

    /// True for the entry that it watches: a session that changes its user gets another.
    pub(super) fn is_of(&self, entry: &Arc<Entry>) -> bool {
        Arc::ptr_eq(&self.entry, entry)
    }

    /// Waits, between two commands, until the session has to end. `may_drain`: a drain ends it too.
    /// Cancel-safe.
    pub(super) async fn idle(&mut self, may_drain: bool) -> SessionEnd {
        poll_fn(|context| {
            if let Poll::Ready(event) = self.poll_event(context, true) {
                return Poll::Ready(match event {
                    Event::Ended => SessionEnd::Killed,
                    Event::Expired(Expired::IdleTransaction) => SessionEnd::IdleTransactionTimeout,
                    Event::Expired(_) => SessionEnd::TransactionTimeout,
                });
            }
            if may_drain {
                return self
                    .drain
                    .poll_unpin(context)
                    .map(|()| SessionEnd::Draining);
            }
            Poll::Pending
        })
        .await
    }

    /// Serves a command. When its time is over, what it runs is killed at the origin, and its
    /// response goes on to its end: the origin's own error, mostly. When that does not come either,
    /// the command is dropped where it is. `now`: when it came.
    pub(super) async fn serve(
        &mut self,
        command: Command,
        now: Instant,
        mut serving: Pin<&mut impl Future<Output = Result<(), SessionEnd>>>,
    ) -> Result<(), SessionEnd> {
        self.entry.begin(command, now);
        self.deadlines.begin_command(ends_by_itself(command), now);
        let mut transaction_is_over = false;
        let mut is_killed = false;
        loop {
            let event = poll_fn(|context| {
                if let Poll::Ready(served) = serving.as_mut().poll(context) {
                    return Poll::Ready(Err(served));
                }
                self.poll_event(context, !is_killed).map(Ok)
            });
            let event = match event.await {
                Ok(event) => event,
                Err(Ok(())) if transaction_is_over => return Err(SessionEnd::TransactionTimeout),
                Err(served) => return served,
            };
            match event {
                Event::Ended => {
                    // The command learns of it too, and ends: see `Downstream::ended`.
                    is_killed = true;
                    self.deadlines.begin_grace();
                    continue;
                }
                Event::Expired(Expired::Grace) if is_killed => return Err(SessionEnd::Killed),
                Event::Expired(Expired::Grace) => return Err(SessionEnd::NotInterrupted),
                Event::Expired(Expired::Transaction) => transaction_is_over = true,
                Event::Expired(Expired::Query | Expired::IdleTransaction) => {}
            }
            self.interrupt();
        }
    }

    /// Tells of what others or the clock want of the session; of its end only if so asked. To be
    /// polled whenever the session waits, as what it awaits beside this may look at the entry and
    /// relies on being woken.
    fn poll_event(&mut self, context: &mut Context<'_>, tells_end: bool) -> Poll<Event> {
        let is_known = |waker: &Waker| waker.will_wake(context.waker());
        if !self.waker.as_ref().is_some_and(is_known) {
            self.entry.wake_by(context.waker());
            self.waker = Some(context.waker().clone());
            // A signal of before may have been looked for in vain by then: so once more.
            context.waker().wake_by_ref();
        }
        if tells_end && self.entry.is_ended() {
            return Poll::Ready(Event::Ended);
        }
        self.deadlines.poll_expired(context).map(Event::Expired)
    }

    /// The command is done, as far as the session goes on.
    pub(super) fn rest(&mut self, in_transaction: bool) {
        self.entry.rest();
        self.deadlines.end_command(in_transaction);
    }

    /// The time of the command under way is over.
    fn interrupt(&mut self) {
        self.deadlines.begin_grace();
        self.entry.interrupt(Interruption::TimedOut);
        // Now, as in a moment it may run another.
        let Some(aim) = self.entry.aim_alone() else {
            return;
        };
        let served = Arc::clone(&self.served);
        tokio::spawn(async move {
            if let Err(error) = served.kill_aimed(aim).await {
                debug!(%error, "Failed to kill a statement whose time is over");
            }
        });
    }
}

/// The stream of a binary log does not end, and is no query.
fn ends_by_itself(command: Command) -> bool {
    !matches!(command, Command::BINLOG_DUMP | Command::BINLOG_DUMP_GTID)
}
