//! How often is written. It is counted in reads, not in time, so that the share of hits does not
//! depend on how fast a machine is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::random::Random;

/// Reads of a phase, and the phases after which it begins again: three quiet ones, and a storm.
const PHASE: u64 = 2_000;
const PHASES: u64 = 4;

/// Reads between two writes of one writer, in the mean.
const READS_IN_QUIET: u64 = 900;
const READS_IN_STORM: u64 = 100;

/// A writer waits no longer, however few reads there are.
const LONGEST: Duration = Duration::from_millis(400);

/// How often a writer looks.
const STEP: Duration = Duration::from_millis(2);

/// What readers and writers do at the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// All statements, few writes.
    Quiet,
    /// A few statements on two rows, many writes.
    Storm,
}

/// The phase after so many reads.
pub(super) fn phase(reads: u64) -> Phase {
    if reads / PHASE % PHASES == PHASES - 1 {
        Phase::Storm
    } else {
        Phase::Quiet
    }
}

/// Waits until it is time for a writer's next write, or the round is over.
pub(super) async fn wait(reads: &AtomicU64, is_over: &AtomicBool, random: &mut Random) {
    let began = Instant::now();
    let from = reads.load(Ordering::Relaxed);
    let mean = match phase(from) {
        Phase::Quiet => READS_IN_QUIET,
        Phase::Storm => READS_IN_STORM,
    };
    let count = random.next() % (2 * mean);
    while reads.load(Ordering::Relaxed) < from + count
        && began.elapsed() < LONGEST
        && !is_over.load(Ordering::Relaxed)
    {
        sleep(STEP).await;
    }
}
