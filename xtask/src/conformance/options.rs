//! What the command line asks for.

use anyhow::{Context, Result, bail};
use testkit::DatabaseKind;

use super::{USAGE, origin_name};

/// Small enough that sessions meet on the same origin connections, and enough for the tests that
/// hold a few connections with a state of their own at the same time.
const POOL: u32 = 4;

/// The options, with their defaults.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    /// Names of suites; empty for all.
    pub(super) drivers: Vec<String>,
    /// Databases to run them against.
    pub(super) origins: Vec<DatabaseKind>,
    /// `pool.max` of the hyperdrive.
    pub(super) pool: u32,
    /// One JSON object instead of tables.
    pub(super) json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            drivers: Vec::new(),
            origins: DatabaseKind::ALL.to_vec(),
            pool: POOL,
            json: false,
        }
    }
}

impl Options {
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(&name) = arguments.next() {
            if name == "--json" {
                options.json = true;
                continue;
            }
            let value = arguments.next();
            let value = *value.with_context(|| format!("{name} needs a value\n\n{USAGE}"))?;
            match name {
                "--driver" => options.drivers = value.split(',').map(str::to_owned).collect(),
                "--origin" => {
                    options.origins = value.split(',').map(origin).collect::<Result<_>>()?;
                }
                "--pool" => options.pool = value.parse().context("--pool is not a number")?,
                _ => bail!("unknown option {name}\n\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

fn origin(name: &str) -> Result<DatabaseKind> {
    DatabaseKind::ALL
        .into_iter()
        .find(|kind| origin_name(*kind) == name)
        .with_context(|| format!("`{name}` is no database of these: mariadb, mysql, tidb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_options() {
        let arguments = [
            "--driver",
            "a,b",
            "--json",
            "--origin",
            "tidb,mysql",
            "--pool",
            "2",
        ];
        let expected = Options {
            drivers: vec!["a".to_owned(), "b".to_owned()],
            origins: vec![DatabaseKind::Tidb, DatabaseKind::MySql],
            pool: 2,
            json: true,
        };
        assert_eq!(Options::parse(&arguments).unwrap(), expected);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for arguments in [
            &["--fast"] as &[_],
            &["--driver"],
            &["--origin", "oracle"],
            &["--pool", "x"],
        ] {
            assert!(Options::parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
