//! Waiting for a fact, with a deadline: tests never sleep and hope.

use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::{Instant, sleep};

/// Between two attempts: short enough not to be felt, long enough not to load the machine.
const PAUSE: Duration = Duration::from_millis(20);

/// Tries until it succeeds, at most for `limit`; then fails with `what` and the last failure. An
/// attempt that hangs is cut off at the limit too.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut attempt: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut last = anyhow!("no attempt came to an end");
    loop {
        match tokio::time::timeout_at(deadline, attempt()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => last = error,
            Err(_) => return Err(last.context(format!("{what}: not within {limit:?}"))),
        }
        if Instant::now() + PAUSE >= deadline {
            return Err(last.context(format!("{what}: not within {limit:?}")));
        }
        sleep(PAUSE).await;
    }
}
