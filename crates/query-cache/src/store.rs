//! Entries by key, within a budget. What is used least makes room, and a scan does not drive out
//! what is used often (Clock-PRO with ghosts, near to S3-FIFO; the crate `quick_cache`).

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, OptionsBuilder, Weighter};

use crate::config::CacheConfig;
use crate::entry::Entry;
use crate::error::NotFilled;
use crate::key::Sought;
use crate::weight::{self, Weigh};

/// How a cache stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStats {
    /// Entries, also those that will not be served any more.
    pub entries: usize,
    /// Memory that they take, in bytes.
    pub bytes: u64,
    /// Entries that made room for others so far.
    pub evictions: u64,
    /// Flights under way.
    pub flights: usize,
}

/// Entries by key.
pub(crate) struct Store<C, V> {
    entries: Cache<Indexed<C, V>, Weighed<C, V>, ByWeight, DefaultHashBuilder, Evictions>,
    evictions: Evictions,
    /// Most that an entry may take, in bytes.
    largest: usize,
}

/// An entry and what it takes. The weight is kept, because the index must find it unchanged.
pub(crate) struct Weighed<C, V> {
    pub(crate) entry: Entry<C, V>,
    bytes: u64,
}

/// A key as the index has it: the entry's own. The hash is beside it, so that the index need not
/// look into an entry that is another one's.
pub(crate) struct Indexed<C, V> {
    hash: u64,
    entry: Entry<C, V>,
}

/// What is looked for in the index, and its hash.
struct InIndex<'a, S: ?Sized> {
    hash: u64,
    key: &'a S,
}

#[derive(Clone)]
struct ByWeight;

/// Counts what makes room.
#[derive(Clone, Default)]
struct Evictions(Arc<AtomicU64>);

/// Entries that made room for one, which mostly takes one.
pub(crate) struct MadeRoom<C, V> {
    one: Option<(Indexed<C, V>, Weighed<C, V>)>,
    others: Vec<(Indexed<C, V>, Weighed<C, V>)>,
}

/// How the budget is split.
struct Split {
    capacity: usize,
    shards: usize,
    /// What the capacity is thought to hold, for the number of ghosts.
    entries: usize,
}

/// Most shards. A hit holds one for some 50 ns, so they suffice for more cores than there are.
const MOST_SHARDS: usize = 64;

/// Entries of the largest size that a shard has room for. One of them drives out an eighth of a
/// shard at most, if there is more than one shard.
const LARGEST_PER_SHARD: usize = 8;

/// What an entry is thought to take. It decides only how many ghosts there are.
const TYPICAL_ENTRY: usize = 1024;

/// Ghosts per typical entry: keys that were driven out and are let in for longer when they come
/// again. One takes a slot for each 2 KiB of the budget, 3 % of it, which is set aside.
const GHOSTS: f64 = 0.5;

/// The part of a shard for what was used twice; the rest is where the others prove themselves. The
/// library's own choice. An entry that is larger than this part would be refused.
const HOT: f64 = 0.97;

impl<C, V> Store<C, V>
where
    C: PartialEq + Weigh,
{
    pub(crate) fn new(config: CacheConfig, hasher: DefaultHashBuilder) -> Self {
        let split = Split::of::<C, V>(config);
        let options = OptionsBuilder::new()
            .weight_capacity(split.capacity as u64)
            .estimated_items_capacity(split.entries)
            .shards(split.shards)
            .hot_allocation(HOT)
            .ghost_allocation(GHOSTS)
            .build()
            .expect("all options are set");
        let evictions = Evictions::default();
        Self {
            entries: Cache::with_options(options, ByWeight, hasher, evictions.clone()),
            evictions,
            largest: split.largest(config),
        }
    }

    /// The entry of this key, which counts as used.
    pub(crate) fn get<S>(&self, key: &S) -> Option<Entry<C, V>>
    where
        S: Sought<C> + ?Sized,
    {
        let sought = InIndex {
            hash: key.hash(),
            key,
        };
        let found = self.entries.get(&sought);
        found.map(|weighed| weighed.entry)
    }

    /// The entry that is kept under the key of this one, which has this hash; it counts as used.
    pub(crate) fn of_same_key(&self, hash: u64, entry: &Entry<C, V>) -> Option<Entry<C, V>> {
        let found = self.entries.get(&Indexed {
            hash,
            entry: entry.clone(),
        });
        found.map(|weighed| weighed.entry)
    }

    /// What an entry takes that has so many bytes, those of its key included.
    pub(crate) fn weigh(&self, context: &C, noted: usize, bytes: usize) -> Result<u64, NotFilled> {
        let bytes = weight::of_entry::<C, V>(context, noted, bytes);
        if bytes > self.largest {
            return Err(NotFilled::TooLarge {
                bytes,
                limit: self.largest,
            });
        }
        Ok(bytes as u64)
    }

    /// Keeps an entry whose key has this hash, in the place of the one with the same key. What
    /// makes room is to be dropped when nothing is locked any more.
    pub(crate) fn insert(&self, hash: u64, weighed: Weighed<C, V>, room: &mut MadeRoom<C, V>) {
        let indexed = Indexed {
            hash,
            entry: weighed.entry.clone(),
        };
        self.entries.insert_with_lifecycle(indexed, weighed, room);
    }

    pub(crate) fn clear(&self) {
        self.entries.clear();
    }

    /// Most that an entry may take, in bytes.
    pub(crate) fn largest(&self) -> usize {
        self.largest
    }

    /// How it stands; of flights it knows nothing.
    pub(crate) fn stats(&self) -> CacheStats {
        CacheStats {
            entries: self.entries.len(),
            bytes: self.entries.weight(),
            evictions: self.evictions.0.load(Ordering::Relaxed),
            flights: 0,
        }
    }
}

impl<C, V> Default for MadeRoom<C, V> {
    fn default() -> Self {
        Self {
            one: None,
            others: Vec::new(),
        }
    }
}

impl<C, V> Weighed<C, V> {
    pub(crate) fn new(entry: Entry<C, V>, bytes: u64) -> Self {
        Self { entry, bytes }
    }
}

impl<C, V> Clone for Weighed<C, V> {
    fn clone(&self) -> Self {
        Self {
            entry: self.entry.clone(),
            bytes: self.bytes,
        }
    }
}

impl<C, V> Hash for Indexed<C, V> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

impl<C: PartialEq, V> PartialEq for Indexed<C, V> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.entry.key_bytes() == other.entry.key_bytes()
            && self.entry.context() == other.entry.context()
    }
}

impl<C: PartialEq, V> Eq for Indexed<C, V> {}

impl<S: ?Sized> Hash for InIndex<'_, S> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}

impl<C, V, S> Equivalent<Indexed<C, V>> for InIndex<'_, S>
where
    S: Sought<C> + ?Sized,
{
    fn equivalent(&self, indexed: &Indexed<C, V>) -> bool {
        let Indexed { hash, entry } = indexed;
        self.hash == *hash && self.key.is(entry.context(), entry.key_bytes())
    }
}

impl<C, V> Weighter<Indexed<C, V>, Weighed<C, V>> for ByWeight {
    fn weight(&self, _key: &Indexed<C, V>, weighed: &Weighed<C, V>) -> u64 {
        weighed.bytes
    }
}

impl<C, V> Lifecycle<Indexed<C, V>, Weighed<C, V>> for Evictions {
    /// What made room, to be dropped when the shard's lock is free again.
    type RequestState = MadeRoom<C, V>;

    /// Called for what makes room; `on_evict` is called for what is replaced as well.
    fn before_evict(&self, _: &mut Self::RequestState, _: &Indexed<C, V>, _: &mut Weighed<C, V>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn on_evict(
        &self,
        evicted: &mut Self::RequestState,
        key: Indexed<C, V>,
        weighed: Weighed<C, V>,
    ) {
        match evicted.one {
            None => evicted.one = Some((key, weighed)),
            Some(_) => evicted.others.push((key, weighed)),
        }
    }
}

impl Split {
    /// Splits the budget into as many shards as have room for the largest entries.
    fn of<C, V>(config: CacheConfig) -> Self {
        let entries = config.bytes / TYPICAL_ENTRY;
        let ghosts = entries / 2 * weight::of_slot::<C, V>();
        let capacity = config.bytes.saturating_sub(ghosts);
        let roomy = config.entry_bytes.saturating_mul(LARGEST_PER_SHARD).max(1);
        let shards = (capacity / roomy).clamp(1, MOST_SHARDS);
        Self {
            capacity,
            // The index would round up.
            shards: 1 << shards.ilog2(),
            entries,
        }
    }

    /// Most that an entry may take, in bytes.
    fn largest(&self, config: CacheConfig) -> usize {
        let room = self.capacity / self.shards / 10 * 9;
        config.entry_bytes.min(room)
    }
}
