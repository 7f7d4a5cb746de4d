//! Any sequence of statements is told the same with the cache on as on a direct connection, down to
//! the bytes that a client can see: the differential test, with programs that read more than once.
//! `cargo xtask check differential --cache` runs as many as one likes.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::differential::{Campaign, Through};
use testkit::DatabaseKind;

/// Decides the programs; another seed than that of the test without a cache.
const SEED: u64 = 2;

/// Programs for each database, as far as they take no longer than [`LIMIT`].
const PROGRAMS: usize = 320;

/// A busy machine runs fewer programs.
const LIMIT: Duration = Duration::from_secs(45);

async fn nobody_can_tell(kind: DatabaseKind) -> Result<()> {
    let mut campaign = Campaign::new(kind, Through::Tidegate(None), SEED, PROGRAMS);
    campaign.limit = Some(LIMIT);
    campaign.cache = true;
    let Some(summary) = campaign.run(|_| {}).await? else {
        return Ok(());
    };
    let texts: Vec<_> = summary.findings.iter().map(|one| &*one.text).collect();
    ensure!(texts.is_empty(), "{}", texts.join("\n"));
    ensure!(summary.hits > 0, "nothing came from the cache: {summary:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_through_a_cache_cannot_be_told_from_mariadb() -> Result<()> {
    nobody_can_tell(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_through_a_cache_cannot_be_told_from_mysql() -> Result<()> {
    nobody_can_tell(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tidb_through_a_cache_cannot_be_told_from_tidb() -> Result<()> {
    nobody_can_tell(DatabaseKind::Tidb).await
}
