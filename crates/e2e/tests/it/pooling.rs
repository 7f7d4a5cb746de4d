//! Many clients on few origin connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Endpoint, expect_failure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};
use mysql_proto::Capabilities;
use testkit::{Database, DatabaseKind};
use tokio::time::timeout;

use crate::wire::{Wire, error_of};
use crate::world::{USER, path, server};

const CLIENTS: u32 = 50;
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs one task per client, and fails with the first that fails.
async fn at_once<F>(count: u32, client: impl Fn(u32) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let tasks: Vec<_> = (0..count)
        .map(|number| tokio::spawn(client(number)))
        .collect();
    for task in tasks {
        timeout(PATIENCE, task)
            .await
            .context("a client hangs")???;
    }
    Ok(())
}

/// The most connections that the hyperdrive's user had while `work` ran.
async fn most_connections(
    server: &Database,
    work: impl Future<Output = Result<()>>,
) -> Result<u64> {
    let done = Arc::new(AtomicBool::new(false));
    let mut watcher = server.connect().await?;
    let watch = tokio::spawn({
        let done = Arc::clone(&done);
        let sql =
            format!("SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{USER}'");
        async move {
            let mut most = 0;
            while !done.load(Ordering::SeqCst) {
                let now: Option<u64> = watcher.query_first(&sql).await?;
                most = most.max(now.unwrap_or(0));
            }
            anyhow::Ok(most)
        }
    });
    let outcome = work.await;
    done.store(true, Ordering::SeqCst);
    let most = watch.await??;
    outcome.map(|()| most)
}

async fn ask_often(endpoint: Endpoint, number: u32) -> Result<()> {
    let mut connection = endpoint.connect().await?;
    for turn in 0..20 {
        let sql = format!("SELECT {number}, {turn}");
        let answer: Option<(u32, u32)> = connection.query_first(sql).await?;
        ensure!(
            answer == Some((number, turn)),
            "client {number} got {answer:?} for turn {turn}"
        );
    }
    Ok(connection.disconnect().await?)
}

async fn fifty_clients(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 2").start().await? else {
        return Ok(());
    };
    let work = at_once(CLIENTS, |number| ask_often(path.endpoint().clone(), number));
    let most = most_connections(&server, work).await?;
    ensure!(
        (1..=2).contains(&most),
        "50 clients on a pool of 2 made {most} connections"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_share_two_connections_to_mariadb() -> Result<()> {
    fifty_clients(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_clients_share_two_connections_to_tidb() -> Result<()> {
    fifty_clients(DatabaseKind::Tidb).await
}

/// Clients that stay connected and idle hold no origin connection.
#[tokio::test(flavor = "multi_thread")]
async fn idle_clients_hold_nothing() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut connection = path.endpoint().connect().await?;
        connection.query_drop("SELECT 1").await?;
        idle.push(connection);
    }
    for connection in &mut idle {
        connection.query_drop("SELECT 2").await?;
    }
    Ok(())
}

async fn transfer(connection: &mut Conn, number: u32, commit: bool) -> Result<()> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let from = format!("UPDATE accounts SET amount = amount - 1 WHERE id = {number}");
    transaction.query_drop(from).await?;
    // Others run in between; what this transaction sees must stay its own.
    let amount: Option<i64> = transaction
        .query_first(format!("SELECT amount FROM accounts WHERE id = {number}"))
        .await?;
    let to = format!(
        "UPDATE accounts SET amount = amount + 1 WHERE id = {}",
        number + 1000
    );
    transaction.query_drop(to).await?;
    if commit {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    ensure!(amount.is_some(), "account {number} is not there");
    Ok(())
}

/// Transactions of 20 clients on 4 connections: each is whole, and none sees another's.
#[tokio::test(flavor = "multi_thread")]
async fn interleaved_transactions_stay_whole() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 4").start().await? else {
        return Ok(());
    };
    let mut setup = path.endpoint().connect().await?;
    setup
        .query_drop("CREATE TABLE accounts (id INT PRIMARY KEY, amount BIGINT)")
        .await?;
    for number in 0..20 {
        let sql = format!(
            "INSERT INTO accounts VALUES ({number}, 100), ({}, 0)",
            number + 1000
        );
        setup.query_drop(sql).await?;
    }
    at_once(20, |number| {
        let endpoint = path.endpoint().clone();
        async move {
            let mut connection = endpoint.connect().await?;
            for turn in 0..10 {
                transfer(&mut connection, number, turn % 2 == 0).await?;
            }
            Ok(connection.disconnect().await?)
        }
    })
    .await?;
    let amounts: Vec<(i32, i64)> = setup.query("SELECT id, amount FROM accounts").await?;
    for (id, amount) in amounts {
        let expected = if id < 1000 { 95 } else { 5 };
        ensure!(
            amount == expected,
            "account {id} has {amount}, not {expected}"
        );
    }
    Ok(())
}

/// A client that leaves in the middle of a result does not spoil its connection for the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_amid_a_result_spoils_nothing() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    for turn in 0..3_u32 {
        let mut leaver = path.endpoint().connect().await?;
        let big = "SELECT REPEAT('x', 8388608) UNION ALL SELECT REPEAT('y', 8388608)";
        // The answer is awaited for too short a time to be read; then the connection is dropped.
        let read = leaver.query_drop(big);
        drop(timeout(Duration::from_millis(3), read).await);
        drop(leaver);
        let mut next = path.endpoint().connect().await?;
        let answer: Option<u32> = next.query_first(format!("SELECT {turn}")).await?;
        ensure!(answer == Some(turn), "the next client got {answer:?}");
        next.disconnect().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_name_the_pool() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server).start().await? else {
        return Ok(());
    };
    ask_often(path.endpoint().clone(), 1).await?;
    let metrics = path.edge().metrics().await?;
    for word in ["# TYPE", "pool", "hyperdrive=\"app\""] {
        ensure!(
            metrics.contains(word),
            "/metrics does not say {word}:\n{metrics}"
        );
    }
    Ok(())
}

/// TiDB remembers as many as there are, and the edge looks at them before it asks for an insert id.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_survives_more_warnings_than_are_kept() -> Result<()> {
    for kind in DatabaseKind::ALL {
        let Some(server) = server(kind).await? else {
            continue;
        };
        server
            .execute("CREATE TABLE shop.short (s VARCHAR(2))")
            .await?;
        let Some(path) = path(&server).pool("max = 2").start().await? else {
            continue;
        };
        let capabilities = Capabilities::MULTI_STATEMENTS;
        let mut seen = Wire::open(path.endpoint(), capabilities).await?;
        let rows = vec!["('far too long')"; 9000].join(", ");
        seen.query("BEGIN").await?;
        seen.query(&format!(
            "INSERT IGNORE INTO short VALUES {rows}; INSERT INTO short VALUES ('a')"
        ))
        .await?;
        let count = seen.query("SELECT COUNT(*) FROM short").await?;
        let counted = count.windows(4).any(|window| window == b"9001");
        ensure!(counted, "{kind}: {}", count.escape_ascii());
    }
    Ok(())
}

/// What the edge answers itself needs no connection, also where the pool was just renewed.
#[tokio::test(flavor = "multi_thread")]
async fn the_edge_answers_for_itself_while_a_renewed_pool_is_exhausted() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    server
        .execute(&format!("GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%'"))
        .await?;
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let open = || Wire::open(path.endpoint(), Capabilities::empty());
    let (mut asks, mut holds) = (open().await?, open().await?);
    asks.query("SELECT 1").await?;
    holds.query("SET GLOBAL long_query_time = 10").await?;
    holds.query("BEGIN").await?;
    let shown = timeout(PATIENCE, asks.query("SHOW TIDEGATE SESSIONS")).await;
    let shown = shown.context("it waited for a connection")??;
    ensure!(error_of(&shown).is_err(), "{}", shown.escape_ascii());
    holds.query("ROLLBACK").await?;
    asks.query("SHOW TIDEGATE SESSIONS").await?;
    let answered = timeout(PATIENCE, holds.query("SELECT 1")).await;
    answered.context("the connection was kept")??;
    Ok(())
}

/// What a call of a lock function answers, by either protocol.
async fn lock(client: &mut Conn, call: &str, prepared: bool, name: &str) -> Result<Option<i64>> {
    let has_timeout = call == "GET_LOCK";
    // TiDB lets go of a lock a moment after it has said so.
    let timeout = if name == "busy" { 0 } else { 5 };
    let answer: Option<Option<i64>> = match (prepared, has_timeout) {
        (false, true) => {
            let sql = format!("SELECT {call}('{name}', {timeout})");
            client.query_first(sql).await?
        }
        (false, false) => {
            client
                .query_first(format!("SELECT {call}('{name}')"))
                .await?
        }
        (true, true) => {
            let sql = format!("SELECT {call}(?, ?)");
            client.exec_first(sql, (name, timeout)).await?
        }
        (true, false) => {
            client
                .exec_first(format!("SELECT {call}(?)"), (name,))
                .await?
        }
    };
    answer.context("no row")
}

async fn locks_that_are_not_held_keep_no_connection(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let pool = "max = 1\nwait_timeout = \"300ms\"";
    let Some(path) = path(&server).pool(pool).start().await? else {
        return Ok(());
    };
    let mut owner = server.connect().await?;
    let taken: Option<i64> = owner.query_first("SELECT GET_LOCK('busy', 0)").await?;
    ensure!(taken == Some(1), "{taken:?}");
    let mut one = path.endpoint().connect().await?;
    let mut other = path.endpoint().connect().await?;
    let are_prepared: &[(bool, bool)] = match kind {
        // It may execute a prepared one with the name of before.
        DatabaseKind::Tidb => &[(false, false)],
        _ => &[(true, true), (false, true), (true, false), (false, false)],
    };
    for (takes, gives) in are_prepared.iter().copied() {
        let case = format!("{kind:?}, prepared: {takes} {gives}");
        let refused = lock(&mut one, "GET_LOCK", takes, "busy").await?;
        ensure!(refused == Some(0), "{case}: taking busy gives {refused:?}");
        let free: Option<i64> = other.query_first("SELECT 1").await?;
        ensure!(free == Some(1), "{case}");
        // Twice, and another one: each has to be let go of.
        for name in ["job", "job", "task"] {
            let taken = lock(&mut one, "GET_LOCK", takes, name).await?;
            ensure!(taken == Some(1), "{case}: taking {name} gives {taken:?}");
        }
        for name in ["job", "task", "job"] {
            let kept = other.query_first::<i64, _>("SELECT 1").await;
            ensure!(
                expect_failure(kept)?.code == 1203,
                "{case}: lent with a lock on it"
            );
            let given = lock(&mut one, "RELEASE_LOCK", gives, name).await?;
            ensure!(
                given == Some(1),
                "{case}: letting go of {name} gives {given:?}"
            );
        }
        let free: Option<i64> = other.query_first("SELECT 1").await?;
        ensure!(free == Some(1), "{case}: nothing is held any more");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_locks_that_are_not_held_keep_no_connection() -> Result<()> {
    locks_that_are_not_held_keep_no_connection(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_locks_that_are_not_held_keep_no_connection() -> Result<()> {
    locks_that_are_not_held_keep_no_connection(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tidb_locks_that_are_not_held_keep_no_connection() -> Result<()> {
    locks_that_are_not_held_keep_no_connection(DatabaseKind::Tidb).await
}
