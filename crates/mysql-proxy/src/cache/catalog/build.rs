//! Makes a catalog of what was found at an origin.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use domain::{Keep, TableRule};
use mysql_sql::{Dialect, Escapes, Letters, Server, TableRef, classify, merely_read, touches};
use query_cache::{Table, Versions, Writes};

use super::ask::{Found, FoundRoutine};
use super::shown::Shown;
use super::{Catalog, Relation};
use crate::cache::Bypass;
use crate::origin::Flavor;

/// Most views in views that are followed.
const DEEPEST: usize = 16;

/// Most tables that may change along with any write. Where there are more, each write is one of
/// everything.
const MOST_STRAYS: usize = 64;

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

/// Databases in which users can make no views.
const WITHOUT_VIEWS: [&str; 2] = ["information_schema", "performance_schema"];

/// Database and name, in lower case.
pub(super) type Name = (String, String);

/// What was found, by name.
pub(super) struct Builder<'a> {
    versions: &'a Versions,
    rules: &'a [TableRule],
    pub(super) dialect: Dialect,
    reads_otherwise: Option<Bypass>,
    /// Tables of which each has its own rows, with what their engine does with a rollback.
    pub(super) tables: HashMap<Name, Option<bool>>,
    pub(super) views: HashMap<Name, &'a str>,
    /// Names of procedures and functions: see `programs.rs`.
    pub(super) routines: HashSet<Name>,
    /// Names of packages, in which there are procedures and functions as well.
    pub(super) packages: HashSet<String>,
    /// Tables with columns that tell the time, or whatever else.
    volatile: HashSet<Name>,
    /// How much is shown of a table.
    pub(super) shown: HashMap<Name, Shown>,
    /// The tables that a change of this one may change along, or a call of this routine. `None`:
    /// any.
    follows: HashMap<Name, Option<Vec<Name>>>,
    /// Those among them by a foreign key.
    children: HashMap<Name, Vec<Name>>,
    /// Tables that may be children of some that are not shown.
    strays: Vec<Name>,
}

/// Makes it. The tables are those of `versions`.
pub(super) fn build(found: &Found, versions: &Versions, rules: &[TableRule]) -> Catalog {
    let builder = Builder::new(found, versions, rules);
    let mut catalog = Catalog {
        views_may_write: builder.views_may_write(found),
        strays: builder.strays(found),
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
    for routine in found.routines.iter().filter_map(FoundRoutine::routine) {
        let writes = builder.writes_of_routine(&routine);
        let (database, name) = routine;
        let routines = catalog.routines.entry(database.into());
        routines.or_default().insert(name.into(), writes);
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
                ignores_space: false,
            },
            reads_otherwise: found.reads_otherwise,
            tables: HashMap::new(),
            views: HashMap::new(),
            routines: HashSet::new(),
            packages: HashSet::new(),
            volatile: HashSet::new(),
            shown: HashMap::new(),
            follows: HashMap::new(),
            children: HashMap::new(),
            strays: Vec::new(),
        };
        builder.add_tables(found);
        builder.add_computed(found);
        builder.add_hidden();
        builder.add_cascades(found);
        builder.add_routines(found);
        builder.add_triggers(found);
        // In the same order each time: a catalog that is another drops everything.
        builder.strays.sort_unstable();
        builder.strays.dedup();
        builder
    }

    fn add_tables(&mut self, found: &'a Found) {
        let mut ambiguous = HashSet::new();
        for table in &found.tables {
            let Some(name) = name(&table.database, &table.name) else {
                continue;
            };
            if table.kind == "VIEW" {
                if self.views.insert(name.clone(), "").is_some() {
                    ambiguous.insert(name);
                }
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
            self.add_shown(name.clone(), table.shown);
            self.tables.insert(name, merged);
        }
        for [database, view, text] in &found.views {
            // Of those that differ in case only nothing is known.
            let name = name(database, view).filter(|name| !ambiguous.contains(name));
            if let Some(known) = name.and_then(|name| self.views.get_mut(&name)) {
                *known = text;
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
            let query = format!("SELECT {} FROM t", self.as_written(expression));
            let statement = classify(query.as_bytes(), self.dialect);
            if touches(query.as_bytes(), self.dialect, &statement)
                .keeps
                .is_err()
            {
                self.volatile.insert(name);
            }
        }
    }

    /// An expression as somebody would write it. MySQL shows it with a backslash ahead of each
    /// quote and each backslash: `_utf8mb4\'-x\'`. (Seen with 9.7.)
    fn as_written<'e>(&self, expression: &'e str) -> Cow<'e, str> {
        if self.dialect.server != Server::MySql || !expression.contains('\\') {
            return Cow::Borrowed(expression);
        }
        let mut written = String::with_capacity(expression.len());
        let mut rest = expression.chars();
        while let Some(next) = rest.next() {
            let escaped = (next == '\\').then(|| rest.next()).flatten();
            written.push(escaped.unwrap_or(next));
        }
        Cow::Owned(written)
    }

    fn add_shown(&mut self, name: Name, shown: Shown) {
        let merged = self.shown.entry(name).or_insert(shown);
        merged.triggers &= shown.triggers;
        merged.foreign_keys &= shown.foreign_keys;
        merged.others &= shown.others;
    }

    /// Adds what may hang on tables without being shown.
    fn add_hidden(&mut self) {
        for (name, shown) in &self.shown {
            if !shown.triggers {
                self.follows.insert(name.clone(), None);
            }
            // Engines with foreign keys are transactional. What is read of an unknown one is not
            // kept.
            if !shown.foreign_keys && self.tables.get(name) == Some(&Some(true)) {
                self.strays.push(name.clone());
            }
        }
    }

    fn add_cascades(&mut self, found: &Found) {
        for [parent_database, parent, child_database, child] in &found.cascades {
            let parent = name(parent_database, parent);
            let parent = parent.filter(|parent| self.tables.contains_key(parent));
            match (parent, name(child_database, child)) {
                (Some(parent), Some(child)) => {
                    let children = self.children.entry(parent.clone());
                    children.or_default().push(child.clone());
                    self.follow(parent, child);
                }
                (Some(parent), None) => self.follow_anything(parent),
                (None, Some(child)) => self.strays.push(child),
                (None, None) => {}
            }
        }
    }

    pub(super) fn follow(&mut self, table: Name, other: Name) {
        if let Some(follows) = self
            .follows
            .entry(table)
            .or_insert_with(|| Some(Vec::new()))
        {
            follows.push(other);
        }
    }

    pub(super) fn follow_anything(&mut self, table: Name) {
        self.follows.insert(table, None);
    }

    /// What may change along with tables that are not shown.
    fn strays(&self, found: &Found) -> Writes {
        let mut all = Writes::Nothing;
        if found.cascades_may_fire || self.strays.len() > MOST_STRAYS {
            return Writes::Everything;
        }
        for stray in &self.strays {
            all.add(self.changed_with(stray));
        }
        match all {
            Writes::Tables(tables) if tables.len() > MOST_STRAYS => Writes::Everything,
            other => other,
        }
    }

    /// What a change of this table by a foreign key changes, when that fires no triggers.
    fn changed_with(&self, name: &Name) -> Writes {
        let mut seen = vec![name];
        let mut at = 0;
        while let Some(name) = seen.get(at) {
            at += 1;
            for child in self.children.get(*name).into_iter().flatten() {
                if !seen.contains(&child) {
                    seen.push(child);
                }
            }
        }
        Writes::Tables(seen.into_iter().map(|name| self.table(name)).collect())
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
            reads: reads.map(|()| {
                let tables = bases.iter().map(|name| self.table(name));
                self.versions.dependencies(tables)
            }),
            writes,
            is_transactional,
        }
    }

    /// Adds the tables that reading this one reads.
    fn add_reads(&self, name: &Name, deep: usize, into: &mut Vec<Name>) -> Result<(), Bypass> {
        if let Some(why) = self.reads_otherwise {
            return Err(why);
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

    /// True unless no view may write by being read, whatever its name. TiDB has no functions but
    /// its own.
    fn views_may_write(&self, found: &Found) -> bool {
        let texts = found.views.iter();
        let texts: HashMap<_, _> = texts
            .map(|[database, view, text]| ((database, view), text.as_str()))
            .collect();
        let mut views = found.tables.iter().filter(|table| table.kind == "VIEW");
        self.dialect.server != Server::TiDb
            && views.any(|view| {
                let text = texts.get(&(&view.database, &view.name));
                let database = view.database.to_ascii_lowercase();
                text.is_none_or(|text| self.may_write(&database, text))
            })
    }

    /// True unless a view in this database surely calls no function of users, and reads nothing of
    /// which that is not known.
    fn may_write(&self, database: &str, text: &str) -> bool {
        let statement = classify(text.as_bytes(), self.dialect);
        let reads = merely_read(text.as_bytes(), self.dialect, &statement);
        let is_unknown = |table: &TableRef| {
            let name = named(table, database);
            let is_known = self.tables.contains_key(&name) || self.views.contains_key(&name);
            !(is_known || table.may_be_query || WITHOUT_VIEWS.contains(&name.0.as_str()))
        };
        text.is_empty()
            || text.contains('\\')
            || reads.is_none_or(|tables| tables.iter().any(is_unknown))
    }

    /// What a write to this table or view may change, and whether all of that rolls back. Likewise
    /// for the call of a routine.
    pub(super) fn writes(&self, name: &Name) -> (Writes, bool) {
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
/// which ones are equal: nothing that is asked of it is kept then.
pub(super) fn name(database: &str, table: &str) -> Option<Name> {
    let is_plain = database.is_ascii() && table.is_ascii();
    is_plain.then(|| (database.to_ascii_lowercase(), table.to_ascii_lowercase()))
}

fn named(table: &TableRef, database: &str) -> Name {
    let database = table.database.as_deref().unwrap_or(database);
    (database.to_owned(), table.name.clone())
}

#[cfg(test)]
mod tests {
    use mysql_sql::Touched;

    use super::super::ask::{FoundTable, FoundTrigger};
    use super::*;
    use crate::programs::{Body, Kind};

    const ALL: Shown = Shown {
        triggers: true,
        foreign_keys: true,
        others: true,
    };

    fn table(database: &str, name: &str, shown: Shown) -> FoundTable {
        FoundTable {
            database: database.to_owned(),
            name: name.to_owned(),
            kind: "BASE TABLE".to_owned(),
            engine: "InnoDB".to_owned(),
            shown,
        }
    }

    fn versions() -> Versions {
        Versions::new(query_cache::Mutant::default())
    }

    /// What a write to `d.t` changes, if it has a trigger with this text. (Then `d.u` and `e.v` are
    /// all that there is beside it.) `None`: everything.
    fn writes_by(text: &str, shown: Shown) -> Option<Vec<String>> {
        let found = Found {
            tables: vec![
                table("d", "t", shown),
                table("d", "u", ALL),
                table("e", "v", ALL),
            ],
            triggers: vec![FoundTrigger {
                table: "t".to_owned(),
                body: Body {
                    kind: Kind::Trigger,
                    database: "d".to_owned(),
                    name: "fires".to_owned(),
                    changed: String::new(),
                    text: text.to_owned(),
                },
            }],
            ..Found::default()
        };
        let written = TableRef {
            database: Some("d".to_owned()),
            name: "t".to_owned(),
            may_be_query: false,
        };
        let catalog = build(&found, &versions(), &[]);
        match catalog
            .changes(&Touched::Tables(vec![written]), None)
            .writes
        {
            Writes::Tables(tables) => {
                let names = tables.iter().skip(1).map(|table| table.name().to_owned());
                Some(names.collect())
            }
            _ => None,
        }
    }

    /// Which scope a query has that `WITH` names, nobody follows.
    #[test]
    fn a_name_that_may_be_a_query_is_no_table_where_all_are_known() {
        let found = Found {
            tables: vec![table("d", "t", ALL)],
            ..Found::default()
        };
        let catalog = build(&found, &versions(), &[]);
        let read = |database: Option<&str>, name: &str| TableRef {
            database: database.map(str::to_owned),
            name: name.to_owned(),
            may_be_query: database.is_none(),
        };
        let tables = [read(Some("d"), "t"), read(None, "general_log")];
        for (database, is_kept) in [(Some("d"), true), (None, true), (Some("mysql"), false)] {
            let reads = catalog.reads(&tables, database);
            assert_eq!(reads.is_ok(), is_kept, "{database:?}");
        }
    }

    #[test]
    fn what_is_computed_is_read_as_it_was_written() {
        let is_kept = |flavor, expression: &str| {
            let found = Found {
                flavor: Some(flavor),
                tables: vec![table("d", "t", ALL)],
                computed: vec![["d".to_owned(), "t".to_owned(), expression.to_owned()]],
                ..Found::default()
            };
            let read = TableRef {
                database: Some("d".to_owned()),
                name: "t".to_owned(),
                may_be_query: false,
            };
            build(&found, &versions(), &[]).reads(&[read], None).is_ok()
        };
        for (expression, on_mysql, on_mariadb) in [
            (r"concat(`a`,_utf8mb4\'-x\')", true, false),
            (
                r"json_unquote(json_extract(`doc`,_utf8mb4\'$.n\'))",
                true,
                false,
            ),
            (r"concat(`a`,_utf8mb4\'it\\\'s now(\')", true, false),
            (
                r"concat(_utf8mb4\'x\\\\\',now(),_utf8mb4\'\')",
                false,
                false,
            ),
            ("concat(`a`,'-x')", true, true),
            ("concat(`a`,now())", false, false),
        ] {
            let mariadb = Flavor::MariaDb {
                has_new_names: false,
                has_defaults: false,
            };
            assert_eq!(is_kept(Flavor::MySql, expression), on_mysql, "{expression}");
            assert_eq!(is_kept(mariadb, expression), on_mariadb, "{expression}");
        }
    }

    #[test]
    fn a_trigger_writes_what_it_mentions_or_everything() {
        for (text, names) in [
            ("SET NEW.a = OLD.b * 1.5", Some(&[][..])),
            ("INSERT INTO u VALUES (NEW.a)", Some(&["d.u"])),
            ("INSERT INTO e.v SELECT u.a FROM u", Some(&["e.v", "d.u"])),
            ("UPDATE u AS x, e.v y SET x.a = y.a", Some(&["d.u", "e.v"])),
            (
                "INSERT INTO u SET a = 1 ON DUPLICATE KEY UPDATE u.a = 2",
                Some(&["d.u"]),
            ),
            ("INSERT INTO hid.b VALUES (NEW.a)", None),
            ("INSERT hid.b VALUES (NEW.a)", None),
            ("INSERT HIGH_PRIORITY old.orders VALUES (1)", None),
            ("TRUNCATE old.orders", None),
            ("UPDATE u, hid.b SET a = 1", None),
            ("UPDATE e.v, u.b SET a = 1", None),
            ("DELETE x FROM u AS x, hid.b", None),
            ("DELETE x FROM u AS x, u.b", None),
            ("INSERT INTO old.orders VALUES (1)", None),
            ("INSERT INTO audit.log SELECT a AS audit FROM u", None),
            ("SET NEW.a = f(1)", None),
        ] {
            let names = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(writes_by(text, ALL), names, "{text}");
        }
        for shown in [
            Shown {
                others: false,
                ..ALL
            },
            Shown {
                triggers: false,
                ..ALL
            },
        ] {
            assert_eq!(writes_by("SET NEW.a = 1", shown), None);
        }
    }

    #[test]
    fn a_view_may_write_if_it_may_call_what_somebody_has_made() {
        for (text, may_write) in [
            ("select 1 AS `a`", false),
            ("select now() AS `a`,user() AS `b` from `d`.`t`", false),
            ("select `a` from `information_schema`.`TABLES`", false),
            ("select `a` from `d`.`w`", false),
            ("select `a` from `hid`.`t`", true),
            ("select `a` from `mysql`.`made`", true),
            ("select `a` from `sys`.`processlist`", true),
            ("select now() AS `a`,`d`.`f`() AS `b`", true),
            ("", true),
        ] {
            for name in ["v", "größe"] {
                assert_eq!(views_may_write(name, text), may_write, "{name}: {text}");
            }
        }
    }

    /// Beside `d.t` and `d.w`.
    fn views_may_write(name: &str, text: &str) -> bool {
        let view = |name: &str, text: &str| ["d", name, text].map(str::to_owned);
        let kind = |name| FoundTable {
            kind: "VIEW".to_owned(),
            ..table("d", name, ALL)
        };
        let found = Found {
            tables: vec![table("d", "t", ALL), kind(name), kind("w")],
            views: vec![view(name, text), view("w", "select 2 AS `a`")],
            ..Found::default()
        };
        build(&found, &versions(), &[]).views_may_write()
    }

    #[test]
    fn of_views_that_differ_in_case_only_nothing_is_kept() {
        for (names, is_kept) in [
            (&["v", "w"][..], true),
            (&["v", "V"], false),
            (&["vv", "Vv", "vV"], false),
        ] {
            let view = |name: &&str| ["d", name, "select `a` from `d`.`t`"].map(str::to_owned);
            let kind = |name: &&str| FoundTable {
                kind: "VIEW".to_owned(),
                ..table("d", name, ALL)
            };
            let tables = names.iter().map(kind).chain([table("d", "t", ALL)]);
            let found = Found {
                tables: tables.collect(),
                views: names.iter().map(view).collect(),
                ..Found::default()
            };
            let read = TableRef {
                database: Some("d".to_owned()),
                name: names[0].to_owned(),
                may_be_query: false,
            };
            let catalog = build(&found, &versions(), &[]);
            assert_eq!(catalog.reads(&[read], None).is_ok(), is_kept, "{names:?}");
        }
    }

    #[test]
    fn what_is_found_again_is_the_same() {
        let hides_keys = Shown {
            foreign_keys: false,
            ..ALL
        };
        let versions = versions();
        let made = |count: usize| {
            let tables = (0..count).map(|number| table("d", &format!("t{number}"), hides_keys));
            let found = Found {
                tables: tables.collect(),
                ..Found::default()
            };
            build(&found, &versions, &[])
        };
        assert_eq!(made(MOST_STRAYS), made(MOST_STRAYS));
        assert!(matches!(made(MOST_STRAYS).strays, Writes::Tables(_)));
        assert_eq!(made(MOST_STRAYS + 1).strays, Writes::Everything);
    }
}
