//! A count that all threads add to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Places to count in: a thread has one, and shares it with few.
const STRIPES: usize = 4;

/// A count that is added to for each command, by any thread, and read now and then. One word for
/// all would wander from core to core, and each would wait for it.
#[derive(Debug, Default)]
pub(crate) struct Striped([Stripe; STRIPES]);

/// A line of the processor's cache for itself.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Stripe(AtomicU64);

thread_local! {
    /// Where this thread counts.
    static STRIPE: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES
    };
}

impl Striped {
    /// Counts one more.
    pub(crate) fn inc(&self) {
        let stripe = STRIPE.with(|stripe| self.0.get(*stripe));
        if let Some(Stripe(count)) = stripe {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All that was counted so far.
    pub(crate) fn sum(&self) -> u64 {
        let counts = self.0.iter().map(|Stripe(count)| count);
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn counts_what_all_threads_add() {
        let count = Striped::default();
        thread::scope(|scope| {
            for _ in 0..2 * STRIPES {
                scope.spawn(|| (0..1_000).for_each(|_| count.inc()));
            }
        });
        assert_eq!(count.sum(), 2 * STRIPES as u64 * 1_000);
    }
}
