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
    under_way: HashMap<K, watch::Receiver<Progress<V>>, DefaultHashBuilder>,
    declined: Declined,
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

    /// The flight for this key, if there is one.
    pub(crate) fn find(&self, key: &K) -> Option<watch::Receiver<Progress<V>>> {
        self.under_way.get(key).cloned()
    }

    /// Lists a flight for this key, which has none, until [`Flights::end`].
    pub(crate) fn start(&mut self, key: K) -> watch::Sender<Progress<V>> {
        let (tell, told) = watch::channel(Progress::UnderWay);
        self.under_way.insert(key, told);
        tell
    }

    pub(crate) fn end(&mut self, key: &K) {
        self.under_way.remove(key);
    }

    /// Whether a result for this key could not be kept a while ago.
    pub(crate) fn is_declined(&self, key: &K, now: Instant) -> bool {
        self.declined.has(self.hash(key), now)
    }

    pub(crate) fn decline(&mut self, key: &K, now: Instant) {
        self.declined.add(self.hash(key), now);
    }

    fn hash(&self, key: &K) -> u64 {
        self.under_way.hasher().hash_one(key)
    }
}
