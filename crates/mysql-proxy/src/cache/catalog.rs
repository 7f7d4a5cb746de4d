//! What an origin's tables are: which tables a name reads and writes, with all that no statement
//! names.
//!
//! ```text
//!   a view     reads what its text reads, and so on down to tables
//!   a table    writes itself; what a foreign key cascades to; what its triggers mention
//!   a call     of a procedure writes what its body mentions, and those of what that calls
//! ```
//!
//! It is asked for as a whole when the edge meets the origin, after whatever may have changed it,
//! and every minute, since others may change it too (`ask.rs`). While it is not known nothing is
//! kept, and each write counts as one of everything.

mod ask;
mod bodies;
mod build;
mod programs;
mod shown;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use domain::{Keep, TableRule};
use mysql_sql::{TableRef, Touched};
use query_cache::{DefaultHashBuilder, Dependencies, Generation, Versions, Writes};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::Bypass;
use crate::origin::OriginConnector;
use bodies::Bodies;
use build::build;

/// How long a change that somebody else has made of it may stay unknown.
const INTERVAL: Duration = Duration::from_secs(60);

/// Least time between two questions: definitions come in crowds.
const PAUSE: Duration = Duration::from_millis(200);

/// The same, in multiples of what the last one took, and at most: a large catalog is asked for less
/// often.
const SHARE: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// By name. Each read that is not kept asks; names come from the origin, and from nobody who could
/// look for those with one hash.
type Names<V> = HashMap<Box<str>, V, DefaultHashBuilder>;

/// The tables and views of an origin.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Catalog {
    /// By database, then by name, both in lower case. (Where a server tells `A` from `a`, they
    /// share an entry, which is both.)
    databases: Names<Names<Relation>>,
    /// What calls of procedures may change; likewise.
    procedures: Names<Names<Writes>>,
    /// A view may call a stored function, as far as its text tells.
    views_may_write: bool,
    /// What may change along with tables that are not known, and so with each write.
    strays: Writes,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq)]
struct Relation {
    /// What depends on it that is read from it. The error: why that cannot be kept.
    reads: Result<Dependencies, Bypass>,
    /// The tables that writing to it may change.
    writes: Writes,
    /// A rollback takes back what was written to it.
    is_transactional: bool,
    /// What the configuration says of it, and of what it reads.
    keep: Option<Keep>,
}

/// What a read depends on.
#[derive(Debug)]
pub(crate) struct Reads {
    pub(crate) on: Dependencies,
    /// The shortest age that a rule gives for one of them.
    pub(crate) max_age: Option<Duration>,
}

/// What a write changes.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) writes: Writes,
    /// None of it is seen by others before it is committed.
    pub(crate) is_transactional: bool,
}

impl Catalog {
    fn relation(&self, table: &TableRef, database: Option<&str>) -> Option<&Relation> {
        let database = table.database.as_deref().or(database)?;
        self.databases.get(database)?.get(table.name.as_str())
    }

    /// True unless no view calls a stored function, which could write.
    pub(crate) fn views_may_write(&self) -> bool {
        self.views_may_write
    }

    /// True when there is a table or view of this name, with its database.
    pub(crate) fn knows(&self, table: &TableRef) -> bool {
        self.relation(table, None).is_some()
    }

    /// What may change along with a table that is not known.
    pub(crate) fn strays(&self) -> Writes {
        self.strays.clone()
    }

    /// What reading these tables depends on, for a session in this database (in lower case).
    pub(crate) fn reads(
        &self,
        tables: &[TableRef],
        database: Option<&str>,
    ) -> Result<Reads, Bypass> {
        let (mut all, mut max_age): (Option<Dependencies>, _) = (None, None);
        for table in tables {
            let Some(relation) = self.relation(table, database) else {
                // There is no table of this name, so it is the query.
                if table.may_be_query {
                    continue;
                }
                return Err(Bypass::UnknownTable);
            };
            let own = relation.reads.as_ref().map_err(|bypass| *bypass)?;
            all = Some(match all {
                None => own.clone(),
                Some(others) => others.and(own),
            });
            match relation.keep {
                Some(Keep::Never) => return Err(Bypass::Rule),
                Some(Keep::For(age)) => {
                    max_age = Some(max_age.map_or(age, |other: Duration| other.min(age)));
                }
                None => {}
            }
        }
        let on = all.filter(|all| !all.tables().is_empty());
        let on = on.ok_or(Bypass::NoTable)?;
        Ok(Reads { on, max_age })
    }

    /// What writing to these tables changes, or calling a procedure; likewise.
    pub(crate) fn changes(&self, touched: &Touched, database: Option<&str>) -> Changes {
        let tables = match touched {
            Touched::Tables(tables) => tables,
            Touched::Procedure(name) => return self.changes_by_call(name, database),
            Touched::Nothing | Touched::Everything => return Changes::of(touched),
        };
        let mut changes = Changes::of(&Touched::Nothing);
        for table in tables {
            let Some(relation) = self.relation(table, database) else {
                return Changes::everything();
            };
            changes.writes.add(relation.writes.clone());
            changes.is_transactional &= relation.is_transactional;
        }
        changes.writes.add(self.strays.clone());
        changes
    }

    fn changes_by_call(&self, name: &TableRef, database: Option<&str>) -> Changes {
        let writes = (name.database.as_deref().or(database))
            .and_then(|database| self.procedures.get(database)?.get(name.name.as_str()));
        let mut writes = writes.cloned().unwrap_or(Writes::Everything);
        if !writes.is_nothing() {
            writes.add(self.strays.clone());
        }
        Changes {
            writes,
            is_transactional: false,
        }
    }

    /// What may have been changed by who has written to a name, in any database if it names none:
    /// for a purge. `None`: there is nothing of that name.
    pub(crate) fn named(&self, database: Option<&str>, name: &str) -> Option<Writes> {
        let databases = self.databases.iter();
        let relations = databases
            .filter(|(known, _)| database.is_none_or(|database| database == known.as_ref()))
            .filter_map(|(_, relations)| relations.get(name));
        let mut all = None;
        for relation in relations {
            let all = all.get_or_insert_with(|| self.strays());
            all.add(relation.writes.clone());
            if let Ok(on) = &relation.reads {
                all.add(Writes::Tables(on.tables().to_vec()));
            }
        }
        all
    }
}

impl Changes {
    /// For a catalog that is not known.
    pub(crate) fn of(touched: &Touched) -> Self {
        match touched {
            Touched::Nothing => Self {
                writes: Writes::Nothing,
                is_transactional: true,
            },
            _ => Self::everything(),
        }
    }

    fn everything() -> Self {
        Self {
            writes: Writes::Everything,
            is_transactional: false,
        }
    }
}

/// The catalog of one origin, as it is known at the moment.
#[derive(Debug)]
pub(crate) struct Known {
    /// Each read that is not kept looks at it, on all cores.
    current: ArcSwapOption<Asked>,
    /// Held while it is put in the place of another.
    changing: Mutex<()>,
    wake: Notify,
    versions: Versions,
}

/// A catalog, and the generation in which it was asked for.
#[derive(Debug)]
struct Asked {
    catalog: Catalog,
    generation: Generation,
}

/// The catalog at one moment. Not for long: see [`arc_swap::Guard`].
#[derive(Debug)]
pub(crate) struct Current(Guard<Option<Arc<Asked>>>);

impl Known {
    pub(crate) fn new(versions: Versions) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            changing: Mutex::default(),
            wake: Notify::new(),
            versions,
        }
    }

    /// The catalog, if it is known, with the generation of whatever is found by it.
    pub(crate) fn current(&self) -> (Current, Generation) {
        let current = self.current.load();
        // Read after it: what was found by one of before is not trusted.
        let generation = self.versions.generation();
        match &*current {
            None => (Current(current), generation),
            Some(asked) if asked.generation == generation => (Current(current), generation),
            // A hyperdrive of the same origin has changed it.
            Some(_) => {
                self.wake.notify_one();
                (Current(Guard::from_inner(None)), generation)
            }
        }
    }

    /// It may be another one from now on.
    pub(crate) fn forget(&self) {
        let _changing = self.changing();
        self.current.store(None);
        self.versions.new_generation();
        self.wake.notify_one();
    }

    /// Notes the answer to a question that was asked in this generation. What has changed since, it
    /// does not tell.
    fn answered(&self, catalog: Catalog, asked_in: Generation) {
        let _changing = self.changing();
        if self.versions.generation() != asked_in {
            self.wake.notify_one();
            return;
        }
        let known = self.current.load_full();
        let known = known.filter(|known| known.generation == asked_in);
        let generation = match known {
            Some(known) if known.catalog == catalog => return,
            // Somebody else has changed it.
            Some(_) => {
                self.current.store(None);
                match self.versions.next_generation(asked_in) {
                    Some(generation) => generation,
                    None => return self.wake.notify_one(),
                }
            }
            None => asked_in,
        };
        self.current.store(Some(Arc::new(Asked {
            catalog,
            generation,
        })));
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps it known. Dropping the future ends that.
    pub(crate) async fn watch(&self, connector: &OriginConnector, rules: &[TableRule]) {
        let mut is_failing = false;
        let mut bodies = Bodies::default();
        loop {
            let (asked_in, began) = (self.versions.generation(), Instant::now());
            match ask::ask(connector, &mut bodies).await {
                Ok(found) => {
                    self.answered(build(&found, &self.versions, rules), asked_in);
                    if std::mem::take(&mut is_failing) {
                        info!("An origin tells its tables again, so that results are kept");
                    }
                }
                Err(reason) => {
                    if !std::mem::replace(&mut is_failing, true) {
                        warn!(
                            reason,
                            "An origin does not tell its tables: nothing is kept"
                        );
                    }
                    // What was known is too old to go on with.
                    let _changing = self.changing();
                    self.current.store(None);
                }
            }
            // Most of the time the origin is to have its peace.
            let pause = PAUSE.max(SHARE * began.elapsed());
            sleep(pause.min(LONGEST_PAUSE)).await;
            // A change that has come meanwhile has left a permit.
            let _elapsed = timeout(INTERVAL, self.wake.notified()).await;
        }
    }
}

impl Current {
    /// `None`: it is not known.
    pub(crate) fn known(&self) -> Option<&Catalog> {
        self.0.as_ref().map(|asked| &asked.catalog)
    }
}
