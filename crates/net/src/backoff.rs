//! Waits between attempts: they double up to a limit, with jitter, so that many peers that lost the
//! same edge do not come back at the same moment.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A sequence of waits: full jitter, uniform in `[0, base * 2^n]`, at most `max`.
///
/// See "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    base: Duration,
    max: Duration,
    attempts: u32,
}

impl Backoff {
    /// Starts a sequence.
    pub fn new(base: Duration, max: Duration) -> Self {
        Self {
            base,
            max,
            attempts: 0,
        }
    }

    /// Attempts since the last success.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Forgets the failures: the next wait is short again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Counts a failure and tells how long to wait before the next attempt.
    pub fn next_wait(&mut self) -> Duration {
        let ceiling = self.ceiling();
        self.attempts = self.attempts.saturating_add(1);
        ceiling.mul_f64(random_fraction())
    }

    fn ceiling(&self) -> Duration {
        let doubled = 2u32.checked_pow(self.attempts).unwrap_or(u32::MAX);
        self.base.saturating_mul(doubled).min(self.max)
    }
}

/// A number in `[0, 1)`. The hasher's keys are random per call, which is as much chance as a wait
/// needs.
fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0u8) >> 40;
    #[expect(clippy::cast_precision_loss, reason = "24 bits fit a double exactly")]
    let fraction = bits as f64 / f64::from(1u32 << 24);
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceiling_doubles_up_to_max_and_resets() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let mut ceilings = Vec::new();
        for _ in 0..5 {
            ceilings.push(backoff.ceiling().as_secs());
            let ceiling = backoff.ceiling();
            assert!(backoff.next_wait() <= ceiling);
        }
        assert_eq!(ceilings, [1, 2, 4, 5, 5]);
        backoff.reset();
        assert_eq!(backoff.ceiling(), Duration::from_secs(1));
    }

    #[test]
    fn many_failures_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(32));
        for _ in 0..100 {
            assert!(backoff.next_wait() <= Duration::from_secs(32));
        }
    }
}
