//! Limits of queries, transactions and clients, with real databases: what is over its time ends at
//! the origin too, and what was not committed is rolled back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Path, expect_failure};
use mysql_async::prelude::Queryable;
use mysql_proto::Capabilities;
use testkit::{Database, DatabaseKind};
use tokio::time::{Instant, sleep, timeout};

use crate::wire::Wire;
use crate::world::{USER, direct, path, server};

const PATIENCE: Duration = Duration::from_secs(30);

/// A path with one origin connection and these limits.
async fn limited(kind: DatabaseKind, limits: &[&str]) -> Result<Option<(Database, Path)>> {
    let Some(server) = server(kind).await? else {
        return Ok(None);
    };
    let mut builder = path(&server).pool("max = 1");
    for line in limits {
        builder = builder.limit(line);
    }
    let path = builder.start().await?;
    Ok(path.map(|path| (server, path)))
}

async fn a_query(kind: DatabaseKind) -> Result<()> {
    let Some((_server, path)) = limited(kind, &["query_timeout = \"1s\""]).await? else {
        return Ok(());
    };
    let mut client = path.endpoint().connect().await?;
    client
        .query_drop("CREATE TABLE t (id INT PRIMARY KEY)")
        .await?;
    client.query_drop("BEGIN").await?;
    client.query_drop("INSERT INTO t VALUES (1)").await?;
    let began = Instant::now();
    // Where it gives an error, that is the origin's own; where it gives 1, that is as there.
    let outcome = client.query_first::<u8, _>("SELECT SLEEP(20)").await;
    ensure!(began.elapsed() < Duration::from_secs(10), "it slept on");
    match outcome {
        Ok(slept) => ensure!(slept == Some(1), "{slept:?}"),
        Err(mysql_async::Error::Server(error)) => ensure!(error.code == 1317, "{error}"),
        Err(other) => return Err(other.into()),
    }
    // Only the statement has ended.
    client.query_drop("COMMIT").await?;
    let count: Option<u8> = client.query_first("SELECT COUNT(*) FROM t").await?;
    ensure!(count == Some(1), "{count:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_in_time_on_mariadb() -> Result<()> {
    a_query(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_in_time_on_mysql() -> Result<()> {
    a_query(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_in_time_on_tidb() -> Result<()> {
    a_query(DatabaseKind::Tidb).await
}

async fn a_transaction(kind: DatabaseKind, limit: &str) -> Result<()> {
    let Some((_server, path)) = limited(kind, &[limit]).await? else {
        return Ok(());
    };
    let mut client = path.endpoint().connect().await?;
    client
        .query_drop("CREATE TABLE t (id INT PRIMARY KEY)")
        .await?;
    client.query_drop("BEGIN").await?;
    client.query_drop("INSERT INTO t VALUES (1)").await?;
    // There is one connection: whoever asks next gets it when the transaction is over.
    let next = async {
        let mut next = path.endpoint().connect().await?;
        let count: Option<u8> = next.query_first("SELECT COUNT(*) FROM t").await?;
        anyhow::Ok(count)
    };
    let count = timeout(PATIENCE, next).await.context("it stays open")??;
    ensure!(count == Some(0), "it was not rolled back: {count:?}");
    ensure!(client.query_drop("COMMIT").await.is_err(), "it goes on");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_ends_in_time_on_mariadb() -> Result<()> {
    a_transaction(DatabaseKind::MariaDb, "transaction_timeout = \"1s\"").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_transaction_is_rolled_back_on_mariadb() -> Result<()> {
    a_transaction(DatabaseKind::MariaDb, "idle_transaction_timeout = \"1s\"").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_transaction_is_rolled_back_on_mysql() -> Result<()> {
    a_transaction(DatabaseKind::MySql, "idle_transaction_timeout = \"1s\"").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_transaction_is_rolled_back_on_tidb() -> Result<()> {
    a_transaction(DatabaseKind::Tidb, "idle_transaction_timeout = \"1s\"").await
}

/// A server ends a session that says nothing for too long by a limit of its own, and a client reads
/// what it reads directly.
async fn the_origins_own(kind: DatabaseKind) -> Result<()> {
    let Some((server, path)) = limited(kind, &[]).await? else {
        return Ok(());
    };
    let mut words = Vec::new();
    for endpoint in [&direct(&server), path.endpoint()] {
        let mut wire = Wire::open(endpoint, Capabilities::empty()).await?;
        for sql in ["SET wait_timeout = 1", "BEGIN", "SELECT 1"] {
            wire.query(sql).await?;
        }
        words.push(wire.closed().await?);
    }
    ensure!(words[0] == words[1], "{words:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origins_own_limit_is_told_of_on_mariadb() -> Result<()> {
    the_origins_own(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origins_own_limit_is_told_of_on_mysql() -> Result<()> {
    the_origins_own(DatabaseKind::MySql).await
}

/// A server has a limit of its own for prepared statements, and those that the edge keeps for
/// nobody must not use it up.
async fn prepared_statements(kind: DatabaseKind) -> Result<()> {
    let Some((server, path)) = limited(kind, &[]).await? else {
        return Ok(());
    };
    server
        .execute("SET GLOBAL max_prepared_stmt_count = 5")
        .await?;
    let mut client = path.endpoint().connect().await?;
    for number in 0..20 {
        let statement = client.prep(format!("SELECT {number} + ?")).await?;
        let sum: Option<u8> = client.exec_first(&statement, (1,)).await?;
        ensure!(sum == Some(number + 1), "{sum:?}");
        client.close(statement).await?;
    }
    // Those of other connections count as well.
    let mut other = path.endpoint().connect().await?;
    other.query_drop("BEGIN").await?;
    let sum: Option<u8> = other.exec_first("SELECT 7 + ?", (1,)).await?;
    ensure!(sum == Some(8), "{sum:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_make_room_on_mariadb() -> Result<()> {
    prepared_statements(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_make_room_on_mysql() -> Result<()> {
    prepared_statements(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_as_many_clients_as_it_may() -> Result<()> {
    let limits = ["max_user_connections = 2"];
    let Some((_server, path)) = limited(DatabaseKind::MariaDb, &limits).await? else {
        return Ok(());
    };
    let first = path.endpoint().connect().await?;
    let _second = path.endpoint().connect().await?;
    let failure = expect_failure(path.endpoint().connect().await)?;
    ensure!(failure.code == 1226, "{failure:?}");
    first.disconnect().await?;
    testkit::eventually("the place is free", PATIENCE, async || {
        path.endpoint().connect().await?;
        Ok(())
    })
    .await
}

/// Who cannot be given a connection because the origin has enough is told what is full, and not to
/// look for a wrong password. (MariaDB forgets such a limit at times.)
#[tokio::test(flavor = "multi_thread")]
async fn a_full_origin_is_told_of() -> Result<()> {
    let Some(server) = server(DatabaseKind::MySql).await? else {
        return Ok(());
    };
    let narrow = format!("ALTER USER '{USER}'@'%' WITH MAX_USER_CONNECTIONS 2");
    server.execute(&narrow).await?;
    let Some(path) = path(&server).pool("max = 8").start().await? else {
        return Ok(());
    };
    // Their drivers ask for settings first.
    let mut other = path.endpoint().connect().await?;
    let mut holders = [
        path.endpoint().connect().await?,
        path.endpoint().connect().await?,
    ];
    for holder in &mut holders {
        // What the edge asks the origin aside takes a connection now and then.
        let began = Instant::now();
        while let Err(refused) = holder.query_drop("BEGIN").await {
            ensure!(began.elapsed() < PATIENCE, "{refused}");
            sleep(Duration::from_millis(50)).await;
        }
        holder.query_drop("SELECT 1").await?;
    }
    let refused = expect_failure(other.query_drop("SELECT 1").await)?;
    ensure!(
        refused.code == 1429 && refused.message.contains("max_user_connections"),
        "{refused:?}"
    );
    holders[0].query_drop("COMMIT").await?;
    other.query_drop("SELECT 1").await?;
    Ok(())
}
