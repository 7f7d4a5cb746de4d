//! Time: how long something took, and waiting for something with a limit.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Fine enough for a start that takes a few milliseconds.
const INTERVAL: Duration = Duration::from_millis(1);

#[expect(
    clippy::disallowed_methods,
    reason = "a command line tool has no paused clock"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Asks again and again until the answer is yes. `what` completes "in time: ".
pub(super) fn until(
    what: &str,
    limit: Duration,
    mut answer: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let began = now();
    while !answer()? {
        if began.elapsed() > limit {
            bail!("this did not happen within {limit:?}: {what}");
        }
        sleep(INTERVAL);
    }
    Ok(())
}
