//! Keeps each state once, however many sessions and connections are in it.
//!
//! Most sessions of a hyperdrive are in the same few states. Shared, they cost an idle session
//! nothing, and whether a connection is in a session's state is seen by one comparison of pointers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::state::SessionState;

/// Those that nobody is in any more are dropped when there are twice as many as were left the last
/// time, and at least so many.
const FIRST_SWEEP: usize = 64;

/// The states of a hyperdrive's sessions and connections.
#[derive(Debug, Default)]
pub(crate) struct States {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By stamp. Of two states with one stamp only the later one is shared.
    known: HashMap<u64, Weak<SessionState>>,
    /// Those that were in use at the last sweep.
    swept: usize,
}

impl States {
    /// This state, as whoever else is in it has it. Two that are equal may still be two, so this is
    /// no more than a shortcut for [`SessionState::is_same`].
    pub(crate) fn share(&self, state: SessionState) -> Arc<SessionState> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let known = inner.known.get(&state.stamp()).and_then(Weak::upgrade);
        if let Some(known) = known.filter(|known| **known == state) {
            return known;
        }
        inner.sweep();
        let state = Arc::new(state);
        inner.known.insert(state.stamp(), Arc::downgrade(&state));
        state
    }
}

impl Inner {
    fn sweep(&mut self) {
        if self.known.len() < FIRST_SWEEP.max(2 * self.swept) {
            return;
        }
        self.known.retain(|_, state| state.strong_count() > 0);
        self.swept = self.known.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(database: &str) -> SessionState {
        SessionState::new(Some(database.to_owned()), 45)
    }

    #[test]
    fn equal_states_are_one() {
        let states = States::default();
        let (one, other) = (states.share(state("a")), states.share(state("b")));
        assert!(Arc::ptr_eq(&one, &states.share(state("a"))));
        assert!(!one.is_same(&other));
    }

    #[test]
    fn what_nobody_is_in_is_dropped() {
        let states = States::default();
        let kept = states.share(state("kept"));
        for number in 0..10 * FIRST_SWEEP {
            states.share(state(&number.to_string()));
        }
        assert!(states.inner.lock().unwrap().known.len() <= FIRST_SWEEP);
        assert!(Arc::ptr_eq(&kept, &states.share(state("kept"))));
    }
}
