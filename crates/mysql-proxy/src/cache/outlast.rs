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

use domain::Hyperdrive;
use query_cache::Committing;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::hyperdrives::Hyperdrives;
use crate::registry::{Registry, Running};

/// Between two looks. The first comes after one of them: who began a moment before the catalog was
/// known shows by then.
const PAUSE: Duration = Duration::from_millis(50);

/// After so long it is worth a warning.
const LONG: Duration = Duration::from_secs(10);

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

/// Ends this when all commands are over that run now at the origin of this hyperdrive.
pub(super) async fn outlast(hyperdrives: Hyperdrives, of: Arc<Hyperdrive>, committing: Committing) {
    sleep(PAUSE).await;
    let began = Instant::now();
    let mut has_warned = false;
    let registry = hyperdrives.registry();
    let mut awaited: Vec<_> = hyperdrives
        .running_at_origin_of(&of)
        .into_iter()
        .map(|running| Awaited {
            running,
            gone_since: None,
        })
        .collect();
    loop {
        awaited.retain_mut(|one| !one.is_over(registry));
        if awaited.is_empty() {
            return committing.end();
        }
        if began.elapsed() >= LONG && !std::mem::replace(&mut has_warned, true) {
            let (hyperdrive, statements) = (&of.name, awaited.len());
            warn!(
                hyperdrive,
                statements,
                "A view calls a function that may write: nothing is kept until the statements are \
                 over that ran when it was found"
            );
        }
        sleep(PAUSE).await;
    }
}
