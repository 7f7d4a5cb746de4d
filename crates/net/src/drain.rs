//! Orderly shutdown: everybody who has work learns that a drain began, and the drain waits for
//! them.
//!
//! ```text
//! owner:   let drain = Drain::new();  …  drain.drain(limit).await
//! worker:  let guard = drain.guard(); …  select! { work, guard.draining().started() }  …
//! drop(guard)
//! ```

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
    pub async fn started(&self) {
        let mut receiver = self.0.clone();
        // An error means that the sender is gone; see above.
        drop(receiver.wait_for(|begun| *begun).await);
    }
}

#[cfg(test)]
mod tests {
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
}
