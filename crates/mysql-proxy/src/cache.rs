//! The query cache of one hyperdrive: results of reads, kept until a write may have changed them.
//!
//! ```text
//!   a read    look up ── hit ──► the bytes, as they were sent before
//!               │ miss
//!               ├── not to be kept: to the origin, with the reason in the figures
//!               ├── somebody asks for the same already: wait for that
//!               └── note versions ► to the origin ► fill, if the versions are the same still
//!   a write   count as committing ► to the origin ► versions move ► its outcome to the client
//! ```
//!
//! The promise: a read never shows a state older than any write that was acknowledged, or any read
//! that was completed, before it began, through the same edge. How versions keep it is told in
//! `query-cache`; which tables a statement means, in `catalog.rs`; how a session plays its part, in
//! `session/cached.rs` (reads) and `session/commits.rs` (writes).

mod bypass;
mod catalog;
mod figures;
mod follow;
mod kept;
mod key;
mod loose;
mod metrics;
mod outlast;
mod plan;
mod readings;
mod refresh;

use std::sync::Arc;
use std::time::Duration;

use domain::{CachePolicy, Hyperdrive, TableName};
use mysql_sql::{Hints, TableRef, Touched};
use query_cache::{CacheConfig, Generation, Lifetime, QueryCache, Versions, Writes};

pub(crate) use bypass::Bypass;
pub(crate) use catalog::{Changes, Current};
pub(crate) use figures::{Figures, Outcome};
pub(crate) use kept::{Entry, Kept};
pub(crate) use key::{Context, Hashed, Key, KeyParts, Pieces, hash_of_text};
pub(crate) use loose::InFlight;
pub(crate) use metrics::Metrics;
pub(crate) use plan::{LastPlan, Plan};
pub(crate) use readings::Reading;
pub(crate) use refresh::Refresher;

use crate::hyperdrives::Hyperdrives;
use crate::mutant::{Fault, Mutant};
use crate::origin::OriginConnector;
use catalog::Known;
use figures::AllFigures;
use follow::Heard;
use loose::LooseEnds;
use readings::Readings;

/// The query cache of one hyperdrive.
#[derive(Debug)]
pub(crate) struct ResultCache {
    pub(crate) store: QueryCache<Context, Kept>,
    pub(crate) versions: Versions,
    pub(crate) figures: AllFigures,
    pub(crate) readings: Readings,
    pub(crate) loose: LooseEnds,
    known: Known,
    heard: Heard,
    /// Another hyperdrive reads the same origin as another user, who may be shown more of what
    /// hangs on a table: a write is one of everything.
    sees_too_little: bool,
    policy: CachePolicy,
}

impl ResultCache {
    /// The cache of a hyperdrive with this policy. Where that wants none, it keeps nothing, and
    /// notes writes for the others of the same origin, with whom it shares the versions.
    pub(crate) fn new(
        policy: &CachePolicy,
        versions: Versions,
        sees_too_little: bool,
        mutant: Mutant,
    ) -> Self {
        let config = CacheConfig {
            bytes: policy.max_bytes,
            entry_bytes: policy.max_entry_bytes,
        };
        Self {
            store: QueryCache::new(config, mutant.of_cache()),
            figures: AllFigures::default(),
            readings: Readings::default(),
            loose: LooseEnds::new(mutant.has(Fault::Wait)),
            known: Known::new(versions.clone()),
            heard: Heard::default(),
            sees_too_little,
            policy: policy.clone(),
            versions,
        }
    }

    /// What a statement in this database (in lower case) changes, and the generation by whose
    /// catalog that is told.
    pub(crate) fn changes(
        &self,
        touched: &Touched,
        database: Option<&str>,
    ) -> (Changes, Generation) {
        let (catalog, generation) = self.catalog();
        let changes = match catalog.known().filter(|_| !self.sees_too_little) {
            Some(catalog) => catalog.changes(touched, database),
            None => Changes::of(touched),
        };
        (changes, generation)
    }

    /// What a change of rows of a table changes, that somebody has made, and is named with its
    /// database.
    fn changes_with(&self, table: TableRef) -> Writes {
        let (catalog, _) = self.catalog();
        match catalog.known().filter(|catalog| !catalog.knows(&table)) {
            // Of one that the origin's user is not shown nothing is kept, but it may be a parent.
            Some(catalog) => catalog.strays(),
            None => self.changes(&Touched::Tables(vec![table]), None).0.writes,
        }
    }

    /// False where it only notes writes.
    pub(crate) fn keeps(&self) -> bool {
        self.policy.enabled
    }

    /// Keeps it up with the origin. Dropping the future ends that.
    pub(crate) async fn watch(
        &self,
        connector: &OriginConnector,
        of: (&Hyperdrives, &Arc<Hyperdrive>),
    ) {
        tokio::join!(
            self.loose.outlive_earlier(connector),
            self.known.watch(connector, &self.policy.rules, of),
            follow::follow(self, connector),
            self.loose.follow_up(connector, || self.forget_catalog()),
        );
    }

    /// The origin's tables, if they are known, and the generation of what is found by them.
    pub(crate) fn catalog(&self) -> (Current, Generation) {
        self.known.current()
    }

    /// True while the origin's binary log is followed.
    pub(crate) fn is_following(&self) -> bool {
        self.heard.is_following()
    }

    /// The origin's tables may be others from now on.
    pub(crate) fn forget_catalog(&self) {
        self.known.forget();
    }

    /// The largest result that is kept.
    pub(crate) fn max_entry_bytes(&self) -> usize {
        self.policy.max_entry_bytes
    }

    /// How long a result is good, as the statement and the tables want it: where a rule says
    /// something of a table, a hint can only ask for less. `None`: not at all.
    pub(crate) fn lifetime(&self, hints: Hints, rule: Option<Duration>) -> Option<Lifetime> {
        let of_tables = rule.unwrap_or(self.policy.max_age);
        let max_age = hints.max_age.unwrap_or(of_tables);
        let swr = self.policy.stale_while_revalidate;
        // Who wants nothing of before the question, wants it neither while another is fetched.
        let is_none = hints.max_age == Some(Duration::ZERO);
        let swr_usual = if is_none { Duration::ZERO } else { swr };
        let swr_wanted = hints.swr.unwrap_or(swr_usual);
        let (max_age, swr) = match rule {
            Some(of_rule) => (max_age.min(of_rule), swr_wanted.min(swr)),
            None => (max_age, swr_wanted),
        };
        let lifetime = Lifetime {
            max_age: max_age.min(CachePolicy::MAX_AGE),
            stale_while_revalidate: swr.min(CachePolicy::MAX_AGE),
        };
        let whole = lifetime.max_age + lifetime.stale_while_revalidate;
        (whole > Duration::ZERO).then_some(lifetime)
    }

    /// Drops everything.
    pub(crate) fn purge(&self) {
        self.versions.move_now(&Writes::Everything);
        self.store.clear();
    }

    /// Drops what was read from these tables. False: there is none of one of these names, as far as
    /// is known.
    pub(crate) fn purge_tables(&self, names: &[TableName]) -> bool {
        let (catalog, _) = self.catalog();
        let Some(catalog) = catalog.known() else {
            // Nothing is kept that could be dropped, or may be soon.
            self.purge();
            return true;
        };
        let mut are_known = true;
        for TableName { database, table } in names {
            let database = database.as_ref().map(|name| name.to_ascii_lowercase());
            match catalog.named(database.as_deref(), &table.to_ascii_lowercase()) {
                Some(writes) => self.versions.move_now(&writes),
                None => are_known = false,
            }
        }
        are_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_may_want_nothing_that_is_kept() {
        let (policy, mutant) = (CachePolicy::default(), Mutant::default());
        let versions = Versions::new(mutant.of_cache());
        let cache = ResultCache::new(&policy, versions, false, mutant);
        let hints = |swr| Hints {
            max_age: Some(Duration::ZERO),
            swr,
            ..Hints::default()
        };
        assert!(cache.lifetime(hints(None), None).is_none());
        let swr = Duration::from_secs(5);
        let lifetime = cache.lifetime(hints(Some(swr)), None).unwrap();
        assert_eq!(lifetime.stale_while_revalidate, swr);
    }

    #[test]
    fn a_hint_asks_for_less_than_a_rule_allows_or_for_more_than_is_usual() {
        let seconds = Duration::from_secs;
        let policy = CachePolicy {
            max_age: seconds(60),
            stale_while_revalidate: seconds(15),
            ..CachePolicy::default()
        };
        let mutant = Mutant::default();
        let versions = Versions::new(mutant.of_cache());
        let cache = ResultCache::new(&policy, versions, false, mutant);
        for (rule, hint, good) in [
            (None, None, (60, 15)),
            (None, Some(3600), (3600, 3600)),
            (None, Some(1), (1, 1)),
            (Some(5), None, (5, 15)),
            (Some(5), Some(3600), (5, 15)),
            (Some(5), Some(2), (2, 2)),
            (Some(600), None, (600, 15)),
        ] {
            let hints = Hints {
                max_age: hint.map(seconds),
                swr: hint.map(seconds),
                ..Hints::default()
            };
            let lifetime = cache.lifetime(hints, rule.map(seconds)).unwrap();
            let told = (lifetime.max_age, lifetime.stale_while_revalidate);
            assert_eq!(
                told,
                (seconds(good.0), seconds(good.1)),
                "{rule:?} {hint:?}"
            );
        }
    }
}
