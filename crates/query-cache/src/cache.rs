//! The cache: who looks finds an entry, or joins the one that fetches it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::DefaultHashBuilder;
use tokio::time::Instant;

use crate::config::CacheConfig;
use crate::entry::{Entry, Freshness, RefreshPermit};
use crate::flight::{Follower, Leader};
use crate::flights::Flights;
use crate::key::{Key, Sought};
use crate::mutant::Mutant;
use crate::store::{CacheStats, Store};
use crate::weight::Weigh;

/// A cache of results. Cheap to clone; all clones share the entries.
///
/// `C` is the context of a [`Key`], and `V` what is told of a result besides its bytes, which owns
/// no memory.
pub struct QueryCache<C, V> {
    shared: Arc<Shared<C, V>>,
}

/// What a cache has for a key.
#[derive(Debug)]
pub enum Lookup<C, V> {
    /// An entry to be served.
    Hit(Entry<C, V>),
    /// An entry to be served though it is old, and for one who finds it the right to refresh it.
    Stale(Entry<C, V>, Option<RefreshPermit<C, V>>),
    /// Nothing that may be served.
    Miss,
}

/// How somebody takes part in fetching what is missing.
pub enum Joined<C, V> {
    /// Nobody asks for it, or somebody has for so long that it may never end: ask, and tell the
    /// others.
    Lead(Leader<C, V>),
    /// Somebody asks for it: wait.
    Follow(Follower<C, V>),
    /// Somebody has just filled it.
    Filled(Entry<C, V>),
    /// Its results cannot be kept: ask without telling.
    Alone,
}

pub(crate) struct Shared<C, V> {
    pub(crate) store: Store<C, V>,
    /// Locked before a shard of the store, never while one is locked.
    flights: Mutex<Flights<C, V>>,
    pub(crate) mutant: Mutant,
}

impl<C, V> QueryCache<C, V>
where
    C: PartialEq + Weigh,
{
    /// Makes an empty cache.
    pub fn new(config: CacheConfig, mutant: Mutant) -> Self {
        let hasher = DefaultHashBuilder::default();
        Self {
            shared: Arc::new(Shared {
                store: Store::new(config, hasher.clone()),
                flights: Mutex::new(Flights::new(hasher)),
                mutant,
            }),
        }
    }

    /// Looks for an entry that may be served at this time.
    ///
    /// One that may not stays where it is, so that its key is not taken for a new one when it is
    /// filled again; what is not filled again makes room in time.
    pub fn lookup<S>(&self, key: &S, now: Instant) -> Lookup<C, V>
    where
        S: Sought<C> + ?Sized,
    {
        let Some(entry) = self.shared.store.get(key) else {
            return Lookup::Miss;
        };
        match entry.freshness(now) {
            Freshness::Gone => Lookup::Miss,
            Freshness::Fresh => {
                entry.count_hit();
                Lookup::Hit(entry)
            }
            Freshness::Stale => {
                entry.count_hit();
                let permit = RefreshPermit::of(&entry);
                Lookup::Stale(entry, permit)
            }
        }
    }

    /// Takes part in the flight for a key that was missing, as the first or behind the first.
    pub fn join(&self, key: Key<C>) -> Joined<C, V> {
        let mut flights = self.shared.flights();
        if flights.is_declined(key.hash) {
            return Joined::Alone;
        }
        if let Some(following) = flights.follow(key.hash) {
            return Joined::Follow(Follower::new(following, key));
        }
        // One that has landed since the caller looked: it fills before it leaves the list.
        if let Lookup::Hit(entry) = self.lookup(&key, Instant::now()) {
            return Joined::Filled(entry);
        }
        Joined::Lead(self.lead(&mut flights, key, None))
    }

    /// Leads a flight that refreshes a stale entry. None if there is nothing to be done: somebody
    /// asks for it already, or it could not be kept a while ago.
    pub fn refresh(&self, key: Key<C>, permit: RefreshPermit<C, V>) -> Option<Leader<C, V>> {
        let mut flights = self.shared.flights();
        if flights.is_declined(key.hash) || flights.has(key.hash) {
            return None;
        }
        Some(self.lead(&mut flights, key, Some(permit)))
    }

    /// Drops all entries, for their memory. To have nothing served that was read before, move the
    /// versions ([`crate::Versions::move_now`]), which flights under way obey as well.
    pub fn clear(&self) {
        self.shared.store.clear();
    }

    /// Most that an entry may take, in bytes: [`CacheConfig::entry_bytes`], or what there is room
    /// for.
    pub fn largest_entry(&self) -> usize {
        self.shared.store.largest()
    }

    /// How the cache stands now.
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            flights: self.shared.flights().len(),
            ..self.shared.store.stats()
        }
    }

    fn lead(
        &self,
        flights: &mut Flights<C, V>,
        key: Key<C>,
        permit: Option<RefreshPermit<C, V>>,
    ) -> Leader<C, V> {
        let id = flights.start(key.hash);
        Leader::new(Arc::clone(&self.shared), (key, id), permit)
    }
}

impl<C, V> Shared<C, V> {
    pub(crate) fn flights(&self) -> MutexGuard<'_, Flights<C, V>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C, V> Clone for QueryCache<C, V> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C, V> fmt::Debug for QueryCache<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryCache").finish_non_exhaustive()
    }
}

impl<C, V> fmt::Debug for Joined<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lead(_) => "Lead",
            Self::Follow(_) => "Follow",
            Self::Filled(_) => "Filled",
            Self::Alone => "Alone",
        })
    }
}
