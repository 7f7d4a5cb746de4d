//! `cargo xtask conformance`: the drivers' own test suites, run directly against a database and
//! through tidegate, and where their results differ.
//!
//! A suite is somebody else's program: it is fetched with a pinned version and hash, copied into a
//! temporary folder, told where its server is, and run as its authors run it. It runs twice against
//! the same database, once for each way, and its tests are compared one by one. Tests that fail on
//! both ways say nothing of tidegate. One that fails on one of them must be in
//! `clients/conformance/differences.toml` with a reason, or else the command fails.

mod compare;
mod explained;
mod fetch;
mod options;
mod outcomes;
mod place;
mod report;
mod run;
mod suites;

use anyhow::{Context, Result, ensure};
use testkit::DatabaseKind;
use tokio::runtime::Runtime;

use compare::Comparison;
use explained::Explained;
use options::Options;
use place::Place;
use suites::Suite;

const USAGE: &str = "usage: cargo xtask conformance [OPTION...]

  --driver NAME,NAME   only these drivers
  --origin NAME,NAME   only these databases, of mariadb, mysql and tidb
  --pool N             origin connections of the hyperdrive (default 4)
  --json               one JSON object on one line instead of tables

The tests of mysql2 as it is developed are run from the folder that MYSQL2_SOURCE names, a checkout
of its repository in which `npm ci` was run.";

/// Runs the suites and prints where they differ; fails when a difference has no explanation.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let options = Options::parse(arguments)?;
    let explained = Explained::read()?;
    let mut skipped = Vec::new();
    let mut ready = Vec::new();
    for suite in suites::named(&options.drivers)? {
        // Nobody has every language's tools.
        match (suite.prepare)() {
            Ok(runner) => ready.push((suite, runner)),
            Err(error) => skipped.push(format!("{}: {error:#}", suite.name)),
        }
    }
    let runtime = Runtime::new().context("cannot start tokio")?;
    let mut comparisons = Vec::new();
    for &origin in &options.origins {
        let Some(place) = runtime.block_on(Place::start(origin, options.pool))? else {
            skipped.push(format!("{origin}: it is not installed"));
            continue;
        };
        for (suite, runner) in &ready {
            if let Some(why) = suite.unfit(origin) {
                skipped.push(format!("{} against {origin}: {why}", suite.name));
                continue;
            }
            progress(&format!("{} against {origin}", suite.name));
            let comparison = compare(&runtime, &place, suite, runner, &explained)?;
            progress(&report::line(&comparison));
            comparisons.push(comparison);
        }
    }
    report::print(&comparisons, &skipped, options.json)?;
    let unexplained: usize = comparisons.iter().map(|each| each.unexplained.len()).sum();
    ensure!(
        unexplained == 0,
        "{unexplained} differences have no explanation"
    );
    ensure!(!comparisons.is_empty(), "nothing was compared");
    Ok(())
}

/// Runs one suite on both ways. Where that leaves something unexplained it runs once more: what
/// differs by chance does not differ twice.
fn compare(
    runtime: &Runtime,
    place: &Place,
    suite: &Suite,
    runner: &suites::Runner,
    explained: &Explained,
) -> Result<Comparison> {
    let once = || -> Result<Comparison> {
        let mut both = Vec::new();
        for endpoint in [place.direct(), place.through()] {
            runtime.block_on(place.empty())?;
            let folder = tempfile::Builder::new()
                .prefix("tidegate-conformance-")
                .tempdir()?;
            let outcomes = runner(endpoint, folder.path());
            both.push(outcomes.with_context(|| format!("{}, {}", suite.name, endpoint.way))?);
        }
        let through = both.pop().context("there are two ways")?;
        let direct = both.pop().context("there are two ways")?;
        Ok(Comparison::new(
            suite.name,
            place.kind(),
            &direct,
            &through,
            explained,
        ))
    };
    let first = once()?;
    if first.unexplained.is_empty() {
        return Ok(first);
    }
    progress("  once more, as some differences may be chance");
    Ok(first.confirmed_by(&once()?))
}

/// The name of a database on the command line and in the list of differences.
fn origin_name(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::MariaDb => "mariadb",
        DatabaseKind::MySql => "mysql",
        DatabaseKind::Tidb => "tidb",
    }
}

/// Says on stderr what goes on, as stdout is for the result.
fn progress(message: &str) {
    eprintln!("{message}");
}
