//! Orderly shutdown: everybody who has work learns that a drain began, and the drain waits for
//! them.
//!
//! ```text
//! owner:   let drain = Drain::new();  …  drain.drain(limit).await
//! worker:  let guard = drain.guard(); …  select! { work, guard.draining().started() }  …
//! drop(guard)
//! ```

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

/// The owner's end: starts the drain and waits until all guards are dropped.
#[derive(Debug)]
pub struct Drain {
    begin: watch::Sender<bool>,
    guard: mpsc::Sender<()>,
    all_gone: mpsc::Receiver<()>,
}

/// Work in progress. The drain waits until it is dropped.
#[derive(Clone, Debug)]
pub struct DrainGuard {
    draining: Draining,
    _alive: mpsc::Sender<()>,
}

/// Tells whether a drain began. Does not hold it up.
#[derive(Clone, Debug)]
pub struct Draining(watch::Receiver<bool>);

impl Drain {
    /// Makes a drain that has not begun.
    pub fn new() -> Self {
        let (begin, _) = watch::channel(false);
        let (guard, all_gone) = mpsc::channel(1);
        Self {
            begin,
            guard,
            all_gone,
        }
    }

    /// A guard for one piece of work.
    pub fn guard(&self) -> DrainGuard {
        DrainGuard {
            draining: self.draining(),
            _alive: self.guard.clone(),
        }
    }

    /// The signal alone.
    pub fn draining(&self) -> Draining {
        Draining(self.begin.subscribe())
    }

    /// Begins the drain and waits until all work is done, at most `limit`. False: the limit passed
    /// first, and whoever still works is cut off when the process ends.
    pub async fn drain(mut self, limit: Duration) -> bool {
        self.begin.send_replace(true);
        drop(self.guard);
        tokio::time::timeout(limit, self.all_gone.recv())
            .await
            .is_ok()
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl DrainGuard {
    /// The signal of this guard's drain.
    pub fn draining(&self) -> &Draining {
        &self.draining
    }
}

impl Draining {
    /// True once the drain began.
    pub fn has_started(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the drain begins. Cancel-safe. When the owner is gone without a drain, it counts
    /// as begun: nobody is left to serve for.
    pub fn started(&self) -> DrainStart {
        let mut receiver = self.0.clone();
        let waiting = async move {
            // An error means that the sender is gone; see above.
            drop(receiver.wait_for(|begun| *begun).await);
        };
        DrainStart {
            draining: self.clone(),
            waiting: Box::pin(waiting),
            waker: None,
        }
    }
}

/// Waits until a drain begins: [`Draining::started`].
///
/// Made to be polled by the same task over and over, beside what is awaited there: only the first
/// poll takes a lock, which all who wait for the drain share.
pub struct DrainStart {
    draining: Draining,
    waiting: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whom `waiting` wakes.
    waker: Option<Waker>,
}

impl Future for DrainStart {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let is_known = |waker: &Waker| waker.will_wake(context.waker());
        let is_waiting = self.waker.as_ref().is_some_and(is_known);
        if is_waiting && matches!(self.draining.0.has_changed(), Ok(false)) {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        self.waiting.as_mut().poll(context)
    }
}

impl fmt::Debug for DrainStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DrainStart")
            .field("draining", &self.draining)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_the_last_guard() {
        let drain = Drain::new();
        let guard = drain.guard();
        let worker = tokio::spawn(async move {
            guard.draining().started().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        });
        assert!(drain.drain(Duration::from_secs(5)).await);
        worker.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_at_the_limit() {
        let drain = Drain::new();
        let _guard = drain.guard();
        assert!(!drain.drain(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn a_start_is_told_to_whoever_polls() {
        let drain = Drain::new();
        let mut start = drain.draining().started();
        assert!((&mut start).now_or_never().is_none());
        assert!((&mut start).now_or_never().is_none());
        let waiting = tokio::spawn(start);
        tokio::task::yield_now().await;
        assert!(drain.drain(Duration::from_secs(5)).await);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_drain_that_began_before_has_started() {
        let drain = Drain::new();
        let (before, guard) = (drain.draining(), drain.guard());
        let after = tokio::spawn(async move {
            guard.draining().started().await;
            guard.draining().started().await;
        });
        drain.drain(Duration::from_secs(5)).await;
        after.await.unwrap();
        before.started().await;
    }

    #[tokio::test]
    async fn a_drain_without_an_owner_has_started() {
        let draining = Drain::new().draining();
        draining.started().await;
    }
}
