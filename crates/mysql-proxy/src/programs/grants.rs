//! What the origin's user may do, as `SHOW GRANTS` says, as far as it decides what it is shown.

use crate::origin::OriginConn;

/// Each a line of `SHOW GRANTS`. `None`: not in UTF-8.
#[derive(Debug)]
pub(super) struct Grants(Vec<Option<String>>);

/// Rights on something.
struct Grant<'a> {
    rights: &'a str,
    /// `*.*`, `` `shop`.* ``, `` `shop`.`t` ``.
    on: &'a str,
}

impl Grants {
    pub(super) async fn ask(conn: &mut OriginConn) -> Result<Self, String> {
        let rows = conn.ask_rows("SHOW GRANTS").await;
        let rows = rows.map_err(|error| error.to_string())?.unwrap_or_default();
        let first = |row: Vec<Option<String>>| row.into_iter().next().flatten();
        Ok(Self(rows.into_iter().map(first).collect()))
    }

    /// True when it may have others: those of a role, which nothing shows here, less what a partial
    /// revoke takes away.
    pub(super) fn are_partly_known(&self) -> bool {
        let is_known = |line: &Option<String>| {
            line.as_deref()
                .is_some_and(|line| Grant::of(line).is_some() && !line.starts_with("REVOKE"))
        };
        self.0.is_empty() || !self.0.iter().all(is_known)
    }

    /// True when it is shown the triggers of whatever it may write to.
    pub(super) fn show_triggers(&self) -> bool {
        self.all().all(|grant| {
            let writes = ["INSERT", "UPDATE", "DELETE"];
            let may_write = writes.iter().any(|right| grant.has(right));
            !may_write || grant.has("TRIGGER")
        })
    }

    /// True when it is shown the text of each view of a database.
    pub(super) fn show_views_of(&self, database: &str) -> bool {
        self.all()
            .any(|grant| grant.has("SHOW VIEW") && grant.is_on_all_of(database))
    }

    fn all(&self) -> impl Iterator<Item = Grant<'_>> {
        self.0.iter().flatten().filter_map(|line| Grant::of(line))
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

    fn has(&self, right: &str) -> bool {
        self.rights.contains(right) || self.rights.contains("ALL PRIVILEGES")
    }

    fn is_on_all_of(&self, database: &str) -> bool {
        let name = self.on.strip_suffix(".*");
        let Some(name) = name.map(|name| name.trim_matches('`')) else {
            return false;
        };
        // A pattern; a plain name has its own wildcards behind backslashes.
        match name.strip_suffix('%') {
            Some("") => true,
            Some(start) if !start.ends_with('\\') => database.starts_with(&start.replace('\\', "")),
            _ => name == "*" || name.replace('\\', "") == database,
        }
    }
}

#[cfg(test)]
impl Grants {
    pub(super) fn new(lines: &[&str]) -> Self {
        Self(lines.iter().map(|line| Some((*line).to_owned())).collect())
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
        ] {
            assert_eq!(Grants::new(&[grant]).show_triggers(), shows, "{grant}");
            assert!(!Grants::new(&[grant]).are_partly_known());
        }
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
