//! Random choices from a seed: the same seed makes the same choices on every machine.

/// The increment of `SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A source of choices.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A source of its own for one of many: what one draws does not change what another draws.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let mut source = Self(seed ^ number.wrapping_mul(STEP).rotate_left(17));
        source.next();
        Self(source.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Less than `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or_default()
    }

    /// From `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True so many times in a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several, which are not none.
    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// One of several by their weights.
    pub(crate) fn weighted<'a, T>(&mut self, among: &'a [(usize, T)]) -> &'a T {
        let mut rest = self.below(among.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in among {
            if rest < *weight {
                return value;
            }
            rest -= weight;
        }
        &among[0].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_choices() {
        let draw = |seed| {
            let mut random = Random::of(seed, 7);
            (0..20).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(1);
        let often = (0..1000).filter(|_| *random.weighted(&[(9, true), (1, false)]));
        let count = often.count();
        assert!((850..950).contains(&count), "{count}");
    }
}
