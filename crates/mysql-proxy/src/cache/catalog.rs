//! What an origin's tables are: which tables a name reads and writes, with all that no statement
//! names.
//!
//! ```text
//!   a view     reads what its text reads, and so on down to tables
//!   a table    writes itself; what a foreign key cascades to; what its triggers mention
//!   a call     of a procedure writes what its body mentions, and those of what that calls
//! ```
//!
//! It is asked for as a whole (`ask.rs`), and kept up with the origin (`known.rs`).

mod ask;
mod build;
mod known;
mod programs;
mod shown;

use std::collections::HashMap;
use std::time::Duration;

use domain::Keep;
use mysql_sql::{Routine, TableRef, Touched};
use query_cache::{DefaultHashBuilder, Dependencies, Writes};

use super::Bypass;

pub(crate) use known::{Current, Known};

/// By name. Reads that are not kept ask; names come from the origin, and from nobody who could
/// look for those with one hash.
type Names<V> = HashMap<Box<str>, V, DefaultHashBuilder>;

/// The tables and views of an origin.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Catalog {
    /// By database, then by name, both in lower case. (Where a server tells `A` from `a`, they
    /// share an entry, which is both.)
    databases: Names<Names<Relation>>,
    /// What calls of routines may change, whose names have a sign: see `programs.rs`.
    routines: Names<Names<Writes>>,
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

    /// False for a database that has tables which are not here, perhaps: one of the server's own.
    /// Without any, a bare name means no table.
    fn shows(&self, database: Option<&str>) -> bool {
        database.is_none_or(|database| self.databases.contains_key(database))
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
                if table.may_be_query && self.shows(database) {
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
        let (tables, routines) = match touched {
            Touched::Tables(tables) => (tables, &[][..]),
            Touched::Called { tables, routines } => (tables, routines.as_slice()),
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
        for routine in routines {
            let Some(writes) = self.writes_of(routine, database) else {
                return Changes::everything();
            };
            changes.writes.add(writes.clone());
            changes.is_transactional &= writes.is_nothing();
        }
        if !changes.writes.is_nothing() {
            changes.writes.add(self.strays.clone());
        }
        changes
    }

    fn writes_of(&self, routine: &Routine, database: Option<&str>) -> Option<&Writes> {
        let database = routine.database.as_deref().or(database)?;
        let routines = self.routines.get(database)?;
        routines.get(programs::signed(routine.kind, &routine.name).as_str())
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
