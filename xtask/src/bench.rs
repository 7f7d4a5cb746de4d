//! `cargo xtask bench path`: what a query costs on each way to the database, in one run.
//!
//! Four ways lead to the same MariaDB: straight, through HAProxy in tcp mode, through an edge, and
//! through an edge and a connector. Sysbench's point selects go over each in turn, round after
//! round, so that what disturbs the machine disturbs all of them. Absolute figures are the
//! machine's; the ratios to HAProxy are what counts. Everything runs on this machine, in a
//! temporary folder, as children of this process.

mod database;
mod haproxy;
mod idle;
mod legs;
mod options;
mod programs;
mod report;
mod rounds;
mod server;
mod startup;
mod sysbench;
mod tidegate;
mod wait;

use anyhow::{Result, bail, ensure};

use database::Database;
use legs::Legs;
use options::Options;
use programs::Programs;
use report::Report;

const USAGE: &str = "usage: cargo xtask bench path [OPTION...]

  --seconds N     length of each measurement (default 3)
  --rounds N      measurements of each way; medians are reported (default 5)
  --clients N,N   numbers of clients to measure with (default 1,16)
  --idle N        idle clients to measure the edge's memory with, 0 for none (default 1000)
  --json          one JSON object on one line instead of tables";

/// Runs the benchmark that is named first.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["path", rest @ ..] => path(&Options::parse(rest)?),
        _ => bail!("{USAGE}"),
    }
}

fn path(options: &Options) -> Result<()> {
    ensure!(
        cfg!(target_os = "linux"),
        "the benchmark reads processor time from /proc, which only Linux has"
    );
    let programs = Programs::prepare()?;
    let folder = tempfile::Builder::new()
        .prefix("tidegate-bench-")
        .tempdir()?;
    progress("MariaDB: making its data and starting it");
    let database = Database::start(&programs, &folder.path().join("mariadb"))?;
    progress("start to ready");
    let startup = startup::measure(&programs, &database, &folder.path().join("startup"))?;
    progress("starting HAProxy, the edges and the connector");
    let legs = Legs::start(&programs, database, folder.path())?;
    let runs = rounds::measure(&programs, options, &legs)?;
    let idle = idle::measure(&programs, options, &legs)?;
    let report = Report {
        options,
        programs: &programs,
        startup,
        runs,
        idle,
    };
    report.print()
}

/// Says on stderr what goes on, as stdout is for the result.
fn progress(message: &str) {
    eprintln!("{message}");
}
