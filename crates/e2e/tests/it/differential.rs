//! Random sessions through a pool of two are told what direct connections are told, and a tidegate
//! that is broken on purpose is found out. This is the short form; `cargo xtask check differential`
//! runs as many as one likes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::differential::{Campaign, Summary, Through};
use testkit::DatabaseKind;

/// Decides the programs. Those of a failed run can be had again by its number.
const SEED: u64 = 1;

/// Programs for each database, as far as they take no longer than [`LIMIT`].
const PROGRAMS: usize = 320;

/// Programs within which a mutant has to be found, which mostly takes a tenth of them.
const PROGRAMS_OF_MUTANTS: usize = 3200;

/// A busy machine runs fewer programs.
const LIMIT: Duration = Duration::from_secs(45);

async fn run(kind: DatabaseKind, through: Through) -> Result<Option<Summary>> {
    let mut campaign = Campaign::new(kind, through, SEED, PROGRAMS);
    campaign.limit = Some(LIMIT);
    campaign.run(|_| {}).await
}

/// No difference, and the programs did what programs are for.
async fn nobody_can_tell(kind: DatabaseKind, through: Through) -> Result<()> {
    let Some(summary) = run(kind, through).await? else {
        return Ok(());
    };
    let texts: Vec<_> = summary.findings.iter().map(|one| &*one.text).collect();
    ensure!(texts.is_empty(), "{}", texts.join("\n"));
    ensure!(summary.replies > summary.programs, "{summary:?}");
    let succeeded = summary.replies - summary.errors;
    ensure!(succeeded > 3 * summary.errors, "most fail: {summary:?}");
    Ok(())
}

/// Programs that begin with those of [`nobody_can_tell`] show a difference.
async fn finds(mutant: &str) -> Result<()> {
    let through = Through::Tidegate(Some(mutant.to_owned()));
    let mut campaign = Campaign::new(DatabaseKind::MariaDb, through, SEED, PROGRAMS_OF_MUTANTS);
    campaign.shrink = false;
    let summary = campaign.run(|_| {}).await?.context("no MariaDB")?;
    ensure!(!summary.findings.is_empty(), "{mutant}: {summary:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_connections_cannot_be_told_apart() -> Result<()> {
    nobody_can_tell(DatabaseKind::MariaDb, Through::Nothing).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_through_tidegate_cannot_be_told_from_mariadb() -> Result<()> {
    nobody_can_tell(DatabaseKind::MariaDb, Through::Tidegate(None)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tidb_through_tidegate_cannot_be_told_from_tidb() -> Result<()> {
    nobody_can_tell(DatabaseKind::Tidb, Through::Tidegate(None)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_through_tidegate_cannot_be_told_from_mysql() -> Result<()> {
    nobody_can_tell(DatabaseKind::MySql, Through::Tidegate(None)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_not_reset_are_found() -> Result<()> {
    finds("no-reset").await
}

#[tokio::test(flavor = "multi_thread")]
async fn state_that_is_not_brought_is_found() -> Result<()> {
    finds("no-bring").await
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_that_are_not_captured_are_found() -> Result<()> {
    finds("no-capture").await
}
