//! What the origin's user may do, as `SHOW GRANTS` says, as far as it decides what it is shown.

use super::is_of_server;
use crate::origin::{Flavor, OriginConn};

/// Rights by which a statement may change rows, and triggers are fired.
const WRITES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// What `SHOW GRANTS` says.
#[derive(Debug)]
pub(crate) struct Grants {
    /// `None`: not in UTF-8.
    lines: Vec<Option<String>>,
    /// The rights of roles are among them.
    has_rights_of_roles: bool,
}

/// Rights on something.
struct Grant<'a> {
    rights: &'a str,
    /// `*.*`, `` `shop`.* ``, `` `shop`.`t` ``.
    on: &'a str,
}

impl Grants {
    pub(crate) async fn ask(conn: &mut OriginConn) -> Result<Self, String> {
        let rows = conn.ask_rows("SHOW GRANTS").await;
        let rows = rows.map_err(|error| error.to_string())?.unwrap_or_default();
        let first = |row: Vec<Option<String>>| row.into_iter().next().flatten();
        Ok(Self {
            lines: rows.into_iter().map(first).collect(),
            has_rights_of_roles: conn.flavor() == Flavor::MySql,
        })
    }

    /// True when it may have others: those of a role, where nothing shows them, less what a partial
    /// revoke takes away.
    pub(crate) fn are_partly_known(&self) -> bool {
        let is_known = |line: &str| match Grant::of(line) {
            Some(grant) => {
                let of_server = grant.database().is_some_and(is_of_server);
                !line.starts_with("REVOKE") || of_server
            }
            None => self.has_rights_of_roles,
        };
        let mut lines = self.lines.iter();
        self.lines.is_empty() || !lines.all(|line| line.as_deref().is_some_and(is_known))
    }

    /// True when it is shown the triggers of whatever it may write to, by a view too.
    pub(crate) fn show_triggers(&self) -> bool {
        let writes = |grant: &Grant<'_>| WRITES.iter().any(|right| grant.has(right));
        let writes_somewhere = self.all().any(|grant| writes(&grant));
        self.all().all(|grant| {
            let may_write = writes(&grant) || (writes_somewhere && grant.has("SHOW VIEW"));
            !may_write || grant.has("TRIGGER")
        })
    }

    /// True when it may change rows of some table by a statement.
    pub(crate) fn may_write(&self) -> bool {
        self.all()
            .any(|grant| WRITES.iter().any(|right| grant.has(right)))
    }

    /// True when it has this right everywhere.
    pub(crate) fn have_everywhere(&self, right: &str) -> bool {
        self.all()
            .any(|grant| grant.on == "*.*" && grant.has(right))
    }

    /// True when it has this right on all of a database, whatever rights on a part of it say.
    pub(crate) fn have_on_all_of(&self, database: &str, right: &str) -> bool {
        let of_database = || self.all().filter(|grant| grant.on != "*.*");
        // Where several patterns match a name, the server takes one of them.
        self.have_everywhere(right)
            || of_database().any(|grant| grant.is_on_all_of(database))
                && of_database()
                    .filter(|grant| grant.may_be_on_all_of(database))
                    .all(|grant| grant.has(right))
    }

    /// True when it has this right on this table by itself, or on columns of it.
    pub(crate) fn have_on_table(&self, database: &str, table: &str, right: &str) -> bool {
        let on = format!("`{database}`.`{table}`");
        self.all().any(|grant| grant.on == on && grant.has(right))
    }

    /// True when it is shown the text of each view of a database.
    pub(super) fn show_views_of(&self, database: &str) -> bool {
        self.all()
            .any(|grant| grant.has("SHOW VIEW") && grant.is_on_all_of(database))
    }

    fn all(&self) -> impl Iterator<Item = Grant<'_>> {
        let lines = self.lines.iter().flatten();
        lines
            .filter(|line| !line.starts_with("REVOKE"))
            .filter_map(|line| Grant::of(line))
    }
}

impl<'a> Grant<'a> {
    /// A role has no `ON`.
    fn of(line: &'a str) -> Option<Self> {
        let (rights, rest) = line.split_once(" ON ")?;
        let (on, _) = rest
            .rsplit_once(" TO ")
            .or_else(|| rest.rsplit_once(" FROM "))?;
        Some(Self { rights, on })
    }

    /// Also a right on columns, but not one that is named as a column is.
    fn has(&self, right: &str) -> bool {
        let words = self.rights.strip_prefix("GRANT ").unwrap_or(self.rights);
        let mut rights = words.split(',').map(str::trim);
        rights.any(|one| one.split(" (").next() == Some(right) || one == "ALL PRIVILEGES")
    }

    /// The database on the whole of which it is; or the pattern of its name.
    fn database(&self) -> Option<&str> {
        let name = self.on.strip_suffix(".*")?;
        Some(name.trim_matches('`'))
    }

    fn is_on_all_of(&self, database: &str) -> bool {
        let Some(name) = self.database() else {
            return false;
        };
        // A pattern; a plain name has its own wildcards behind backslashes.
        match name.strip_suffix('%') {
            Some("") => true,
            Some(start) if !start.ends_with('\\') => database.starts_with(&start.replace('\\', "")),
            _ => name == "*" || name.replace('\\', "") == database,
        }
    }

    /// False when the pattern surely does not match the database.
    fn may_be_on_all_of(&self, database: &str) -> bool {
        self.database()
            .is_some_and(|pattern| may_match(pattern.as_bytes(), database.as_bytes()))
    }
}

/// True where `LIKE` would match, in any case of the letters.
fn may_match(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        ([b'%', rest @ ..], _) => (0..=name.len())
            .filter_map(|at| name.get(at..))
            .any(|tail| may_match(rest, tail)),
        ([b'_', rest @ ..], [_, tail @ ..]) => may_match(rest, tail),
        ([b'\\', one, rest @ ..] | [one, rest @ ..], [first, tail @ ..]) => {
            one.eq_ignore_ascii_case(first) && may_match(rest, tail)
        }
        _ => false,
    }
}

#[cfg(test)]
impl Grants {
    pub(super) fn new(lines: &[&str]) -> Self {
        Self {
            lines: lines.iter().map(|line| Some((*line).to_owned())).collect(),
            has_rights_of_roles: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_must_be_shown_triggers() {
        for (grant, shows) in [
            ("GRANT USAGE ON *.* TO `app`@`%`", true),
            ("GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`", true),
            (
                "GRANT SELECT, INSERT, TRIGGER ON `shop`.* TO `app`@`%`",
                true,
            ),
            ("GRANT SELECT ON `shop`.* TO `app`@`%`", true),
            ("GRANT SELECT, INSERT ON `shop`.* TO `app`@`%`", false),
            ("GRANT INSERT (`a`) ON `shop`.`t` TO `app`@`%`", false),
            ("GRANT INSERT (`TRIGGER`) ON `shop`.`t` TO `app`@`%`", false),
            ("GRANT SELECT, SHOW VIEW ON `shop`.* TO `app`@`%`", true),
        ] {
            assert_eq!(Grants::new(&[grant]).show_triggers(), shows, "{grant}");
            assert!(!Grants::new(&[grant]).are_partly_known());
        }
    }

    #[test]
    fn who_writes_by_a_view_must_be_shown_the_triggers_behind_it() {
        let all = "GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`";
        let behind = "GRANT SELECT, SHOW VIEW ON `hidden`.* TO `app`@`%`";
        assert!(!Grants::new(&[all, behind]).show_triggers());
    }

    #[test]
    fn what_is_taken_away_of_the_servers_own_is_nothing() {
        let all = "GRANT ALL PRIVILEGES ON *.* TO `app`@`%`";
        let less = "REVOKE INSERT, TRIGGER ON `mysql`.* FROM `app`@`%`";
        let grants = Grants::new(&[all, less]);
        assert!(!grants.are_partly_known() && grants.show_triggers());
    }

    #[test]
    fn nothing_is_known_of_roles_and_of_what_is_taken_away() {
        for line in [
            "GRANT `writer`@`%` TO `app`@`%`",
            "REVOKE TRIGGER ON `shop`.* FROM `app`@`%`",
        ] {
            let grants = ["GRANT ALL PRIVILEGES ON *.* TO `app`@`%`", line];
            assert!(Grants::new(&grants).are_partly_known(), "{line}");
        }
        assert!(Grants::new(&[]).are_partly_known());
    }

    #[test]
    fn a_right_on_a_database_is_that_of_each_pattern_that_matches() {
        let all = "GRANT ALL PRIVILEGES ON `shop%`.* TO `app`@`%`";
        assert!(Grants::new(&[all]).have_on_all_of("shop_1", "TRIGGER"));
        for (other, has) in [
            ("GRANT SELECT ON *.* TO `app`@`%`", true),
            ("GRANT SELECT ON `shops`.* TO `app`@`%`", true),
            ("GRANT SELECT ON `shop_1`.`t` TO `app`@`%`", true),
            ("GRANT SELECT ON `shop\\_1`.* TO `app`@`%`", false),
            ("GRANT SELECT ON `s%p__`.* TO `app`@`%`", false),
            ("GRANT SELECT ON `SHOP_1`.* TO `app`@`%`", false),
        ] {
            let grants = Grants::new(&[all, other]);
            assert_eq!(grants.have_on_all_of("shop_1", "TRIGGER"), has, "{other}");
            let everywhere = Grants::new(&["GRANT TRIGGER ON *.* TO `app`@`%`", other]);
            assert!(everywhere.have_on_all_of("shop_1", "TRIGGER"));
        }
        let on_table = Grants::new(&["GRANT SELECT, TRIGGER ON `shop`.`t` TO `app`@`%`"]);
        assert!(on_table.have_on_table("shop", "t", "TRIGGER"));
        assert!(!on_table.have_on_table("shop", "u", "TRIGGER"));
        assert!(!on_table.have_on_all_of("shop", "TRIGGER"));
    }

    #[test]
    fn views_are_shown_of_databases_on_the_whole_of_which_there_is_the_right() {
        for (grant, shows) in [
            ("GRANT ALL PRIVILEGES ON *.* TO `app`@`%`", true),
            ("GRANT ALL PRIVILEGES ON `shop_1`.* TO `app`@`%`", true),
            ("GRANT SELECT, SHOW VIEW ON `shop\\_1`.* TO `app`@`%`", true),
            ("GRANT ALL PRIVILEGES ON `shop%`.* TO `app`@`%`", true),
            ("GRANT SELECT ON `shop_1`.* TO `app`@`%`", false),
            ("GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`", false),
            ("GRANT ALL PRIVILEGES ON `shop_1`.`v` TO `app`@`%`", false),
        ] {
            assert_eq!(
                Grants::new(&[grant]).show_views_of("shop_1"),
                shows,
                "{grant}"
            );
        }
    }
}
