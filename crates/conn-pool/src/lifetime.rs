//! How long each connection may live: spread, so that those opened together do not end together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The part of the longest lifetime by which lives differ. Wide enough that twenty connections with
/// five minutes end three seconds apart, which is time to open each anew.
const SPREAD: f64 = 0.2;
/// 2³² divided by the golden ratio: steps of it never come near each other.
const STEP: u32 = 0x9E37_79B9;

/// Deals lifetimes out, evenly spread over the shortest to the longest.
pub(crate) struct Lifetimes {
    longest: Duration,
    next: u32,
}

impl Lifetimes {
    /// Starts anywhere, so that several edges do not keep step either.
    pub(crate) fn new(longest: Duration) -> Self {
        let seed = RandomState::new().hash_one(longest);
        Self {
            longest,
            next: u32::try_from(seed >> 32).unwrap_or_default(),
        }
    }

    /// The lifetime of the next connection.
    pub(crate) fn deal(&mut self) -> Duration {
        self.next = self.next.wrapping_add(STEP);
        let part = f64::from(self.next) / f64::from(u32::MAX);
        self.longest.mul_f64(1.0 - SPREAD * part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_twenty_lives_over_a_fifth() {
        let longest = Duration::from_secs(300);
        let mut lifetimes = Lifetimes::new(longest);
        let mut lives: Vec<_> = (0..20).map(|_| lifetimes.deal()).collect();
        lives.sort();
        assert!(lives.first() >= Some(&Duration::from_secs(240)));
        assert!(lives.last() <= Some(&longest));
        // Even spacing would be three seconds.
        assert!(
            lives
                .windows(2)
                .all(|pair| pair[1].abs_diff(pair[0]) > Duration::from_secs(1)),
            "{lives:?}"
        );
    }
}
