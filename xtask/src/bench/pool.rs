//! `cargo xtask bench pool`: what pooling costs and how it holds up.
//!
//! Point selects, as text and prepared, through HAProxy, an edge and MySQL Router, to MariaDB and
//! to MySQL; more clients than origin connections; many new clients each second; idle clients.
//! Each has a target, and the last table says which are met.

mod comparison;
mod crowd;
mod report;
mod storm;

use std::path::Path;

use anyhow::{Context, Result};

use super::idle::{self, Idle};
use super::numbers::version_in;
use super::options::{Options, Part};
use super::programs::{Profile, Programs};
use super::progress;
use super::router::Router;
use super::ways::Ways;
use crate::command::version;
use crate::test::mysql;
use comparison::Comparison;
use crowd::Crowd;
use report::Report;
use storm::Storm;

/// Everything that was found.
#[derive(Debug, Default)]
struct Findings {
    comparisons: Vec<Comparison>,
    crowd: Option<Crowd>,
    storm: Option<Storm>,
    idle: Option<Idle>,
    /// What could not be measured, and why.
    skipped: Vec<String>,
}

/// Measures and reports.
pub(super) fn run(options: &Options) -> Result<()> {
    let mut programs = Programs::prepare(Profile::Release)?;
    let folder = super::folder()?;
    let mut findings = Findings::default();
    let of_mariadb = [Part::MariaDb, Part::Crowd, Part::Storm, Part::Idle];
    if of_mariadb.iter().any(|part| options.wants(*part)) {
        findings.with_mariadb(&programs, options, &folder.path().join("mariadb"))?;
    }
    if options.wants(Part::MySql) {
        match provide(&mut programs) {
            Ok((mysqld, router)) => {
                let folder = folder.path().join("mysql");
                let ways = Ways::to_mysql(&programs, &mysqld, &router, &folder)?;
                let measured = comparison::measure(&programs, options, ("MySQL", &ways))?;
                findings.comparisons.extend(measured);
            }
            Err(error) => findings.skipped.push(format!("{error:#}")),
        }
    }
    let report = Report {
        options,
        programs: &programs,
        findings,
    };
    report.print()
}

/// MySQL and MySQL Router. An error says which is not to be had and why.
fn provide(programs: &mut Programs) -> Result<(std::path::PathBuf, Router)> {
    let mysqld = mysql::provide().context("no comparison with MySQL Router, as MySQL is absent")?;
    let router = Router::provide().context("no comparison with MySQL Router")?;
    let mysql = version(&mysqld, "--version").unwrap_or_default();
    for (name, version) in [("MySQL", &mysql), ("MySQL Router", &router.version)] {
        programs
            .versions
            .push((name, version_in(version).to_owned()));
    }
    Ok((mysqld, router))
}

impl Findings {
    /// All that is measured before a MariaDB. Memory comes last, when the edge has worked.
    fn with_mariadb(
        &mut self,
        programs: &Programs,
        options: &Options,
        folder: &Path,
    ) -> Result<()> {
        let ways = Ways::to_mariadb(programs, folder)?;
        if options.wants(Part::MariaDb) {
            self.comparisons = comparison::measure(programs, options, ("MariaDB", &ways))?;
        }
        if options.wants(Part::Crowd) {
            self.crowd = Some(crowd::measure(programs, options, &ways)?);
        }
        if options.wants(Part::Storm) {
            self.storm = Some(storm::measure(options, &ways)?);
        }
        if options.wants(Part::Idle) {
            progress("idle clients");
            self.idle = idle::measure(programs, options.idle, ways.edge(), &ways.log)?;
        }
        Ok(())
    }
}
