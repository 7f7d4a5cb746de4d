//! Procedures and functions that leave nothing: who calls them keeps no connection.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Path;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use testkit::DatabaseKind::{self, MariaDb, MySql};
use testkit::{Database, eventually};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::world::{DATABASE, USER, path, server};

const PATIENCE: Duration = Duration::from_secs(10);

/// Sessions at a time, on two connections.
const SESSIONS: usize = 6;

/// Behind it, a routine may be another one.
const DEFINES: &str = "DROP FUNCTION IF EXISTS nobody_knows";

const ROUTINES: [&str; 7] = [
    "CREATE FUNCTION shop.plus(a INT) RETURNS INT DETERMINISTIC NO SQL RETURN a + 1",
    "CREATE PROCEDURE shop.buys(IN price INT, OUT total INT) BEGIN DECLARE n INT DEFAULT 1; \
     DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; \
     START TRANSACTION; SET n = shop.plus(n), total = price * n; \
     INSERT INTO shop.sold (price) VALUES (price); COMMIT; END",
    "CREATE PROCEDURE shop.shows() BEGIN CALL nothing(); SELECT COUNT(*) FROM sold; END",
    "CREATE PROCEDURE shop.nothing() BEGIN END",
    "CREATE PROCEDURE shop.remembers() SET @remembered = 5",
    "CREATE PROCEDURE shop.calls_it() CALL remembers()",
    "CREATE PROCEDURE shop.begins_and_fails() BEGIN START TRANSACTION; \
     INSERT INTO shop.sold (price) VALUES (77); SIGNAL SQLSTATE '45000'; END",
];

/// A path with two connections to a database with the routines, which the edge knows. `None`: the
/// database is not on this machine.
async fn with_routines(kind: DatabaseKind) -> Result<Option<(Database, Path)>> {
    let Some(server) = server(kind).await? else {
        return Ok(None);
    };
    let rights = format!("GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%'");
    let table =
        format!("CREATE TABLE {DATABASE}.sold (id INT AUTO_INCREMENT PRIMARY KEY, price INT)");
    server.execute_all(&[&rights, &table]).await?;
    server.execute_all(&ROUTINES).await?;
    let pool = "max = 2\nwait_timeout = \"5s\"";
    let Some(path) = path(&server).pool(pool).start().await? else {
        return Ok(None);
    };
    until_known(&path).await?;
    Ok(Some((server, path)))
}

/// Two clients, when nobody knows what routines leave.
async fn two_behind_a_definition(path: &Path) -> Result<[Conn; 2]> {
    let mut clients = [
        path.endpoint().connect().await?,
        path.endpoint().connect().await?,
    ];
    clients[0].query_drop(DEFINES).await?;
    Ok(clients)
}

/// The reasons of pins, each with the sessions that have it now and that had it, once every session
/// rests: the client of one has its answer a moment before that pins.
async fn pins(path: &Path) -> Result<Vec<(String, u64, u64)>> {
    let mut looker = path.endpoint().connect().await?;
    let own = Some(looker.id());
    eventually("every session rests", PATIENCE, async || {
        let sessions: Vec<Row> = looker.query("SHOW TIDEGATE SESSIONS").await?;
        let is_busy = |session: &&Row| {
            session.get("Id") != own && session.get("Command") != Some(None::<String>)
        };
        let busy = sessions.iter().find(is_busy);
        ensure!(busy.is_none(), "{busy:?}");
        Ok(())
    })
    .await?;
    Ok(looker.query("SHOW TIDEGATE PINS").await?)
}

/// How many sessions are pinned for this reason now.
async fn pinned(path: &Path, reason: &str) -> Result<u64> {
    let pins = pins(path).await?;
    let pin = pins.into_iter().find(|(known, ..)| known == reason);
    Ok(pin.map_or(0, |(_, now, _)| now))
}

/// Waits until the edge knows the routines: a call of one that leaves nothing does not pin.
async fn until_known(path: &Path) -> Result<()> {
    eventually("the edge knows the routines", PATIENCE, async || {
        let mut client = path.endpoint().connect().await?;
        client.query_drop("CALL nothing()").await?;
        ensure!(pinned(path, "procedure").await? == 0, "it is pinned");
        Ok(())
    })
    .await
}

async fn call(client: &mut Conn) -> Result<()> {
    client.query_drop("CALL shows").await?;
    let plus: Option<i32> = client.query_first("SELECT plus(41)").await?;
    ensure!(plus == Some(42), "{plus:?}");
    let before: Option<u64> = client
        .query_first("SELECT COALESCE(MAX(id), 0) FROM sold")
        .await?;
    let total: Option<i32> = client.exec_first("CALL buys(?, ?)", (3, 0)).await?;
    ensure!(total == Some(6), "{total:?}");
    let id: Option<u64> = client.query_first("SELECT LAST_INSERT_ID()").await?;
    ensure!(id > before, "{id:?} behind {before:?}");
    let plus: Option<i32> = client.exec_first("SELECT shop.plus(?)", (1,)).await?;
    ensure!(plus == Some(2), "{plus:?}");
    Ok(())
}

async fn callers_share_connections(kind: DatabaseKind) -> Result<()> {
    let Some((_server, path)) = with_routines(kind).await? else {
        return Ok(());
    };
    let mut clients = Vec::new();
    for session in 0..SESSIONS {
        let mut client = path.endpoint().connect().await?;
        call(&mut client)
            .await
            .with_context(|| format!("session {session}"))?;
        clients.push(client);
    }
    for client in &mut clients {
        call(client).await.context("once more")?;
    }
    for reason in ["procedure", "stored_function"] {
        ensure!(
            pinned(&path, reason).await? == 0,
            "{reason}: {:?}",
            pins(&path).await?
        );
    }
    // What leaves something still pins, though it be called by another.
    let [client, other, ..] = clients.as_mut_slice() else {
        anyhow::bail!("there are no clients");
    };
    client.query_drop("CALL calls_it()").await?;
    other.query_drop("DO 1").await?;
    let remembered: Option<i32> = client.query_first("SELECT @remembered").await?;
    ensure!(remembered == Some(5), "{remembered:?}");
    ensure!(
        pinned(&path, "procedure").await? == 1,
        "{:?}",
        pins(&path).await?
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_what_leaves_nothing_keeps_no_connection() -> Result<()> {
    for kind in [MariaDb, MySql] {
        callers_share_connections(kind).await.context(kind)?;
    }
    Ok(())
}

/// An error tells no status.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_outlasts_the_procedure_that_began_it_and_failed() -> Result<()> {
    for kind in [MariaDb, MySql] {
        let Some((_server, path)) = with_routines(kind).await? else {
            continue;
        };
        let mut client = path.endpoint().connect().await?;
        let failed = client.query_drop("CALL begins_and_fails()").await;
        ensure!(failed.is_err(), "{kind}: it did not fail");
        ensure!(
            pinned(&path, "transaction_unknown").await? == 1,
            "{kind}: {:?}",
            pins(&path).await?
        );
        let seen: Option<u64> = client.query_first("SELECT COUNT(*) FROM sold").await?;
        ensure!(seen == Some(1), "{kind}: {seen:?}");
        client.query_drop("ROLLBACK").await?;
        let seen: Option<u64> = client.query_first("SELECT COUNT(*) FROM sold").await?;
        ensure!(seen == Some(0), "{kind}: {seen:?}");
    }
    Ok(())
}

/// A call between a definition and the answer to the question that follows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_ends_when_it_is_known_that_there_was_nothing_to_pin_for() -> Result<()> {
    for kind in [MariaDb, MySql] {
        let Some((_server, path)) = with_routines(kind).await? else {
            continue;
        };
        let mut client = path.endpoint().connect().await?;
        eventually("a call pins", PATIENCE, async || {
            client.query_drop(DEFINES).await?;
            client.query_drop("CALL shows()").await?;
            client.query_drop("SELECT plus(1)").await?;
            client.query_drop("CALL shows()").await?;
            ensure!(
                pinned(&path, "procedure").await? == 1,
                "it is known already"
            );
            Ok(())
        })
        .await?;
        eventually("the pin ends", PATIENCE, async || {
            client.query_drop("DO 1").await?;
            ensure!(pinned(&path, "procedure").await? == 0, "it is pinned");
            ensure!(pinned(&path, "stored_function").await? == 0, "it is pinned");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// What a call runs may be another text than the one that was known when it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_leaves_what_another_has_made_of_the_routine() -> Result<()> {
    let Some((_server, path)) = with_routines(MariaDb).await? else {
        return Ok(());
    };
    let mut holder = path.endpoint().connect().await?;
    let mut caller = path.endpoint().connect().await?;
    let mut other = path.endpoint().connect().await?;
    holder.query_drop("BEGIN").await?;
    other.query_drop("BEGIN").await?;
    let call = tokio::spawn(async move {
        caller.query_drop("CALL nothing()").await?;
        Ok::<_, mysql_async::Error>(caller)
    });
    // It waits for a connection.
    sleep(Duration::from_millis(500)).await;
    holder
        .query_drop("CREATE OR REPLACE PROCEDURE nothing() SET @made = 42")
        .await?;
    holder.disconnect().await?;
    let mut caller = call.await??;
    caller.query_drop("DO 1").await?;
    let made: Option<i32> = caller.query_first("SELECT @made").await?;
    ensure!(made == Some(42), "{made:?}");
    Ok(())
}

/// Likewise within a text of several statements, long before its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_definition_counts_before_its_text_is_over() -> Result<()> {
    let Some((_server, path)) = with_routines(MariaDb).await? else {
        return Ok(());
    };
    let mut maker = path.endpoint().connect().await?;
    let mut caller = path.endpoint().connect().await?;
    let text = tokio::spawn(async move {
        let texts = "CREATE OR REPLACE PROCEDURE nothing() SET @made = 43; DO SLEEP(3)";
        maker.query_drop(texts).await
    });
    sleep(Duration::from_millis(1500)).await;
    caller.query_drop("CALL nothing()").await?;
    let made: Option<i32> = caller.query_first("SELECT @made").await?;
    ensure!(made == Some(43), "{made:?}");
    Ok(text.await??)
}

/// Two clients that have called and say no more keep no connection from a third.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_ends_though_the_client_is_idle() -> Result<()> {
    for kind in [MariaDb, MySql] {
        let Some((_server, path)) = with_routines(kind).await? else {
            continue;
        };
        let mut clients = two_behind_a_definition(&path).await?;
        for client in &mut clients {
            client.query_drop("CALL shows()").await?;
        }
        let mut third = path.endpoint().connect().await.context(kind)?;
        third.query_drop("DO 1").await.context(kind)?;
    }
    Ok(())
}

/// No procedure of MySQL's makes another.
#[tokio::test(flavor = "multi_thread")]
async fn who_calls_what_is_not_known_outdates_nothing_on_mysql() -> Result<()> {
    let Some((_server, path)) = with_routines(MySql).await? else {
        return Ok(());
    };
    let mut client = path.endpoint().connect().await?;
    for _ in 0..5 {
        let mut other = path.endpoint().connect().await?;
        let failed = other.query_drop("CALL nobody_knows()").await;
        ensure!(failed.is_err(), "it is there");
        other.disconnect().await?;
        client.query_drop("CALL shows()").await?;
        let pins = pins(&path).await?;
        ensure!(pinned(&path, "procedure").await? == 0, "{pins:?}");
    }
    Ok(())
}

/// The answer comes while the function runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_ends_though_the_answer_came_during_the_call() -> Result<()> {
    for kind in [MariaDb, MySql] {
        let Some((_server, path)) = with_routines(kind).await? else {
            continue;
        };
        let mut client = path.endpoint().connect().await?;
        let makes = "CREATE FUNCTION sleeps() RETURNS INT DETERMINISTIC NO SQL RETURN SLEEP(3)";
        client.query_drop(makes).await?;
        client.query_drop("SELECT sleeps()").await?;
        eventually("the pin ends", PATIENCE, async || {
            client.query_drop("DO 1").await?;
            ensure!(
                pinned(&path, "stored_function").await? == 0,
                "{kind}: it is pinned"
            );
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// There is always a call between the question and its answer.
#[tokio::test(flavor = "multi_thread")]
async fn routines_become_known_while_they_are_called_all_the_time() -> Result<()> {
    for kind in [MariaDb, MySql] {
        let Some((_server, path)) = with_routines(kind).await? else {
            continue;
        };
        let clients = two_behind_a_definition(&path).await?;
        let mut callers = JoinSet::new();
        for mut client in clients {
            callers.spawn(async move { while client.query_drop("CALL shows()").await.is_ok() {} });
        }
        // A third session gets a connection between two calls of the others.
        let shared = path.endpoint().connect().await;
        shared.context(kind)?;
        ensure!(
            callers.try_join_next().is_none(),
            "{kind}: a call has failed"
        );
    }
    Ok(())
}
