//! Keys whose results could not be kept a while ago, so that nobody waits for the next one in vain.

use std::time::Duration;

use tokio::time::Instant;

/// How long a key is remembered. Then one session more finds out whether it is still so.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Most keys, a power of two. They take 100 KiB.
const MOST: usize = 4096;

/// Keys by their hash, each in the only place that it may have: a later one forgets an earlier one.
/// Both what is forgotten and two keys of one hash cost no more than a flight that is not shared.
#[derive(Debug)]
pub(crate) struct Declined {
    places: Box<[Option<(u64, Instant)>]>,
    last: Option<Instant>,
}

impl Declined {
    pub(crate) fn new() -> Self {
        Self {
            places: vec![None; MOST].into(),
            last: None,
        }
    }

    /// Remembers a key.
    pub(crate) fn add(&mut self, hash: u64, now: Instant) {
        if let Some(place) = self.places.get_mut(place_of(hash)) {
            *place = Some((hash, now));
        }
        self.last = Some(now);
    }

    /// False: no key at all is remembered.
    pub(crate) fn may_have_some(&self) -> bool {
        self.last
            .is_some_and(|last| is_remembered(last, Instant::now()))
    }

    /// Whether a key is remembered.
    pub(crate) fn has(&self, hash: u64, now: Instant) -> bool {
        let place = self.places.get(place_of(hash)).copied().flatten();
        place.is_some_and(|(other, since)| other == hash && is_remembered(since, now))
    }
}

fn is_remembered(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < REMEMBERED
}

#[expect(clippy::cast_possible_truncation, reason = "only low bits are used")]
fn place_of(hash: u64) -> usize {
    hash as usize % MOST
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_remembered_for_a_while() {
        let mut declined = Declined::new();
        let now = Instant::now();
        assert!(!declined.may_have_some());
        declined.add(7, now);
        assert!(declined.has(7, now));
        assert!(!declined.has(8, now));
        assert!(!declined.has(7, now + REMEMBERED));
        assert!(declined.may_have_some());
        advance(REMEMBERED).await;
        assert!(!declined.may_have_some());
    }

    #[test]
    fn a_later_key_takes_the_place_of_an_earlier_one() {
        let mut declined = Declined::new();
        let now = Instant::now();
        declined.add(7, now);
        declined.add(7 + MOST as u64, now);
        assert!(!declined.has(7, now));
        assert!(declined.has(7 + MOST as u64, now));
    }
}
