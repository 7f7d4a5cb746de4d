//! `cargo xtask bench path`: what a query costs on each way to the database, in one run.
//!
//! Four ways lead to the same MariaDB: straight, through HAProxy in tcp mode, through an edge, and
//! through an edge and a connector. Absolute figures are the machine's; the ratios to HAProxy are
//! what counts.

mod legs;
mod report;
mod results;

use anyhow::Result;

use super::database::Database;
use super::numbers::of_clients;
use super::options::Options;
use super::programs::{Profile, Programs};
use super::sysbench::{Load, Reads, Statements};
use super::{idle, progress, rounds, startup};
use legs::Legs;
use report::Report;
use results::Run;

/// Measures and reports.
pub(super) fn run(options: &Options) -> Result<()> {
    let programs = Programs::prepare(Profile::Release)?;
    let folder = super::folder()?;
    progress("MariaDB: making its data and starting it");
    let database = Database::mariadb(&programs, &folder.path().join("mariadb"))?;
    progress("start to ready");
    let startup = startup::measure(&programs, &database, &folder.path().join("startup"))?;
    progress("starting HAProxy, the edges and the connector");
    let legs = Legs::start(&programs, database, folder.path())?;
    let mut runs = Vec::new();
    for &clients in &options.clients {
        let load = Load {
            reads: Reads::POINTS,
            statements: Statements::Text,
            clients,
            length: options.length(),
            rate: None,
        };
        let what = of_clients(clients);
        let load = (what.as_str(), &load);
        let measured = rounds::measure(&programs, &legs.all(), load, options.rounds, &legs.log)?;
        runs.push(Run::new(clients, &measured)?);
    }
    let idle = idle::measure(&programs, options.idle, legs.edge(), &legs.log)?;
    let report = Report {
        options,
        programs: &programs,
        startup,
        runs,
        idle,
    };
    report.print()
}
