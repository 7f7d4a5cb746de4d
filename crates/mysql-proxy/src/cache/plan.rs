//! What a read depends on, and how long its result is good.

use std::borrow::Cow;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use mysql_sql::{Hints, TableRef};
use query_cache::{Dependencies, Generation, Lifetime};

use super::{Bypass, ResultCache};

/// What a result depends on, and for how long it is good.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) generation: Generation,
    pub(crate) on: Dependencies,
    pub(crate) lifetime: Lifetime,
}

/// The plan of one text, as it was found last: good as long as the catalog is known and of the same
/// generation, for those who ask in the same database.
#[derive(Debug, Default)]
pub(crate) struct LastPlan(ArcSwapOption<Found>);

/// A plan, and the database of the session that asked.
#[derive(Debug)]
struct Found {
    plan: Plan,
    database: Option<Box<str>>,
}

impl ResultCache {
    /// What a read of these tables depends on, for a session in this database. `last`: of the text
    /// that names them, which has these hints.
    pub(crate) fn plan(
        &self,
        (names, hints): (&[TableRef], Hints),
        database: Option<&str>,
        last: Option<&LastPlan>,
    ) -> Result<Plan, Bypass> {
        let (catalog, generation) = self.catalog();
        let catalog = catalog.known().ok_or(Bypass::NoCatalog)?;
        let known = last.and_then(|last| last.of(database, generation));
        let plan = if let Some(plan) = known {
            plan
        } else {
            let reads = catalog.reads(names, database.map(lower_case).as_deref())?;
            let lifetime = self.lifetime(hints, reads.max_age).ok_or(Bypass::Rule)?;
            let plan = Plan {
                generation,
                on: reads.on,
                lifetime,
            };
            if let Some(last) = last {
                last.note(database, &plan);
            }
            plan
        };
        // What would not be kept need not wait for others, nor they for it.
        if self.loose.runs_earlier() {
            return Err(Bypass::Earlier);
        }
        if !self.versions.can_note(&plan.on, plan.generation) {
            return Err(Bypass::Committing);
        }
        Ok(plan)
    }
}

impl LastPlan {
    fn of(&self, database: Option<&str>, generation: Generation) -> Option<Plan> {
        let found = self.0.load();
        let found = found.as_ref()?;
        let is_good = found.plan.generation == generation && found.database.as_deref() == database;
        is_good.then(|| found.plan.clone())
    }

    /// The first of a generation stays: where sessions in several databases ask, it is not for each
    /// of them to replace what another has noted.
    fn note(&self, database: Option<&str>, plan: &Plan) {
        let found = self.0.load();
        let is_of_now = |found: &Arc<Found>| found.plan.generation == plan.generation;
        if found.as_ref().is_some_and(is_of_now) {
            return;
        }
        self.0.store(Some(Arc::new(Found {
            plan: plan.clone(),
            database: database.map(Into::into),
        })));
    }
}

/// A name in lower case, which most are.
fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use query_cache::{Mutant, Versions};

    use super::*;

    #[test]
    fn a_plan_is_good_in_its_database_until_the_catalog_changes() {
        let versions = Versions::new(Mutant::default());
        let plan = |table| Plan {
            generation: versions.generation(),
            on: versions.dependencies([versions.table(table)]),
            lifetime: Lifetime {
                max_age: Duration::from_secs(60),
                stale_while_revalidate: Duration::ZERO,
            },
        };
        let last = LastPlan::default();
        let name = |database| {
            let plan = last.of(database, versions.generation())?;
            Some(plan.on.tables().first()?.name().to_owned())
        };
        last.note(Some("a"), &plan("a.t"));
        last.note(Some("b"), &plan("b.t"));
        assert_eq!(name(Some("a")).as_deref(), Some("a.t"));
        assert_eq!((name(Some("b")), name(None)), (None, None));
        versions.new_generation();
        assert_eq!(name(Some("a")), None);
        last.note(Some("b"), &plan("b.t"));
        assert_eq!(name(Some("b")).as_deref(), Some("b.t"));
    }
}
