//! `LAST_INSERT_ID()` belongs to the session, although one origin connection serves many.

use anyhow::{Result, ensure};
use e2e::Endpoint;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use testkit::DatabaseKind;

use crate::world::{direct, path, server};

/// Two sessions take turns, each with statements that make, set, read and leave the value alone.
/// The first letter is the session.
const TURNS: [(char, &str); 22] = [
    ('a', "SELECT LAST_INSERT_ID()"),
    ('a', "INSERT INTO ids (v) VALUES (1), (2), (3)"),
    ('b', "SELECT LAST_INSERT_ID()"),
    ('b', "INSERT INTO ids VALUES (1000, 1)"),
    ('b', "SELECT LAST_INSERT_ID()"),
    ('a', "SELECT LAST_INSERT_ID()"),
    ('b', "INSERT INTO ids (v) VALUES (4)"),
    ('a', "INSERT INTO ids VALUES (2000, 1)"),
    ('a', "SELECT LAST_INSERT_ID()"),
    ('b', "SELECT LAST_INSERT_ID()"),
    ('a', "SELECT LAST_INSERT_ID(77)"),
    ('b', "SELECT LAST_INSERT_ID() + 0"),
    ('a', "SELECT LAST_INSERT_ID()"),
    ('b', "BEGIN"),
    ('b', "SELECT LAST_INSERT_ID()"),
    ('b', "INSERT INTO ids (v) VALUES (5)"),
    ('b', "SELECT LAST_INSERT_ID()"),
    ('b', "COMMIT"),
    ('a', "SELECT LAST_INSERT_ID()"),
    ('b', "SELECT LAST_INSERT_ID()"),
    ('a', "SET @id = LAST_INSERT_ID()"),
    ('a', "SELECT @id"),
];

/// They make the same ids in two tables, so that what one leaves on a connection is what the other
/// makes there. Nothing pins between two turns but transactions.
const TWINS: [(char, &str); 14] = [
    ('a', "BEGIN"),
    ('a', "INSERT INTO twins (v) VALUES (1)"),
    ('a', "SELECT LAST_INSERT_ID()"),
    ('a', "COMMIT"),
    ('b', "INSERT INTO others (v) VALUES (1)"),
    ('b', "SELECT LAST_INSERT_ID()"),
    ('b', "BEGIN"),
    ('b', "INSERT INTO twins (v) VALUES (2)"),
    ('b', "SELECT LAST_INSERT_ID()"),
    ('b', "COMMIT"),
    ('a', "BEGIN"),
    ('a', "INSERT INTO others (v) VALUES (2)"),
    ('a', "SELECT LAST_INSERT_ID()"),
    ('a', "COMMIT"),
];

/// What each turn gives: the value of a query, the id in the OK packet of anything else.
async fn play(endpoint: &Endpoint, turns: &[(char, &str)]) -> Result<Vec<String>> {
    let mut a = endpoint.connect().await?;
    for table in ["ids", "twins", "others"] {
        a.query_drop(format!("DROP TABLE IF EXISTS {table}"))
            .await?;
        let columns = "id INT AUTO_INCREMENT PRIMARY KEY, v INT";
        a.query_drop(format!("CREATE TABLE {table} ({columns})"))
            .await?;
    }
    let mut b = endpoint.connect().await?;
    let mut outcomes = Vec::new();
    for &(session, sql) in turns {
        let connection = if session == 'a' { &mut a } else { &mut b };
        outcomes.push(format!(
            "{session}: {sql}: {}",
            turn(connection, sql).await?
        ));
    }
    a.disconnect().await?;
    b.disconnect().await?;
    Ok(outcomes)
}

async fn turn(connection: &mut Conn, sql: &str) -> Result<String> {
    let value: Option<Option<u64>> = connection.query_first(sql).await?;
    Ok(match value {
        Some(value) => format!("{value:?}"),
        None => format!("ok {:?}", connection.last_insert_id()),
    })
}

async fn is_the_same_through_a_pool_of(
    max: u32,
    turns: &[(char, &str)],
    kind: DatabaseKind,
) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let pool = format!("max = {max}");
    let Some(path) = path(&server).pool(&pool).start().await? else {
        return Ok(());
    };
    let expected = play(&direct(&server), turns).await?;
    // Twice: the second time on connections that have a past.
    for _ in 0..2 {
        let seen = play(path.endpoint(), turns).await?;
        ensure!(
            seen == expected,
            "through the pool:\n{seen:#?}\ndirectly:\n{expected:#?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn is_each_sessions_own_on_mariadb() -> Result<()> {
    // One more than sessions that hold a lease: `a` is pinned at the end by its variable.
    is_the_same_through_a_pool_of(2, &TURNS, DatabaseKind::MariaDb).await?;
    is_the_same_through_a_pool_of(1, &TWINS, DatabaseKind::MariaDb).await
}

#[tokio::test]
async fn is_each_sessions_own_on_tidb() -> Result<()> {
    is_the_same_through_a_pool_of(2, &TURNS, DatabaseKind::Tidb).await?;
    is_the_same_through_a_pool_of(1, &TWINS, DatabaseKind::Tidb).await
}

#[tokio::test]
async fn is_each_sessions_own_on_mysql() -> Result<()> {
    is_the_same_through_a_pool_of(2, &TURNS, DatabaseKind::MySql).await?;
    is_the_same_through_a_pool_of(1, &TWINS, DatabaseKind::MySql).await
}

/// It belongs to the session also where a trigger reads it, which no statement tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_reads_the_sessions_own() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let mut a = path.endpoint().connect().await?;
    let mut b = path.endpoint().connect().await?;
    for sql in [
        "CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
        "CREATE TABLE child (id INT AUTO_INCREMENT PRIMARY KEY, l BIGINT)",
        "CREATE TRIGGER t BEFORE INSERT ON child FOR EACH ROW SET NEW.l = LAST_INSERT_ID()",
        "INSERT INTO parent VALUES (40, 1)",
        "INSERT INTO parent (n) VALUES (2)",
    ] {
        a.query_drop(sql).await?;
    }
    b.query_drop("INSERT INTO parent (n) VALUES (3)").await?;
    a.query_drop("INSERT INTO child () VALUES ()").await?;
    let seen: Option<u64> = b.query_first("SELECT l FROM child").await?;
    ensure!(seen == Some(41), "the trigger read {seen:?}");
    a.disconnect().await?;
    Ok(b.disconnect().await?)
}
