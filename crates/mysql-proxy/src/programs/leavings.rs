//! What routines leave on the connection that calls them, as far as their texts tell.
//!
//! ```text
//!   CALL p ──► p ──┬─► q ──► f()      nothing, if none of them leaves anything
//!                  └─► f()            not known, if one of them is not
//! ```
//!
//! Triggers and views are not followed: those that a routine fires or reads are the same that a
//! statement would, and a connection is reset for them between two sessions.

use std::collections::{HashMap, HashSet};

use mysql_sql::{
    Dialect, Escapes, Leftovers, Letters, Place, Routine, RoutineKind, has_name_of, leftovers,
    may_change_logins, mentions,
};

use super::bodies::{Body, Kind};
use super::routines::ShownName;
use crate::origin::Flavor;

/// What is known of what a routine leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// It may leave anything, and define anything.
    Unknown,
    /// It may leave anything, but defines nothing.
    Anything,
    /// No more than this.
    No(Leftovers),
}

impl Leaves {
    /// Of two that may both run.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Anything, _) | (_, Self::Anything) => Self::Anything,
            (Self::No(one), Self::No(other)) => Self::No(one.and(other)),
        }
    }
}

/// What the routines of an origin leave.
#[derive(Debug, Default)]
pub(crate) struct Leavings {
    leaves: HashMap<Routine, Leaves>,
    /// Of those that change what connections are like that are opened after them: their names, and
    /// those of packages, in lower case.
    change_logins: HashSet<String>,
}

/// A routine by its own text.
struct Node {
    leaves: Leaves,
    calls: Vec<Routine>,
}

impl Leavings {
    pub(super) fn of(
        bodies: &[Body],
        parameters: &HashMap<ShownName, Vec<String>>,
        flavor: Flavor,
    ) -> Self {
        let of_package = |body: &&Body| body.kind == Kind::Package;
        let packages = bodies.iter().filter(of_package);
        let packages: HashSet<_> = packages
            .map(|body| body.name.to_ascii_lowercase())
            .collect();
        let mut nodes: HashMap<Routine, Node> = HashMap::new();
        for body in bodies {
            let Some(routine) = routine(body) else {
                continue;
            };
            let database = routine.database.as_deref().unwrap_or_default();
            let kind = match routine.kind {
                RoutineKind::Procedure => "PROCEDURE",
                RoutineKind::Function => "FUNCTION",
            };
            let shown = [body.database.clone(), body.name.clone(), kind.to_owned()];
            let names = parameters.get(&shown).map_or(&[][..], Vec::as_slice);
            let node = Node::of(body, database, names, flavor, &packages);
            let known = nodes.entry(routine);
            // Two whose databases differ in case only are one to us.
            let known = known.or_insert_with(Node::of_nothing);
            known.leaves = known.leaves.and(node.leaves);
            known.calls.extend(node.calls);
        }
        Self {
            leaves: followed(&nodes),
            change_logins: changing(bodies),
        }
    }

    /// Whether one of these changes what connections are like that are opened after it, as far as
    /// texts are shown: by its name, or that of its package, of whatever database.
    pub(crate) fn change_logins(&self, routines: &[Routine]) -> bool {
        let is_one = |name: &String| self.change_logins.contains(name);
        let mut routines = routines.iter();
        routines
            .any(|routine| is_one(&routine.name) || routine.database.as_ref().is_some_and(is_one))
    }

    /// Whether a text names one that does.
    pub(crate) fn are_named_in(&self, text: &[u8]) -> bool {
        has_name_of(text, &self.change_logins)
    }

    /// What these leave together. Nothing is known of one without a database.
    pub(crate) fn together<'r>(&self, routines: impl IntoIterator<Item = &'r Routine>) -> Leaves {
        let leaves = |routine| self.leaves.get(routine).copied().unwrap_or(Leaves::Unknown);
        let nothing = Leaves::No(Leftovers::default());
        let each = routines.into_iter().map(leaves);
        each.fold(nothing, Leaves::and)
    }
}

/// By its name in lower case. `None`: nobody can call it by a name that is looked for.
fn routine(body: &Body) -> Option<Routine> {
    let kind = match body.kind {
        Kind::Procedure => RoutineKind::Procedure,
        Kind::Function => RoutineKind::Function,
        Kind::Trigger | Kind::Package => return None,
    };
    let is_plain = body.database.is_ascii() && body.name.is_ascii();
    is_plain.then(|| Routine {
        kind,
        database: Some(body.database.to_ascii_lowercase()),
        name: body.name.to_ascii_lowercase(),
    })
}

impl Node {
    fn of_nothing() -> Self {
        Self {
            leaves: Leaves::No(Leftovers::default()),
            calls: Vec::new(),
        }
    }

    fn of_anything() -> Self {
        Self {
            leaves: Leaves::Unknown,
            calls: Vec::new(),
        }
    }

    fn of(
        body: &Body,
        database: &str,
        parameters: &[String],
        flavor: Flavor,
        packages: &HashSet<String>,
    ) -> Self {
        // A routine of that name may be one of the package.
        if body.text.is_empty() || body.text.contains('\\') || packages.contains(database) {
            return Self::of_anything();
        }
        let dialect = Dialect {
            escapes: Escapes::Backslash,
            letters: Letters::Utf8,
            server: flavor.server(),
            ignores_space: false,
        };
        let text = body.text.as_bytes();
        let Some(mentions) = mentions(text, dialect) else {
            return Self::of_anything();
        };
        let leaves = leftovers(text, parameters, dialect);
        let calls = mentions.names.into_iter().filter_map(|mention| {
            let kind = match mention.place {
                Place::Procedure => RoutineKind::Procedure,
                _ if mention.may_be_function => RoutineKind::Function,
                _ => return None,
            };
            let qualifier = mention.database.unwrap_or_else(|| database.to_owned());
            Some(Routine {
                kind,
                database: Some(qualifier),
                name: mention.name,
            })
        });
        Self {
            leaves: leaves.map_or(Leaves::Anything, |left| {
                Leaves::No(Leftovers {
                    // What its statements find, the session is told to have found.
                    found_rows: left.found_rows || body.kind == Kind::Procedure,
                    ..left
                })
            }),
            calls: calls.collect(),
        }
    }
}

/// The names of those that change later logins, or have the name of one that does in their text. Of
/// which database they are is not looked at, nor what they do with the name.
fn changing(bodies: &[Body]) -> HashSet<String> {
    let name = |body: &Body| body.name.to_ascii_lowercase();
    // Nobody calls a trigger.
    let bodies = || bodies.iter().filter(|body| body.kind != Kind::Trigger);
    let own = bodies().filter(|body| may_change_logins(body.text.as_bytes()));
    let mut all: HashSet<String> = own.map(name).collect();
    loop {
        let more = bodies()
            .filter(|body| !all.contains(&name(body)) && has_name_of(body.text.as_bytes(), &all));
        let more: Vec<_> = more.map(name).collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// What each leaves together with all that it calls.
fn followed(nodes: &HashMap<Routine, Node>) -> HashMap<Routine, Leaves> {
    let own = nodes
        .iter()
        .map(|(routine, node)| (routine.clone(), node.leaves));
    let mut all: HashMap<_, _> = own.collect();
    // Each turn makes one of them worse at least, and none can become so more than a few times.
    loop {
        let mut has_changed = false;
        for (routine, node) in nodes {
            let of = |routine| all.get(routine).copied().unwrap_or(Leaves::Unknown);
            let before = of(routine);
            let after = node
                .calls
                .iter()
                .fold(before, |leaves, called| leaves.and(of(called)));
            if after != before {
                all.insert(routine.clone(), after);
                has_changed = true;
            }
        }
        if !has_changed {
            return all;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(kind: Kind, name: &str, text: &str) -> Body {
        Body {
            kind,
            database: "Shop".to_owned(),
            name: name.to_owned(),
            changed: String::new(),
            text: text.to_owned(),
        }
    }

    fn leavings(bodies: &[Body]) -> Leavings {
        let parameters = [(
            ["Shop", "p", "PROCEDURE"].map(str::to_owned),
            vec!["price".to_owned()],
        )];
        Leavings::of(bodies, &parameters.into(), Flavor::MySql)
    }

    fn call(kind: RoutineKind, database: Option<&str>, name: &str) -> Routine {
        Routine {
            kind,
            database: database.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    const FOUND: Leftovers = Leftovers {
        found_rows: true,
        insert_id: false,
        transaction: false,
    };

    #[test]
    fn a_procedure_leaves_what_it_calls_leaves() {
        let known = leavings(&[
            body(
                Kind::Procedure,
                "p",
                "BEGIN SET price = f(1); CALL q(); END",
            ),
            body(Kind::Procedure, "q", "UPDATE t SET a = Shop.f(2)"),
            body(Kind::Function, "f", "RETURN 1"),
            body(Kind::Procedure, "made", "CALL inserts()"),
            body(Kind::Procedure, "inserts", "INSERT INTO t VALUES (1)"),
            body(Kind::Procedure, "noisy", "SET @a = 1"),
            body(
                Kind::Procedure,
                "calls_noisy",
                "BEGIN CALL q(); CALL noisy(); END",
            ),
            body(Kind::Procedure, "defines", "CREATE TABLE a (b INT)"),
            body(Kind::Procedure, "calls_defining", "CALL defines()"),
            body(Kind::Procedure, "calls_unknown", "SELECT udf(1)"),
            body(Kind::Procedure, "hidden", ""),
            body(Kind::Procedure, "even", "IF 1 THEN CALL odd(); END IF"),
            body(Kind::Procedure, "odd", "CALL even()"),
        ]);
        let of = |name| {
            let routine = call(RoutineKind::Procedure, Some("shop"), name);
            known.together(&[routine])
        };
        for name in ["p", "q", "even", "odd"] {
            assert_eq!(of(name), Leaves::No(FOUND), "{name}");
        }
        let both = Leftovers {
            insert_id: true,
            ..FOUND
        };
        assert_eq!(of("made"), Leaves::No(both));
        for name in ["noisy", "calls_noisy"] {
            assert_eq!(of(name), Leaves::Anything, "{name}");
        }
        for name in ["defines", "calls_defining", "calls_unknown", "hidden", "f"] {
            assert_eq!(of(name), Leaves::Unknown, "{name}");
        }
    }

    #[test]
    fn who_names_what_changes_logins_does_so() {
        let known = leavings(&[
            body(Kind::Procedure, "Zone", "SET GLOBAL time_zone = 'UTC'"),
            body(
                Kind::Procedure,
                "calls",
                "BEGIN SELECT '\\n'; CALL zone(); END",
            ),
            body(Kind::Package, "pkg", "PROCEDURE p() CALL shop.calls();"),
            body(Kind::Function, "f", "RETURN pkg.p()"),
            body(Kind::Procedure, "harmless", "UPDATE zones SET a = 1"),
            body(Kind::Trigger, "fires", "CALL zone()"),
        ]);
        let of =
            |database, name| known.change_logins(&[call(RoutineKind::Procedure, database, name)]);
        for (database, name) in [
            (Some("shop"), "zone"),
            (None, "zone"),
            (Some("shop"), "calls"),
            (None, "f"),
            (Some("pkg"), "p"),
        ] {
            assert!(of(database, name), "{database:?} {name}");
        }
        for name in ["harmless", "fires", "p", "zones"] {
            assert!(!of(Some("shop"), name), "{name}");
        }
        assert!(known.are_named_in(b"EXECUTE IMMEDIATE 'CALL Zone(1)'"));
        assert!(!known.are_named_in(b"EXECUTE IMMEDIATE 'CALL harmless()'"));
    }

    #[test]
    fn a_name_is_looked_for_with_its_database() {
        let known = leavings(&[body(Kind::Function, "F", "RETURN 1")]);
        let of = |database| known.together(&[call(RoutineKind::Function, database, "f")]);
        assert_eq!(of(Some("shop")), Leaves::No(Leftovers::default()));
        assert_eq!(of(Some("other")), Leaves::Unknown);
        assert_eq!(of(None), Leaves::Unknown);
    }

    #[test]
    fn what_may_be_of_a_package_is_not_known() {
        let known = leavings(&[
            body(Kind::Function, "f", "RETURN 1"),
            body(Kind::Package, "SHOP", "PROCEDURE f()"),
        ]);
        let function = call(RoutineKind::Function, Some("shop"), "f");
        assert_eq!(known.together(&[function]), Leaves::Unknown);
    }
}
