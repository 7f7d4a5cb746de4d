//! What triggers, procedures and functions touch, as far as their texts tell.
//!
//! A routine is a name among those of tables, with a sign that hardly any of these has (it would
//! write more), so that what a trigger, a procedure or a function calls is followed like what a
//! view reads:
//!
//! ```text
//!   CALL p ──► (d, "p call") ──┬─► (d, "log"), where its text may write
//!                              └─► (d, "f()") ──► …
//! ```

use mysql_sql::{Mention, Place, RoutineKind, mentions};
use query_cache::Writes;

use super::ask::{Found, FoundRoutine};
use super::build::{Builder, Name, name};
use crate::programs::Kind;

/// Names in a body that may be something to follow.
struct Known {
    /// A table or view of this name.
    table: Option<Name>,
    /// A procedure or function that is called.
    routine: Option<Name>,
}

impl FoundRoutine {
    /// As it is looked for in texts. `None`: nobody can.
    pub(super) fn routine(&self) -> Option<Name> {
        let (database, name) = name(&self.body.database, &self.body.name)?;
        let kind = match self.body.kind {
            Kind::Procedure => RoutineKind::Procedure,
            Kind::Function => RoutineKind::Function,
            Kind::Package | Kind::Trigger => return None,
        };
        Some((database, signed(kind, &name)))
    }
}

/// The name of a routine, with the sign.
pub(super) fn signed(kind: RoutineKind, name: &str) -> String {
    match kind {
        RoutineKind::Procedure => format!("{name} call"),
        RoutineKind::Function => format!("{name}()"),
    }
}

impl Builder<'_> {
    pub(super) fn add_routines(&mut self, found: &Found) {
        let routines = found.routines.iter();
        self.routines = routines.clone().filter_map(FoundRoutine::routine).collect();
        let packages = routines.clone().map(|routine| &routine.body);
        let packages = packages.filter(|body| body.kind == Kind::Package);
        let packages = packages.filter_map(|body| Some(name("", &body.name)?.1));
        self.packages = packages.collect();
        for routine in routines {
            if let Some(name) = routine.routine() {
                self.follow_body(name, &routine.body.text, routine.shows_others);
            }
        }
    }

    pub(super) fn add_triggers(&mut self, found: &Found) {
        for trigger in &found.triggers {
            if let Some(table) = name(&trigger.body.database, &trigger.table) {
                let shows_others = self.shown.get(&table).is_some_and(|shown| shown.others);
                self.follow_body(table, &trigger.body.text, shows_others);
            }
        }
    }

    /// What a call of this one may change.
    pub(super) fn writes_of_routine(&self, routine: &Name) -> Writes {
        let (writes, _) = self.writes(routine);
        match writes {
            // It may be a package of another database, which has one of that name as well.
            _ if self.packages.contains(&routine.0) => Writes::Everything,
            Writes::Tables(tables) if tables.is_empty() => Writes::Nothing,
            other => other,
        }
    }

    /// Follows what a body mentions, in whose database all tables are shown, or not: a name alone
    /// may be one of those.
    fn follow_body(&mut self, of: Name, text: &str, shows_others: bool) {
        match self.mentioned(text, &of.0).filter(|_| shows_others) {
            Some(names) => names
                .into_iter()
                .for_each(|name| self.follow(of.clone(), name)),
            None => self.follow_anything(of),
        }
    }

    /// The tables and views that a body in this database mentions, if it may write to any, and the
    /// routines that it calls. `None`: it may touch others.
    fn mentioned(&self, text: &str, database: &str) -> Option<Vec<Name>> {
        if text.is_empty() || text.contains('\\') {
            return None;
        }
        let mentions = mentions(text.as_bytes(), self.dialect)?;
        let known = mentions.names.iter();
        let known: Vec<_> = known.map(|mention| self.known(mention, database)).collect();
        let is_column = |mention: &Mention| is_surely_a_column(mention, &mentions.names, &known);
        let is_understood = |mention: &Mention, known: &Known| {
            if mention.place == Place::Procedure || mention.may_be_function {
                return known.routine.is_some();
            }
            !sets_cascades(mention) && (known.table.is_some() || is_column(mention))
        };
        let mut both = mentions.names.iter().zip(&known);
        if !both.all(|(mention, known)| is_understood(mention, known)) {
            return None;
        }
        let tables = || known.iter().filter_map(|known| known.table.clone());
        // Reading a view may run a function that writes.
        let may_write = mentions.may_write || tables().any(|name| self.views.contains_key(&name));
        let routines = known.iter().filter_map(|known| known.routine.clone());
        Some(tables().filter(|_| may_write).chain(routines).collect())
    }

    /// What a name in a body of this database is known to be.
    fn known(&self, mention: &Mention, database: &str) -> Known {
        let is_of_package = mention
            .database
            .as_ref()
            .is_some_and(|qualifier| self.packages.contains(qualifier));
        let database = mention.database.as_deref().unwrap_or(database).to_owned();
        let routine = match mention.place {
            Place::Procedure => Some(RoutineKind::Procedure),
            _ if mention.may_be_function => Some(RoutineKind::Function),
            _ => None,
        };
        let routine = routine.map(|kind| (database.clone(), signed(kind, &mention.name)));
        let table = (database, mention.name.clone());
        let is_table = self.tables.contains_key(&table) || self.views.contains_key(&table);
        Known {
            table: is_table.then_some(table),
            routine: routine.filter(|name| self.routines.contains(name) && !is_of_package),
        }
    }
}

/// True for the variable that makes MySQL fire triggers of rows that a foreign key changes along,
/// some of which may not be shown.
fn sets_cascades(mention: &Mention) -> bool {
    mention.name == "enable_cascade_triggers"
}

/// True unless what is not known may be a table. That has a name alone if its database is shown as
/// a whole; behind a point, it is a column of `NEW`, of an alias or of a table, all of which the
/// text mentions too.
fn is_surely_a_column(mention: &Mention, all: &[Mention], known: &[Known]) -> bool {
    let Some(qualifier) = mention.database.as_deref() else {
        return true;
    };
    if mention.place == Place::Table {
        return false;
    }
    let mut tables = known.iter().filter_map(|known| known.table.as_ref());
    let is_of_table = tables.any(|(_, name)| name == qualifier);
    let mut pairs = all.iter().zip(known).zip(all.iter().skip(1));
    let is_alias = |((before, known), alias): ((&Mention, &Known), &Mention)| {
        alias.name == qualifier
            && alias.database.is_none()
            && alias.place == Place::BehindName
            && (known.table.is_some() || before.name == "as")
    };
    matches!(qualifier, "new" | "old") || is_of_table || pairs.any(is_alias)
}
