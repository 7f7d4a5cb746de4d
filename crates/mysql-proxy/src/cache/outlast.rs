//! Reads on their way that turn out to write.
//!
//! A read is a write if a view that it reads calls a function that writes. It counts as committing,
//! then; but it may have been sent before the view was there, and wait for a lock of another table:
//!
//! ```text
//!   read is sent ── waits ───────────────────────────────────► runs the view, and writes ─► over
//!                      CREATE VIEW ─► catalog: views may write
//!                                     everything is committing until all that run now are over
//! ```
//!
//! That is what it costs when the first such view comes to be, and at the start where there is one.
//! From then on reads are judged by the new catalog.

use std::sync::Arc;
use std::time::Duration;

use query_cache::Committing;
use tokio::time::{Instant, sleep};

use crate::registry::{Registry, Running};

/// Between two looks. The first comes after one of them: who began a moment before the catalog was
/// known shows by then.
const PAUSE: Duration = Duration::from_millis(50);

/// What a client leaves behind amid a command is cleaned up, or closed, within this time.
const CLEANED_UP: Duration = Duration::from_secs(15);

/// A command that runs, and since when its session is gone.
struct Awaited {
    running: Running,
    gone_since: Option<Instant>,
}

impl Awaited {
    fn is_over(&mut self, registry: &Registry) -> bool {
        if self.running.has_ended() {
            return true;
        }
        if self.running.is_registered(registry) {
            return false;
        }
        let since = self.gone_since.get_or_insert_with(Instant::now);
        since.elapsed() >= CLEANED_UP
    }
}

/// Ends this when all commands are over that run now.
pub(super) async fn outlast(registry: Arc<Registry>, committing: Committing) {
    sleep(PAUSE).await;
    let mut awaited: Vec<_> = registry
        .running()
        .into_iter()
        .map(|running| Awaited {
            running,
            gone_since: None,
        })
        .collect();
    loop {
        awaited.retain_mut(|one| !one.is_over(&registry));
        if awaited.is_empty() {
            return committing.end();
        }
        sleep(PAUSE).await;
    }
}
