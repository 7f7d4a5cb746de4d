//! No read through the cache is older than a write that was acknowledged, or a read that was
//! completed, before it began; and a cache that leaves a step out is found out. This is the short
//! form; `cargo xtask check coherence` reads a million times.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::coherence::{Campaign, Summary, Through};
use testkit::DatabaseKind;

/// Reads for each database, as far as they take no longer than [`LIMIT`].
const READS: u64 = 60_000;

/// A busy machine reads less.
const LIMIT: Duration = Duration::from_secs(25);

/// The scene that a mutant fails comes within the first seconds.
const LIMIT_OF_MUTANTS: Duration = Duration::from_secs(60);

async fn run(kind: DatabaseKind, through: Through, limit: Duration) -> Result<Option<Summary>> {
    let mut campaign = Campaign::new(kind, through, READS);
    campaign.limit = Some(limit);
    campaign.run(|_| {}).await
}

async fn is_coherent(kind: DatabaseKind, through: Through) -> Result<()> {
    let Some(summary) = run(kind, through, LIMIT).await? else {
        return Ok(());
    };
    ensure!(summary.violations.is_empty(), "{summary}");
    ensure!(summary.cuts > 0, "nothing was cut:\n{summary}");
    ensure!(summary.scenes > 0, "no scene was played:\n{summary}");
    Ok(())
}

async fn finds(mutant: &str) -> Result<()> {
    let through = Through::Cache(Some(mutant.to_owned()));
    let summary = run(DatabaseKind::MariaDb, through, LIMIT_OF_MUTANTS).await?;
    let summary = summary.context("no MariaDB")?;
    ensure!(!summary.violations.is_empty(), "{mutant}: {summary}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_itself_is_coherent() -> Result<()> {
    is_coherent(DatabaseKind::MariaDb, Through::Nothing).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_through_a_cache_is_coherent() -> Result<()> {
    is_coherent(DatabaseKind::MariaDb, Through::Cache(None)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_through_a_cache_is_coherent() -> Result<()> {
    is_coherent(DatabaseKind::MySql, Through::Cache(None)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tidb_through_a_cache_is_coherent() -> Result<()> {
    is_coherent(DatabaseKind::Tidb, Through::Cache(None)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_are_not_counted_while_they_commit_are_found() -> Result<()> {
    finds("no-committing").await
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_do_not_move_are_found() -> Result<()> {
    finds("no-move").await
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_are_kept_unchecked_are_found() -> Result<()> {
    finds("no-fill-check").await
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_are_not_waited_for_are_found() -> Result<()> {
    finds("no-wait").await
}
