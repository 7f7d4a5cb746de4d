//! Tables of an origin, as people name them.

use std::fmt;
use std::str::FromStr;

/// Longest name of a database or table, in characters: MySQL's, MariaDB's and TiDB's own limit.
const MAX_NAME: usize = 64;

/// A table, written `database.table`, or `table` for one of this name in any database.
///
/// A name that itself holds a point or a backtick cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableName {
    /// The table's database. `None`: any.
    pub database: Option<String>,
    /// The table's own name.
    pub table: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{database}.")?;
        }
        f.write_str(&self.table)
    }
}

/// Why a text is not a [`TableName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a table; allowed: database.table, or table (in any database), each name with 1 to \
     {MAX_NAME} characters and without backticks"
)]
pub struct ParseTableNameError(String);

impl FromStr for TableName {
    type Err = ParseTableNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (database, table) = match text.split_once('.') {
            Some((database, table)) => (Some(database), table),
            None => (None, text),
        };
        if !database.into_iter().chain([table]).all(is_name) {
            return Err(ParseTableNameError(text.to_owned()));
        }
        Ok(Self {
            database: database.map(str::to_owned),
            table: table.to_owned(),
        })
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| !matches!(c, '.' | '`') && !c.is_control();
    (1..=MAX_NAME).contains(&name.chars().count()) && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_may_be_named() {
        for (text, database, table) in [
            ("shop.orders", Some("shop"), "orders"),
            ("orders", None, "orders"),
            ("my-shop.order items", Some("my-shop"), "order items"),
            ("店.注文", Some("店"), "注文"),
        ] {
            let name: TableName = text.parse().unwrap();
            assert_eq!((name.database.as_deref(), &*name.table), (database, table));
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn a_name_has_at_most_64_characters() {
        for longest in ["x".repeat(64), "\u{e4}".repeat(64)] {
            assert!(longest.parse::<TableName>().is_ok());
            assert!(format!("{longest}.{longest}").parse::<TableName>().is_ok());
            assert!(format!("{longest}x").parse::<TableName>().is_err());
            assert!(format!("{longest}x.t").parse::<TableName>().is_err());
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        for text in [
            "",
            ".",
            "shop.",
            ".orders",
            "a.b.c",
            "`shop`.`orders`",
            "a\0b",
            "a\n",
        ] {
            assert!(text.parse::<TableName>().is_err(), "{text}");
        }
    }
}
