//! The suites: which there are, what each needs, and how it is told where its server is.

mod go;
mod node;
mod perl;
mod php;
mod python;

use std::path::Path;

use anyhow::{Context, Result};
use testkit::DatabaseKind;

use super::outcomes::Outcomes;
use super::place::Endpoint;

/// Runs a suite against a server, in a folder of its own.
pub(super) type Runner = Box<dyn Fn(&Endpoint, &Path) -> Result<Outcomes>>;

/// A driver's own tests.
#[derive(Debug)]
pub(super) struct Suite {
    /// How it is called on the command line.
    pub(super) name: &'static str,
    /// Fetches and installs what it needs; an error says why it cannot be had here.
    pub(super) prepare: fn() -> Result<Runner>,
    /// Databases that it cannot be run against, and why.
    unfit: &'static [(DatabaseKind, &'static str)],
}

/// All of them.
const ALL: [Suite; 9] = [
    Suite {
        name: "pymysql",
        prepare: python::pymysql,
        unfit: &[],
    },
    Suite {
        name: "mysql2",
        prepare: node::mysql2,
        unfit: &[],
    },
    Suite {
        name: "mysql2-source",
        prepare: node::mysql2_source,
        unfit: &[],
    },
    Suite {
        name: "mysqljs",
        prepare: node::mysqljs,
        unfit: &[(DatabaseKind::MySql, "it knows no caching_sha2_password")],
    },
    Suite {
        name: "go-sql-driver",
        prepare: go::go_sql_driver,
        unfit: &[],
    },
    Suite {
        name: "mysqlclient",
        prepare: python::mysqlclient,
        unfit: &[],
    },
    Suite {
        name: "aiomysql",
        prepare: python::aiomysql,
        unfit: &[],
    },
    Suite {
        name: "dbd-mariadb",
        prepare: perl::dbd_mariadb,
        unfit: &[],
    },
    Suite {
        name: "mysqli",
        prepare: php::mysqli,
        unfit: &[],
    },
];

impl Suite {
    /// Why it cannot be run against a database.
    pub(super) fn unfit(&self, kind: DatabaseKind) -> Option<&'static str> {
        let found = self.unfit.iter().find(|(unfit, _)| *unfit == kind)?;
        Some(found.1)
    }
}

/// The suites of these names; all if there are none.
pub(super) fn named(names: &[String]) -> Result<Vec<Suite>> {
    if names.is_empty() {
        return Ok(ALL.into());
    }
    let find = |name: &String| {
        let known = || ALL.map(|suite| suite.name).join(", ");
        let suite = ALL.into_iter().find(|suite| suite.name == name);
        suite.with_context(|| format!("`{name}` is none of these: {}", known()))
    };
    names.iter().map(find).collect()
}
