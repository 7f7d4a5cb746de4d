//! The flights under way, by key. All is short steps under one lock, which only misses take.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use quick_cache::DefaultHashBuilder;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::declined::Declined;
use crate::entry::Entry;

/// The flights under way, and the keys that have none because nothing would come of it.
pub(crate) struct Flights<K, V> {
    under_way: HashMap<K, Flight<V>, DefaultHashBuilder>,
    declined: Declined,
}

/// A flight under way. Most have no followers, and then there is nobody to be told.
struct Flight<V> {
    tell: Option<watch::Sender<Progress<V>>>,
    is_stalled: bool,
}

/// How far a flight is. It has failed if its sender is gone before it is over.
pub(crate) enum Progress<V> {
    UnderWay,
    /// Its leader waits for its own client, who does not read.
    Stalled,
    /// Over, with a result for all.
    Filled(Arc<Entry<V>>),
    /// Over, with nothing for anybody.
    LetGo,
}

impl<K: Eq + Hash, V> Flights<K, V> {
    pub(crate) fn new(hasher: DefaultHashBuilder) -> Self {
        Self {
            under_way: HashMap::with_hasher(hasher),
            declined: Declined::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Follows the flight for this key, if there is one.
    pub(crate) fn follow(&mut self, key: &K) -> Option<watch::Receiver<Progress<V>>> {
        self.under_way.get_mut(key).map(Flight::follow)
    }

    /// Whether there is a flight for this key.
    pub(crate) fn has(&self, key: &K) -> bool {
        self.under_way.contains_key(key)
    }

    /// Lists a flight for this key, which has none, until [`Flights::end`].
    pub(crate) fn start(&mut self, key: K) {
        let flight = Flight {
            tell: None,
            is_stalled: false,
        };
        self.under_way.insert(key, flight);
    }

    /// Its leader waits for its own client, or goes on.
    pub(crate) fn set_stalled(&mut self, key: &K, is_stalled: bool) {
        if let Some(flight) = self.under_way.get_mut(key) {
            flight.set_stalled(is_stalled);
        }
    }

    /// Frees the key. Gives what tells the followers, if there are any.
    pub(crate) fn end(&mut self, key: &K) -> Option<watch::Sender<Progress<V>>> {
        self.under_way.remove(key)?.tell
    }

    /// Whether a result for this key could not be kept a while ago.
    pub(crate) fn is_declined(&self, key: &K) -> bool {
        self.declined.may_have_some() && self.declined.has(self.hash(key), Instant::now())
    }

    pub(crate) fn decline(&mut self, key: &K) {
        self.declined.add(self.hash(key), Instant::now());
    }

    fn hash(&self, key: &K) -> u64 {
        self.under_way.hasher().hash_one(key)
    }
}

impl<V> Flight<V> {
    fn follow(&mut self) -> watch::Receiver<Progress<V>> {
        let progress = if self.is_stalled {
            Progress::Stalled
        } else {
            Progress::UnderWay
        };
        let tell = &mut self.tell;
        tell.get_or_insert_with(|| watch::Sender::new(progress))
            .subscribe()
    }

    fn set_stalled(&mut self, is_stalled: bool) {
        self.is_stalled = is_stalled;
        let Some(tell) = &self.tell else { return };
        tell.send_if_modified(|progress| match progress {
            Progress::UnderWay if is_stalled => {
                *progress = Progress::Stalled;
                true
            }
            Progress::Stalled if !is_stalled => {
                *progress = Progress::UnderWay;
                // Nobody needs to be woken because it goes on.
                false
            }
            _ => false,
        });
    }
}
