//! A shutdown lets work finish, refuses new work, and ends in time.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::Path;
use mysql_async::prelude::Queryable;
use testkit::{DatabaseKind, eventually};

use crate::world::{path, server};

const PATIENCE: Duration = Duration::from_secs(30);

/// Tells the edge to end, and waits until it lets nobody in.
async fn begin_drain(path: &mut Path) -> Result<()> {
    path.edge().process().signal_termination()?;
    let endpoint = path.endpoint().clone();
    eventually("new clients are refused", PATIENCE, async || {
        ensure!(endpoint.connect().await.is_err(), "a new client was let in");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_may_finish() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    server.execute("CREATE TABLE shop.t (id INT)").await?;
    let Some(mut path) = path(&server)
        .edge("drain_timeout = \"20s\"")
        .start()
        .await?
    else {
        return Ok(());
    };
    let mut busy = path.endpoint().connect().await?;
    busy.query_drop("BEGIN").await?;
    busy.query_drop("INSERT INTO t VALUES (1)").await?;
    begin_drain(&mut path).await?;
    busy.query_drop("COMMIT").await?;
    drop(busy);
    let status = path.edge().process().wait(PATIENCE).await?;
    ensure!(status.success(), "the edge ended with {status}");
    let mut connection = server.connect().await?;
    let count: Option<u64> = connection
        .query_first("SELECT COUNT(*) FROM shop.t")
        .await?;
    ensure!(
        count == Some(1),
        "the transaction was not committed: {count:?}"
    );
    Ok(connection.disconnect().await?)
}

/// What a session holds on its connection is its own until the limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_session_may_finish() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server)
        .edge("drain_timeout = \"20s\"")
        .start()
        .await?
    else {
        return Ok(());
    };
    let mut busy = path.endpoint().connect().await?;
    busy.query_drop("SELECT GET_LOCK('a', 1)").await?;
    begin_drain(&mut path).await?;
    let freed: Option<u64> = busy.query_first("SELECT RELEASE_LOCK('a')").await?;
    ensure!(freed == Some(1), "the lock was gone: {freed:?}");
    let status = path.edge().process().wait(PATIENCE).await?;
    ensure!(status.success(), "the edge ended with {status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_clients_do_not_hold_it_up() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server)
        .edge("drain_timeout = \"60s\"")
        .start()
        .await?
    else {
        return Ok(());
    };
    let mut idle = path.endpoint().connect().await?;
    idle.query_drop("SELECT 1").await?;
    let status = path
        .edge()
        .process()
        .terminate(Duration::from_secs(10))
        .await?;
    ensure!(status.success(), "the edge ended with {status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_never_ends_is_cut_off_at_the_limit() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    server.execute("CREATE TABLE shop.t (id INT)").await?;
    let Some(mut path) = path(&server).edge("drain_timeout = \"1s\"").start().await? else {
        return Ok(());
    };
    let mut busy = path.endpoint().connect().await?;
    busy.query_drop("BEGIN").await?;
    busy.query_drop("INSERT INTO t VALUES (1)").await?;
    path.edge()
        .process()
        .terminate(Duration::from_secs(15))
        .await?;
    drop(busy);
    eventually("the transaction is rolled back", PATIENCE, async || {
        let mut connection = server.connect().await?;
        connection.query_drop("SET lock_wait_timeout = 1").await?;
        connection
            .query_drop("ALTER TABLE shop.t ADD COLUMN y INT")
            .await?;
        let count: Option<u64> = connection
            .query_first("SELECT COUNT(*) FROM shop.t")
            .await?;
        ensure!(count == Some(0), "half of it took effect: {count:?}");
        Ok(connection.disconnect().await?)
    })
    .await
}
