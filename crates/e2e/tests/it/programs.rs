//! Programs that run without being named, triggers and functions in views: nobody finds what they
//! have left on a connection but their own session.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Path;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use testkit::DatabaseKind::{self, MariaDb, MySql};
use testkit::{Database, eventually};
use tokio::time::sleep;

use crate::world::{USER, path, server};

/// What leaves a temporary table in the place of a real one, and a variable. Both say `real` to
/// whom nothing was left.
const LEAVES: [&str; 5] = [
    "CREATE TABLE shop.t (a VARCHAR(20))",
    "INSERT INTO shop.t VALUES ('real')",
    "CREATE TABLE shop.r (n INT)",
    "CREATE FUNCTION shop.f() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN \
     CREATE TEMPORARY TABLE IF NOT EXISTS t (a VARCHAR(20)); INSERT INTO t VALUES ('left'); \
     SET SESSION group_concat_max_len = 78; RETURN 1; END",
    "CREATE PROCEDURE shop.makes() BEGIN CREATE OR REPLACE VIEW v AS SELECT f() AS x; \
     DO SLEEP(1.5); END",
];

const VIEW: &str = "CREATE OR REPLACE VIEW shop.v AS SELECT shop.f() AS x";

/// Until the edge has asked for its origin's programs, which it does once a second at most.
const UNTIL_KNOWN: Duration = Duration::from_secs(3);

async fn start(kind: DatabaseKind, more: &[&str]) -> Result<Option<(Database, Path)>> {
    let Some(server) = server(kind).await? else {
        return Ok(None);
    };
    let rights = format!("GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%'");
    server.execute_all(&[&rights]).await?;
    server.execute_all(&LEAVES).await?;
    server.execute_all(more).await?;
    let path = path(&server).pool("max = 2").start().await?;
    Ok(path.map(|path| (server, path)))
}

/// Others find nothing, on none of so many connections.
async fn ensure_clean(path: &Path, connections: usize, context: &str) -> Result<()> {
    let mut others: Vec<Conn> = Vec::new();
    for _ in 0..connections {
        let mut other = path.endpoint().connect().await?;
        other.query_drop("BEGIN").await?;
        let rows: Vec<String> = other.query("SELECT a FROM t").await?;
        ensure!(rows == ["real"], "{context}: {rows:?}");
        let length: Option<u64> = other
            .query_first("SELECT @@SESSION.group_concat_max_len")
            .await?;
        ensure!(length != Some(78), "{context}: the variable is left");
        others.push(other);
    }
    Ok(())
}

/// What runs such programs is on a connection that rests, and then there are none any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_has_left_is_gone_though_the_program_is_too() -> Result<()> {
    const TRIGGER: &str = "CREATE TRIGGER shop.fires BEFORE INSERT ON shop.r FOR EACH ROW \
                           SET @x = shop.f()";
    for kind in [MariaDb, MySql] {
        for (made, runs, gone) in [
            (VIEW, "SELECT * FROM v", "DROP VIEW v"),
            (TRIGGER, "INSERT INTO r VALUES (1)", "DROP TRIGGER fires"),
            (TRIGGER, "INSERT INTO r VALUES (1)", "DROP TABLE r"),
        ] {
            let Some((_server, path)) = start(kind, &[made]).await? else {
                continue;
            };
            let mut holder = path.endpoint().connect().await?;
            holder.query_drop("BEGIN").await?;
            holder.query_drop("SELECT 1").await?;
            let mut runner = path.endpoint().connect().await?;
            runner.query_drop(runs).await.context(runs)?;
            holder.query_drop("ROLLBACK").await?;
            holder.query_drop(gone).await.context(gone)?;
            sleep(UNTIL_KNOWN).await;
            ensure_clean(&path, 2, &format!("{kind}: {gone}")).await?;
        }
    }
    Ok(())
}

/// It takes effect before the response tells of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_has_left_is_gone_though_nobody_knew_of_it_yet() -> Result<()> {
    let several = format!("{VIEW}; SELECT SLEEP(1.5)");
    for kind in [MariaDb, MySql] {
        for text in [several.clone(), "CALL makes()".to_owned()] {
            let Some((_server, path)) = start(kind, &[]).await? else {
                continue;
            };
            sleep(UNTIL_KNOWN).await;
            let mut definer = path.endpoint().connect().await?;
            let sent = text.clone();
            let defining = tokio::spawn(async move {
                definer.query_drop(sent).await?;
                Ok::<_, mysql_async::Error>(definer)
            });
            sleep(Duration::from_millis(500)).await;
            let mut runner = path.endpoint().connect().await?;
            runner.query_drop("SELECT * FROM v").await?;
            ensure_clean(&path, 1, &format!("{kind}: {text}")).await?;
            defining.await??;
        }
    }
    Ok(())
}

/// One that comes and goes while a text of several statements runs.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_has_left_is_gone_though_it_was_there_for_a_moment_only() -> Result<()> {
    for kind in [MariaDb, MySql] {
        let plain = "CREATE OR REPLACE VIEW shop.v AS SELECT 1 AS x";
        let Some((_server, path)) = start(kind, &[plain]).await? else {
            continue;
        };
        sleep(UNTIL_KNOWN).await;
        let mut runner = path.endpoint().connect().await?;
        let running = tokio::spawn(async move {
            let text = "SELECT SLEEP(2); SELECT * FROM v; SELECT SLEEP(6)";
            runner.query_drop(text).await?;
            Ok::<_, mysql_async::Error>(runner)
        });
        sleep(Duration::from_millis(500)).await;
        let mut definer = path.endpoint().connect().await?;
        definer.query_drop(VIEW).await?;
        sleep(Duration::from_secs(2)).await;
        definer.query_drop("DROP VIEW v").await?;
        let runner = running.await??;
        runner.disconnect().await?;
        ensure_clean(&path, 2, &kind.to_string()).await?;
    }
    Ok(())
}

/// Its client is gone, and it waits for a lock for longer than a connection is cleaned up.
#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_waits_without_its_client_counts_when_it_is_over() -> Result<()> {
    let plain = "CREATE OR REPLACE VIEW shop.v AS SELECT 1 AS x";
    let Some((server, path)) = start(MySql, &[plain]).await? else {
        return Ok(());
    };
    let mut holder = server.connect().await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT * FROM shop.v").await?;
    let mut definer = path.endpoint().connect().await?;
    let defining = tokio::spawn(async move { definer.query_drop(VIEW).await });
    sleep(Duration::from_millis(500)).await;
    defining.abort();
    sleep(Duration::from_secs(14)).await;
    holder.query_drop("ROLLBACK").await?;
    let mut runner = path.endpoint().connect().await?;
    eventually("the view is made", Duration::from_secs(5), async || {
        let row: Option<i32> = runner.query_first("SELECT x FROM v").await?;
        let left: Option<u64> = runner
            .query_first("SELECT @@SESSION.group_concat_max_len")
            .await?;
        ensure!(left == Some(78), "{row:?}, {left:?}");
        Ok(())
    })
    .await?;
    runner.disconnect().await?;
    ensure_clean(&path, 2, "behind the definition").await
}

/// A prepared distributed transaction outlives its session, whatever else its text pins for.
/// (MariaDB does not survive the reset of a connection that has prepared one.)
#[tokio::test(flavor = "multi_thread")]
async fn a_distributed_transaction_among_other_statements_is_not_lost() -> Result<()> {
    const PREPARES: &str = "CREATE PROCEDURE shop.prepares() BEGIN XA START 'x'; \
                            INSERT INTO t VALUES ('xa'); XA END 'x'; XA PREPARE 'x'; END";
    const TEXT: &str =
        "XA START 'x'; INSERT INTO t VALUES ('xa'); XA END 'x'; XA PREPARE 'x'; SET @a = 1 + 1";
    for text in [TEXT, "CALL prepares(); SET timestamp = 5"] {
        let Some((_server, path)) = start(MariaDb, &[PREPARES]).await? else {
            return Ok(());
        };
        let mut client = path.endpoint().connect().await?;
        client.query_drop(text).await?;
        client.disconnect().await?;
        sleep(Duration::from_secs(1)).await;
        let mut other = path.endpoint().connect().await?;
        other.query_drop("XA COMMIT 'x'").await?;
        let rows: Vec<String> = other.query("SELECT a FROM t ORDER BY a").await?;
        ensure!(rows == ["real", "xa"], "{text}: {rows:?}");
    }
    Ok(())
}
