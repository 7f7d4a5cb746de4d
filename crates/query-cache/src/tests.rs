//! What a cache promises, most of it under a paused clock.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

use crate::{
    CacheConfig, Entry, Joined, Leader, Lifetime, Lookup, Mutant, NotFilled, Noted, QueryCache,
    Table, Versions, Weigh, Writes,
};

mod flights;
mod linearizability;
mod serving;
mod versions;

/// A key of a test is told apart by its bytes alone, and nothing but its bytes is told of a result.
type Key = crate::Key<()>;

impl Weigh for () {
    fn bytes(&self) -> usize {
        0
    }
}

/// The key of these bytes.
fn key(text: &str) -> Key {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Key::new((), text.into(), hasher.finish())
}

/// All of the result has come, and is kept.
fn fill(mut leader: Leader<(), ()>, result: &str) -> Result<Entry<(), ()>, NotFilled> {
    leader.push(result.as_bytes());
    leader.fill((), LIFETIME)
}

const CONFIG: CacheConfig = CacheConfig {
    bytes: 1 << 20,
    entry_bytes: 64 << 10,
};

const LIFETIME: Lifetime = Lifetime {
    max_age: Duration::from_secs(60),
    stale_while_revalidate: Duration::from_secs(15),
};

/// A cache, and an origin with one table.
struct Rig {
    cache: QueryCache<(), ()>,
    versions: Versions,
    table: Table,
}

impl Rig {
    fn new() -> Self {
        Self::with(CONFIG)
    }

    fn with(config: CacheConfig) -> Self {
        let versions = Versions::new(Mutant::default());
        Self {
            cache: QueryCache::new(config, Mutant::default()),
            table: versions.table("t"),
            versions,
        }
    }

    fn writes(&self) -> Writes {
        Writes::Tables(vec![self.table.clone()])
    }

    /// A write to the table, from its beginning to its end.
    fn write(&self) {
        let generation = self.versions.generation();
        self.versions.begin(self.writes(), generation).end();
    }

    fn note(&self) -> Option<Noted> {
        let on = self.versions.dependencies([self.table.clone()]);
        self.versions.note(&on, self.versions.generation())
    }

    /// Leads a flight that nobody else leads.
    fn lead(&self, text: &str) -> Leader<(), ()> {
        match self.cache.join(key(text)) {
            Joined::Lead(leader) => leader,
            other => panic!("{other:?} instead of the lead for '{text}'"),
        }
    }

    /// Leads a flight that has noted the table.
    fn lead_noted(&self, key: &str) -> Leader<(), ()> {
        let mut leader = self.lead(key);
        assert!(leader.note(self.note()));
        leader
    }

    /// Fetches and keeps a result.
    fn fill(&self, key: &str, result: &str) {
        fill(self.lead_noted(key), result).expect("nothing is written");
    }

    /// What is served as fresh.
    fn hit(&self, text: &str) -> Option<String> {
        match self.cache.lookup(&key(text), Instant::now()) {
            Lookup::Hit(entry) => String::from_utf8(entry.bytes().to_vec()).ok(),
            Lookup::Stale(..) | Lookup::Miss => None,
        }
    }
}
