//! `SHOW TIDEGATE …`: any client can look at the edge.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Path, expect_failure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row};
use testkit::{DatabaseKind, eventually};
use tokio::time::timeout;

use crate::world::{path, server};

const PATIENCE: Duration = Duration::from_secs(10);

/// A client that asks nothing of the origin when it connects.
async fn looker(path: &Path) -> Result<Conn> {
    let options = OptsBuilder::from_opts(path.endpoint().options())
        .max_allowed_packet(Some(1 << 20))
        .wait_timeout(Some(3600));
    let connecting = Conn::new(options);
    Ok(timeout(PATIENCE, connecting).await.context("no login")??)
}

async fn rows(client: &mut Conn, table: &str) -> Result<Vec<Row>> {
    Ok(client.query(format!("SHOW TIDEGATE {table}")).await?)
}

/// A text of the row of one session.
async fn of_session(client: &mut Conn, id: u32, column: &str) -> Result<Option<String>> {
    let rows = rows(client, "SESSIONS").await?;
    let row = rows.iter().find(|row| row.get("Id") == Some(id));
    let value = row.context("the session is not shown")?.get(column);
    value.with_context(|| format!("no column {column}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_sessions_pools_and_pins() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    // The looker never gets a lease: the other session has the only one.
    let pool = "max = 1\nwait_timeout = \"1s\"";
    let Some(path) = path(&server).pool(pool).start().await? else {
        return Ok(());
    };
    let mut busy = path.endpoint().connect().await?;
    busy.query_drop("CREATE TEMPORARY TABLE t (id INT)").await?;
    busy.query_drop("BEGIN").await?;
    let mut looker = looker(&path).await?;
    let id = busy.id();
    // The client has its answer a moment before the session rests.
    let state = async |looker: &mut Conn| of_session(looker, id, "State").await;
    eventually("the session is pinned", PATIENCE, async || {
        let state = state(&mut looker).await?;
        ensure!(state.as_deref() == Some("pinned"), "{state:?}");
        Ok(())
    })
    .await?;
    for (column, expected) in [
        ("User", Some("app")),
        ("Database", Some("shop")),
        ("Pins", Some("temporary_table, transaction")),
        ("Command", None),
    ] {
        let value = of_session(&mut looker, id, column).await?;
        ensure!(value.as_deref() == expected, "{column}: {value:?}");
    }
    let thread = of_session(&mut looker, id, "Thread").await?;
    let own: Option<u64> = server
        .connect()
        .await?
        .query_first("SELECT id FROM information_schema.processlist WHERE user = 'clerk'")
        .await?;
    ensure!(
        thread == own.map(|id| id.to_string()),
        "{thread:?} is not {own:?}"
    );
    let own = looker.id();
    let state = of_session(&mut looker, own, "State").await?;
    ensure!(state.as_deref() == Some("waiting"), "{state:?}");

    let pools = rows(&mut looker, "POOLS").await?;
    let [pool] = pools.as_slice() else {
        anyhow::bail!("{} pools are shown", pools.len());
    };
    for (column, expected) in [("Open", 1), ("Idle", 0), ("Leased", 1), ("Max", 1)] {
        let value: Option<u64> = pool.get(column);
        ensure!(value == Some(expected), "{column}: {value:?}");
    }

    let pins: Vec<(String, u64, u64)> = looker.query("SHOW TIDEGATE PINS").await?;
    for reason in ["temporary_table", "transaction"] {
        let expected = (reason.to_owned(), 1, 1);
        ensure!(pins.contains(&expected), "{reason}: {pins:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_what_there_is_to_show() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    let mut client = path.endpoint().connect().await?;
    let failure = expect_failure(client.query_drop("SHOW TIDEGATE EVERYTHING").await)?;
    ensure!(failure.code == 1064, "{failure:?}");
    for table in ["POOLS", "SESSIONS", "PINS", "STATEMENTS"] {
        ensure!(failure.message.contains(table), "{failure:?}");
        client.query_drop(format!("show tidegate {table}")).await?;
        let failure = expect_failure(client.prep(format!("SHOW TIDEGATE {table}")).await)?;
        ensure!(failure.code == 1295, "{failure:?}");
    }
    Ok(())
}

/// The origin is down, and the edge can be looked at all the same.
#[tokio::test(flavor = "multi_thread")]
async fn needs_no_origin() -> Result<()> {
    let Some(mut server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    server.kill()?;
    let mut client = looker(&path).await?;
    ensure!(rows(&mut client, "SESSIONS").await?.len() == 1);
    ensure!(rows(&mut client, "POOLS").await?.len() == 1);
    Ok(())
}
