//! How much the origin's user is shown of what hangs on a table that no statement names.
//!
//! What is not shown may change tables that are. Without a look at it that is known all the same:
//!
//! ```text
//!   triggers       of a table whose triggers are not shown, or that mention what is not: a write
//!                  to it is one of everything
//!   foreign keys   of a table whose own are not shown, or whose parent is not: it is a stray, and
//!                  any write may change it along
//! ```
//!
//! Rows that a foreign key changes along fire no triggers, or else a server with such triggers
//! says so (`cascades_fire`).

use crate::origin::{Flavor, OriginConn};
use crate::programs::Grants;

/// Rights of which MariaDB wants one to show a table's foreign keys.
const SHOW_KEYS: [&str; 9] = [
    "TRIGGER",
    "REFERENCES",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "ALTER",
    "INDEX",
    "DROP",
];

/// What is shown of one table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shown {
    /// Its triggers, as far as the user may fire any.
    pub(super) triggers: bool,
    /// The foreign keys by which it is a child.
    pub(super) foreign_keys: bool,
    /// All other tables of its database.
    pub(super) others: bool,
}

/// What decides that.
#[derive(Debug)]
pub(super) enum Rights {
    /// It has no triggers, and shows all of whatever it shows.
    TiDb,
    /// What a user has is not known; foreign keys are shown all the same, or not.
    Unknown { foreign_keys: bool },
    /// Likewise.
    Known { grants: Grants, foreign_keys: bool },
}

impl Rights {
    /// Asks for them. MySQL shows foreign keys with each table from 8.0 on, when it has roles.
    pub(super) async fn ask(conn: &mut OriginConn, has_roles: bool) -> Result<Self, String> {
        if conn.flavor() == Flavor::TiDb {
            return Ok(Self::TiDb);
        }
        let foreign_keys = conn.flavor() == Flavor::MySql && has_roles;
        let grants = Grants::ask(conn).await?;
        if grants.are_partly_known() {
            return Ok(Self::Unknown { foreign_keys });
        }
        Ok(Self::Known {
            grants,
            foreign_keys,
        })
    }

    pub(super) fn show(&self, database: &str, table: &str) -> Shown {
        match self {
            Self::TiDb => Shown {
                triggers: true,
                foreign_keys: true,
                others: true,
            },
            Self::Unknown { foreign_keys } => Shown {
                triggers: false,
                foreign_keys: *foreign_keys,
                others: false,
            },
            Self::Known {
                grants,
                foreign_keys,
            } => {
                let others = grants.have_on_all_of(database, "TRIGGER");
                let has = |right| {
                    grants.have_on_table(database, table, right)
                        || grants.have_on_all_of(database, right)
                };
                Shown {
                    triggers: others || !grants.may_write() || has("TRIGGER"),
                    foreign_keys: *foreign_keys || others || SHOW_KEYS.into_iter().any(has),
                    others,
                }
            }
        }
    }

    /// True when each trigger is shown that a user fires.
    fn show_all_triggers(&self) -> bool {
        match self {
            Self::TiDb => true,
            Self::Unknown { .. } => false,
            Self::Known { grants, .. } => !grants.may_write() || grants.have_everywhere("TRIGGER"),
        }
    }

    /// True when rows that a foreign key changes along fire triggers of which some may not be
    /// shown. MySQL has that from 9.7 on.
    pub(super) async fn may_fire_by_cascades(&self, conn: &mut OriginConn) -> Result<bool, String> {
        if conn.flavor() != Flavor::MySql || self.show_all_triggers() {
            return Ok(false);
        }
        let question = "SHOW GLOBAL VARIABLES LIKE 'enable_cascade_triggers'";
        let rows = conn.ask_rows(question).await;
        let rows = rows.map_err(|error| error.to_string())?.unwrap_or_default();
        let is_on =
            |row: &Vec<Option<String>>| row.get(1).is_some_and(|on| on.as_deref() != Some("OFF"));
        Ok(rows.iter().any(is_on))
    }
}
