//! What a cache promises, most of it under a paused clock.

use std::time::Duration;

use crate::{
    CacheConfig, Joined, Leader, Lifetime, Lookup, Mutant, Noted, QueryCache, Table, Versions,
    Weigh, Writes,
};

mod flights;
mod linearizability;
mod serving;
mod versions;

/// A key of a test, and a result: text, or so many bytes of it.
type Text = String;

impl Weigh for Text {
    fn bytes(&self) -> usize {
        self.capacity()
    }
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
    cache: QueryCache<Text, Text>,
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
    fn lead(&self, key: &str) -> Leader<Text, Text> {
        match self.cache.join(key.to_owned()) {
            Joined::Lead(leader) => leader,
            other => panic!("{other:?} instead of the lead for '{key}'"),
        }
    }

    /// Leads a flight that has noted the table.
    fn lead_noted(&self, key: &str) -> Leader<Text, Text> {
        let mut leader = self.lead(key);
        assert!(leader.note(self.note()));
        leader
    }

    /// Fetches and keeps a result.
    fn fill(&self, key: &str, value: &str) {
        let leader = self.lead_noted(key);
        leader
            .fill(value.to_owned(), LIFETIME)
            .expect("nothing is written");
    }

    /// What is served as fresh.
    fn hit(&self, key: &str) -> Option<Text> {
        match self.cache.lookup(key) {
            Lookup::Hit(entry) => Some(entry.value().clone()),
            Lookup::Stale(..) | Lookup::Miss => None,
        }
    }
}
