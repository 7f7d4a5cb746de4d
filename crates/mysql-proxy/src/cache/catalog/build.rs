//! Makes a catalog of what was found at an origin.

use std::collections::{HashMap, HashSet};

use domain::{Keep, TableRule};
use mysql_sql::{Dialect, Escapes, Letters, TableRef, classify, mentions, touches};
use query_cache::{Table, Versions, Writes};

use super::ask::Found;
use super::{Catalog, Relation};
use crate::cache::Bypass;
use crate::origin::Flavor;

/// Most views in views that are followed.
const DEEPEST: usize = 16;

/// Storage engines that keep what is written through their server, and whether they take it back
/// in a rollback. Any other may change by itself, or show what is elsewhere.
const ENGINES: [(&str, bool); 8] = [
    ("INNODB", true),
    ("ROCKSDB", true),
    ("TOKUDB", true),
    ("MYISAM", false),
    ("ARIA", false),
    ("MEMORY", false),
    ("ARCHIVE", false),
    ("CSV", false),
];

/// Database and name, in lower case.
type Name = (String, String);

/// What was found, by name.
struct Builder<'a> {
    versions: &'a Versions,
    rules: &'a [TableRule],
    dialect: Dialect,
    reads_uncommitted: bool,
    /// Tables of which each has its own rows, with what their engine does with a rollback.
    tables: HashMap<Name, Option<bool>>,
    views: HashMap<Name, &'a str>,
    /// Tables with columns that tell the time, or whatever else.
    volatile: HashSet<Name>,
    /// The tables that a change of this one may change along. `None`: any.
    follows: HashMap<Name, Option<Vec<Name>>>,
}

/// Makes it. The tables are those of `versions`.
pub(super) fn build(found: &Found, versions: &Versions, rules: &[TableRule]) -> Catalog {
    let builder = Builder::new(found, versions, rules);
    let mut catalog = Catalog {
        views_may_write: builder
            .views
            .iter()
            .any(|(name, text)| builder.may_write(name, text)),
        ..Catalog::default()
    };
    let names = builder.tables.keys().chain(builder.views.keys());
    for (database, name) in names {
        let key = (database.clone(), name.clone());
        let relations = catalog.databases.entry(database.as_str().into());
        relations
            .or_default()
            .insert(name.as_str().into(), builder.relation(&key));
    }
    catalog
}

impl<'a> Builder<'a> {
    fn new(found: &'a Found, versions: &'a Versions, rules: &'a [TableRule]) -> Self {
        let flavor = found.flavor.unwrap_or(Flavor::MySql);
        let mut builder = Self {
            versions,
            rules,
            dialect: Dialect {
                escapes: Escapes::Backslash,
                letters: Letters::Utf8,
                server: flavor.server(),
            },
            reads_uncommitted: found.reads_uncommitted,
            tables: HashMap::new(),
            views: HashMap::new(),
            volatile: HashSet::new(),
            follows: HashMap::new(),
        };
        builder.add_tables(found);
        builder.add_computed(found);
        builder.add_cascades(found);
        builder.add_triggers(found);
        builder
    }

    fn add_tables(&mut self, found: &'a Found) {
        for table in &found.tables {
            let Some(name) = name(&table.database, &table.name) else {
                continue;
            };
            if table.kind == "VIEW" {
                self.views.insert(name, "");
                continue;
            }
            let engine = table.engine.to_ascii_uppercase();
            let known = ENGINES
                .iter()
                .find(|(engine_name, _)| *engine_name == engine);
            let is_table = matches!(table.kind.as_str(), "BASE TABLE" | "SYSTEM VERSIONED");
            let rolls_back = known
                .filter(|_| is_table)
                .map(|&(_, rolls_back)| rolls_back);
            // Two that differ in case only are one to us: the worse counts.
            let merged = self
                .tables
                .get(&name)
                .map_or(rolls_back, |other| Some((*other)? && rolls_back?));
            self.tables.insert(name, merged);
        }
        for [database, view, text] in &found.views {
            if let Some(name) = name(database, view)
                && let Some(known) = self.views.get_mut(&name)
            {
                // Likewise: nothing is known of either.
                *known = if known.is_empty() { text } else { "" };
            }
        }
    }

    fn add_computed(&mut self, found: &Found) {
        let timed = found.timed.iter();
        let timed = timed.filter_map(|[database, table]| name(database, table));
        self.volatile.extend(timed);
        for [database, table, expression] in &found.computed {
            let Some(name) = name(database, table) else {
                continue;
            };
            // As the one column of a query over a table that there is.
            let query = format!("SELECT {expression} FROM t");
            let statement = classify(query.as_bytes(), self.dialect);
            if touches(query.as_bytes(), self.dialect, &statement)
                .keeps
                .is_err()
            {
                self.volatile.insert(name);
            }
        }
    }

    fn add_cascades(&mut self, found: &Found) {
        for [parent_database, parent, child_database, child] in &found.cascades {
            let Some(parent) = name(parent_database, parent) else {
                continue;
            };
            match name(child_database, child) {
                Some(child) => self.follow(parent, child),
                None => self.follow_anything(parent),
            }
        }
    }

    fn add_triggers(&mut self, found: &Found) {
        let Some(triggers) = &found.triggers else {
            let all: Vec<_> = self.tables.keys().cloned().collect();
            for table in all {
                self.follow_anything(table);
            }
            return;
        };
        for [database, table, text] in triggers {
            let Some(table) = name(database, table) else {
                continue;
            };
            match self.mentioned(text, &table.0) {
                Some(names) => names
                    .into_iter()
                    .for_each(|name| self.follow(table.clone(), name)),
                None => self.follow_anything(table),
            }
        }
    }

    /// The tables and views that a trigger of this database mentions. `None`: it may touch others.
    fn mentioned(&self, text: &str, database: &str) -> Option<Vec<Name>> {
        if text.is_empty() || text.contains('\\') {
            return None;
        }
        let mut names = Vec::new();
        for mention in mentions(text.as_bytes(), self.dialect)? {
            let database = mention.database.as_deref().unwrap_or(database);
            let name = (database.to_owned(), mention.name);
            if mention.may_be_function {
                return None;
            }
            if self.tables.contains_key(&name) || self.views.contains_key(&name) {
                names.push(name);
            }
        }
        Some(names)
    }

    fn follow(&mut self, table: Name, other: Name) {
        if let Some(follows) = self
            .follows
            .entry(table)
            .or_insert_with(|| Some(Vec::new()))
        {
            follows.push(other);
        }
    }

    fn follow_anything(&mut self, table: Name) {
        self.follows.insert(table, None);
    }

    fn relation(&self, name: &Name) -> Relation {
        let mut bases = Vec::new();
        let reads = self.add_reads(name, DEEPEST, &mut bases);
        let (writes, is_transactional) = self.writes(name);
        let keep = bases
            .iter()
            .chain([name])
            .filter_map(|name| self.rule(name));
        let shorter = |one, other| match (one, other) {
            (Keep::For(one), Keep::For(other)) => Keep::For(Ord::min(one, other)),
            _ => Keep::Never,
        };
        Relation {
            keep: keep.reduce(shorter),
            reads: reads.map(|()| bases.iter().map(|name| self.table(name)).collect()),
            writes,
            is_transactional,
        }
    }

    /// Adds the tables that reading this one reads.
    fn add_reads(&self, name: &Name, deep: usize, into: &mut Vec<Name>) -> Result<(), Bypass> {
        if self.reads_uncommitted {
            return Err(Bypass::ReadUncommitted);
        }
        if let Some(engine) = self.tables.get(name) {
            if engine.is_none() || self.volatile.contains(name) {
                return Err(Bypass::UnstableTable);
            }
            if !into.contains(name) {
                into.push(name.clone());
            }
            // Both a table and a view, in different case.
            if !self.views.contains_key(name) {
                return Ok(());
            }
        }
        let text = self.views.get(name).filter(|_| deep > 0);
        let text = text.filter(|text| !text.is_empty() && !text.contains('\\'));
        let text = text.ok_or(Bypass::UnknownView)?;
        let statement = classify(text.as_bytes(), self.dialect);
        let touched = touches(text.as_bytes(), self.dialect, &statement);
        for table in touched.keeps.map_err(Bypass::Statement)? {
            let inner = named(&table, &name.0);
            let is_known = self.tables.contains_key(&inner) || self.views.contains_key(&inner);
            if is_known {
                self.add_reads(&inner, deep - 1, into)?;
            } else if !table.may_be_query {
                return Err(Bypass::UnknownView);
            }
        }
        Ok(())
    }

    /// True unless a view surely calls no function, and reads nothing of which that is not known.
    fn may_write(&self, name: &Name, text: &str) -> bool {
        let statement = classify(text.as_bytes(), self.dialect);
        let touched = touches(text.as_bytes(), self.dialect, &statement);
        let is_unknown = |table: &TableRef| {
            let name = named(table, &name.0);
            !self.tables.contains_key(&name) && !self.views.contains_key(&name)
        };
        text.is_empty()
            || text.contains('\\')
            || statement.effect.pin.is_some()
            || statement.effect.runs_program
            || touched
                .keeps
                .map_or(true, |tables| tables.iter().any(is_unknown))
    }

    /// What a write to this table or view may change, and whether all of that rolls back.
    fn writes(&self, name: &Name) -> (Writes, bool) {
        let mut seen = vec![name.clone()];
        let mut tables = Vec::new();
        let mut is_transactional = true;
        let mut at = 0;
        while let Some(name) = seen.get(at).cloned() {
            at += 1;
            match self.tables.get(&name) {
                // Its rows may be those of another table.
                Some(None) => return (Writes::Everything, false),
                Some(Some(rolls_back)) => {
                    tables.push(self.table(&name));
                    is_transactional &= rolls_back;
                }
                None => {}
            }
            let next = match self.follows.get(&name) {
                Some(None) => return (Writes::Everything, false),
                Some(Some(next)) => next.clone(),
                None => Vec::new(),
            };
            let Some(behind) = self.behind(&name) else {
                return (Writes::Everything, false);
            };
            for name in next.into_iter().chain(behind) {
                if !seen.contains(&name) {
                    seen.push(name);
                }
            }
        }
        (Writes::Tables(tables), is_transactional)
    }

    /// The tables that a view writes to: among those that it reads. `None`: that is not known.
    fn behind(&self, name: &Name) -> Option<Vec<Name>> {
        let mut bases = Vec::new();
        if self.views.contains_key(name) {
            // A view that tells the time may be written to all the same; who knows where.
            self.add_reads(name, DEEPEST, &mut bases).ok()?;
        }
        Some(bases)
    }

    fn rule(&self, (database, name): &Name) -> Option<Keep> {
        let rules = self.rules.iter().filter(|rule| {
            let of_database = rule.database.as_ref();
            rule.table.eq_ignore_ascii_case(name)
                && of_database.is_none_or(|rule| rule.eq_ignore_ascii_case(database))
        });
        // One that names the database says more.
        let rule = rules.max_by_key(|rule| rule.database.is_some())?;
        Some(rule.keep)
    }

    fn table(&self, (database, name): &Name) -> Table {
        self.versions.table(&format!("{database}.{name}"))
    }
}

/// A name as it is looked for. `None`: it is not in ASCII, where servers may think otherwise of
/// which ones are equal; nobody can ask for it then.
fn name(database: &str, table: &str) -> Option<Name> {
    let is_plain = database.is_ascii() && table.is_ascii();
    is_plain.then(|| (database.to_ascii_lowercase(), table.to_ascii_lowercase()))
}

fn named(table: &TableRef, database: &str) -> Name {
    let database = table.database.as_deref().unwrap_or(database);
    (database.to_owned(), table.name.clone())
}
