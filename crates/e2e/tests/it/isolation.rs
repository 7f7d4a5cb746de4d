//! What one session sets is never seen by another, although they share origin connections.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Endpoint, Path};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use testkit::{Database, DatabaseKind, eventually};

use crate::world::{direct, path, server};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a session can be asked about itself.
const STATE: &str = "SELECT @a, @@autocommit, @@time_zone, @@sql_mode, @@character_set_client, \
     @@character_set_results, @@collation_connection, @@tx_isolation, DATABASE()";

async fn state(connection: &mut Conn) -> Result<String> {
    let row: Option<Row> = connection.query_first(STATE).await?;
    Ok(format!(
        "{:?}",
        row.context("a SELECT without FROM has a row")?.unwrap()
    ))
}

/// A path over two connections, so that sessions meet on them, and what an untouched session is.
async fn world() -> Result<Option<(Database, Path, String)>> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(None);
    };
    let mut untouched = direct(&server).connect().await?;
    let expected = state(&mut untouched).await?;
    untouched.disconnect().await?;
    Ok(path(&server)
        .pool("max = 2")
        .start()
        .await?
        .map(|path| (server, path, expected)))
}

/// Whatever connection new sessions get, they find it untouched.
async fn all_untouched(endpoint: &Endpoint, expected: &str) -> Result<()> {
    for _ in 0..6 {
        let mut connection = endpoint.connect().await?;
        let seen = state(&mut connection).await?;
        ensure!(
            seen == expected,
            "a new session is {seen}, and must be {expected}"
        );
        connection.disconnect().await?;
    }
    Ok(())
}

/// Runs statements in a session, looks while it is there and after it left.
async fn leaves_no_trace(statements: &[&str]) -> Result<()> {
    let Some((_server, path, expected)) = world().await? else {
        return Ok(());
    };
    let mut session = path.endpoint().connect().await?;
    for statement in statements {
        session
            .query_drop(*statement)
            .await
            .with_context(|| (*statement).to_owned())?;
    }
    let own = state(&mut session).await?;
    all_untouched(path.endpoint(), &expected).await?;
    let kept = state(&mut session).await?;
    ensure!(kept == own, "the session was {own}, and became {kept}");
    session.disconnect().await?;
    all_untouched(path.endpoint(), &expected).await
}

#[tokio::test(flavor = "multi_thread")]
async fn user_variables() -> Result<()> {
    leaves_no_trace(&["SET @a = 'secret'"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn user_variables_set_by_a_select() -> Result<()> {
    leaves_no_trace(&["SELECT @a := 'secret'"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn session_variables() -> Result<()> {
    leaves_no_trace(&[
        "SET time_zone = '+09:00'",
        "SET SESSION sql_mode = 'ANSI'",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn autocommit() -> Result<()> {
    leaves_no_trace(&["SET autocommit = 0"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn character_set() -> Result<()> {
    leaves_no_trace(&["SET NAMES latin1"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn current_database() -> Result<()> {
    leaves_no_trace(&["USE information_schema"]).await
}

/// Each statement fails in a session of its own with the code, whichever connection it gets.
async fn refused(endpoint: &Endpoint, statement: &str, code: u16) -> Result<()> {
    for _ in 0..4 {
        let mut connection = endpoint.connect().await?;
        let outcome = connection.query_drop(statement).await;
        let failure = e2e::expect_failure(outcome).context(statement.to_owned())?;
        ensure!(failure.code == code, "{statement}: {failure:?}");
        connection.disconnect().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_tables() -> Result<()> {
    let Some((_server, path, _)) = world().await? else {
        return Ok(());
    };
    let mut session = path.endpoint().connect().await?;
    session
        .query_drop("CREATE TEMPORARY TABLE scratch (x INT)")
        .await?;
    refused(path.endpoint(), "SELECT * FROM scratch", 1146).await?;
    session.query_drop("INSERT INTO scratch VALUES (1)").await?;
    session.disconnect().await?;
    refused(path.endpoint(), "SELECT * FROM scratch", 1146).await
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements() -> Result<()> {
    let Some((_server, path, _)) = world().await? else {
        return Ok(());
    };
    let mut session = path.endpoint().connect().await?;
    session.query_drop("PREPARE mine FROM 'SELECT 1'").await?;
    refused(path.endpoint(), "EXECUTE mine", 1243).await?;
    session.query_drop("EXECUTE mine").await?;
    session.disconnect().await?;
    refused(path.endpoint(), "EXECUTE mine", 1243).await
}

/// Statements that were prepared by the binary protocol have ids that are each session's own.
#[tokio::test(flavor = "multi_thread")]
async fn statement_ids() -> Result<()> {
    let Some((_server, path, _)) = world().await? else {
        return Ok(());
    };
    let mut first = path.endpoint().connect().await?;
    let ones = first.prep("SELECT CONCAT('first ', ?)").await?;
    let answer: Option<String> = first.exec_first(&ones, ("a",)).await?;
    ensure!(answer.as_deref() == Some("first a"), "{answer:?}");
    let mut second = path.endpoint().connect().await?;
    let twos = second.prep("SELECT CONCAT('second ', ?)").await?;
    for turn in 0..5 {
        let one: Option<String> = first.exec_first(&ones, (turn,)).await?;
        let two: Option<String> = second.exec_first(&twos, (turn,)).await?;
        ensure!(one == Some(format!("first {turn}")), "{one:?}");
        ensure!(two == Some(format!("second {turn}")), "{two:?}");
    }
    Ok(())
}

/// A session that leaves with an open transaction has it rolled back, and its locks are free.
#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_transaction_is_rolled_back() -> Result<()> {
    let Some((server, path, expected)) = world().await? else {
        return Ok(());
    };
    server
        .execute("CREATE TABLE shop.t (id INT PRIMARY KEY)")
        .await?;
    let mut leaver = path.endpoint().connect().await?;
    leaver.query_drop("BEGIN").await?;
    leaver.query_drop("INSERT INTO t VALUES (1)").await?;
    drop(leaver);
    all_untouched(path.endpoint(), &expected).await?;
    // Were the transaction still open, this would wait for its lock, and then find its row.
    let insert = server.execute("INSERT INTO shop.t VALUES (1)");
    tokio::time::timeout(PATIENCE, insert)
        .await
        .context("its locks are still held")?
}

/// The same for locks that live outside transactions.
#[tokio::test(flavor = "multi_thread")]
async fn abandoned_locks_are_released() -> Result<()> {
    let Some((server, path, _)) = world().await? else {
        return Ok(());
    };
    server
        .execute("CREATE TABLE shop.t (id INT PRIMARY KEY)")
        .await?;
    let mut leaver = path.endpoint().connect().await?;
    leaver.query_drop("LOCK TABLES t WRITE").await?;
    let mut other = path.endpoint().connect().await?;
    let locked: Option<i32> = other.query_first("SELECT GET_LOCK('gate', 1)").await?;
    ensure!(locked == Some(1), "GET_LOCK answered {locked:?}");
    drop(leaver);
    drop(other);
    eventually("the locks are free", PATIENCE, async || {
        let mut connection = server.connect().await?;
        let free: Option<i32> = connection
            .query_first("SELECT IS_FREE_LOCK('gate')")
            .await?;
        ensure!(free == Some(1), "IS_FREE_LOCK answered {free:?}");
        connection.query_drop("SET lock_wait_timeout = 1").await?;
        connection
            .query_drop("INSERT IGNORE INTO shop.t VALUES (1)")
            .await?;
        Ok(connection.disconnect().await?)
    })
    .await
}
