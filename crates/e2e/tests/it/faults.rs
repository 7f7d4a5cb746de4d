//! Parts of the path die under traffic: clear errors for what was in flight, service again within
//! two seconds of the part's return, nothing lost that was acknowledged, nothing done twice.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::{Path, Way, expect_failure};
use mysql_async::prelude::Queryable;
use testkit::{Database, DatabaseKind, eventually};

use crate::ledger::{self, Outcome, Writers};
use crate::world::{path, server};

const WRITERS: u64 = 8;
const PATIENCE: Duration = Duration::from_secs(30);

/// What the project promises.
const SERVICE_AGAIN: Duration = Duration::from_secs(2);

/// The origin connection was lost under the statement.
const LOST: u16 = 1158;
/// The tunnel has no connector.
const TUNNEL_DOWN: u16 = 1477;
/// The origin cannot be reached.
const ORIGIN_DOWN: u16 = 1429;

/// Nothing but the expected MySQL errors was told, and each says what to do.
fn only(outcome: &Outcome, expected: &[u16]) -> Result<()> {
    ensure!(outcome.acknowledged > 0, "nothing was acknowledged");
    ensure!(
        !outcome.failures.is_empty(),
        "nothing failed, so nothing was tested"
    );
    for (code, message) in &outcome.failures {
        ensure!(
            expected.contains(code),
            "unexpected failure {code}: {message}"
        );
        ensure!(
            message.len() > 40,
            "{code} does not say what to do: {message}"
        );
    }
    Ok(())
}

/// Runs writers while `fail` breaks a part and `mend` brings it back.
async fn outage(
    path: &mut Path,
    server: &mut Database,
    fail: impl AsyncFnOnce(&mut Path, &mut Database) -> Result<()>,
    mend: impl AsyncFnOnce(&mut Path, &mut Database) -> Result<()>,
) -> Result<Outcome> {
    ledger::create(server).await?;
    let writers = Writers::start(path.endpoint(), WRITERS);
    writers.acknowledged(20, PATIENCE).await?;
    fail(path, server).await?;
    writers.failed(PATIENCE).await?;
    mend(path, server).await?;
    let again = writers.acknowledged(1, SERVICE_AGAIN).await;
    again.context("service did not come back in time")?;
    writers.acknowledged(10, PATIENCE).await?;
    writers.check(server).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connector_is_killed_and_comes_back() -> Result<()> {
    let Some(mut server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server).way(Way::Tunnel).start().await? else {
        return Ok(());
    };
    let outcome = outage(
        &mut path,
        &mut server,
        async |path, _| path.connector()?.kill(),
        async |path, _| path.restart_connector().await,
    )
    .await?;
    only(&outcome, &[LOST, TUNNEL_DOWN])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_killed_and_comes_back() -> Result<()> {
    database_outage(Way::Direct).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_behind_a_tunnel_is_killed_and_comes_back() -> Result<()> {
    database_outage(Way::Tunnel).await
}

async fn database_outage(way: Way) -> Result<()> {
    let Some(mut server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server).way(way).start().await? else {
        return Ok(());
    };
    let outcome = outage(
        &mut path,
        &mut server,
        async |_, server| server.kill(),
        async |_, server| server.restart().await,
    )
    .await?;
    only(&outcome, &[LOST, ORIGIN_DOWN])
}

/// A statement that runs when its connector dies: its client learns at once that nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_in_flight_is_told_that_its_outcome_is_unknown() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server).way(Way::Tunnel).start().await? else {
        return Ok(());
    };
    let mut client = path.endpoint().connect().await?;
    let slow = tokio::spawn(async move { client.query_drop("SELECT SLEEP(60)").await });
    runs(&server, "SELECT SLEEP(60)").await?;
    path.connector()?.kill()?;
    let outcome = tokio::time::timeout(PATIENCE, slow)
        .await
        .context("the client waits on")??;
    let failure = expect_failure(outcome)?;
    ensure!(failure.code == LOST, "{failure:?}");
    ensure!(failure.message.contains("not known"), "{failure:?}");
    Ok(())
}

/// A transaction that is open when the database dies is gone, and its client learns it.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_ends_with_an_error_and_is_not_resumed() -> Result<()> {
    let Some(mut server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    ledger::create(&server).await?;
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    let mut client = path.endpoint().connect().await?;
    client.query_drop("BEGIN").await?;
    client
        .query_drop("INSERT INTO ledger VALUES (1, 1)")
        .await?;
    server.kill()?;
    server.restart().await?;
    // The origin's own connection is gone: whatever the client does next must not pretend that its
    // transaction goes on.
    let outcome = client.query_drop("INSERT INTO ledger VALUES (1, 2)").await;
    if outcome.is_ok() {
        bail!("the second half of a lost transaction was accepted");
    }
    drop(client);
    let mut connection = server.connect().await?;
    let rows: Vec<u64> = connection.query("SELECT turn FROM shop.ledger").await?;
    ensure!(
        rows.is_empty(),
        "half of a transaction took effect: {rows:?}"
    );
    Ok(connection.disconnect().await?)
}

/// Waits until the database runs a statement.
async fn runs(server: &Database, statement: &str) -> Result<()> {
    let sql = format!("SELECT 1 FROM information_schema.processlist WHERE info = '{statement}'");
    eventually("the statement runs", PATIENCE, async || {
        let mut connection = server.connect().await?;
        let found: Option<u8> = connection.query_first(&sql).await?;
        connection.disconnect().await?;
        found.context("it does not run")
    })
    .await?;
    Ok(())
}
