//! Handles that sessions share on a connection, and statements that are prepared there again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_async::prelude::Queryable;
use mysql_proto::Capabilities;
use testkit::DatabaseKind;

use super::raw::{Raw, Values};
use super::{Log, ensure_same};
use crate::world::{USER, direct, path, server};

/// Keys of a pool, and of the cache.
type Ways<'a> = &'a [(&'a str, &'a str)];

/// Plays behind these statements, directly and through an edge in each of these ways, and compares.
async fn nobody_can_tell(
    kind: DatabaseKind,
    ahead: &[&str],
    ways: Ways<'_>,
    play: impl AsyncFn(&Endpoint) -> Result<Log>,
) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let mut admin = server.connect().await?;
    admin
        .query_drop(format!("GRANT ALL ON *.* TO {USER}@'%'"))
        .await?;
    for sql in ahead {
        admin.query_drop(*sql).await?;
    }
    let expected = play(&direct(&server)).await?;
    for (pool, cache) in ways {
        let Some(path) = path(&server).pool(pool).cache(cache).start().await? else {
            return Ok(());
        };
        let seen = play(path.endpoint()).await?;
        ensure_same(&seen, &expected).with_context(|| format!("{pool}, {cache}"))?;
    }
    Ok(())
}

/// An execution that MySQL refuses has told the handle of the types up to the parameter that was
/// refused: a new handle knows nothing of those behind it.
#[tokio::test(flavor = "multi_thread")]
async fn types_outlast_an_execution_that_is_refused() -> Result<()> {
    const TABLE: &str =
        "CREATE TABLE shop.refused (a VARCHAR(40), b VARCHAR(40)) CHARACTER SET utf8mb4";
    let play = async |endpoint: &Endpoint| {
        let mut client = Raw::connect(endpoint, Capabilities::empty()).await?;
        let two = |text: &str| {
            let one = Values::text(text);
            Values {
                types: one.types.repeat(2),
                count: 2,
                bytes: one.bytes.repeat(2),
                ..one
            }
        };
        client.query("SET NAMES utf8mb3").await?;
        let id = client.prepare("INSERT INTO refused VALUES (?, ?)").await?;
        client.execute(id, &two("a text")).await?;
        // Its connection is reset, so that the next one has a new handle.
        client.query("SELEC").await?;
        let emoji = two("an emoji \u{1F600}").without_types();
        client.execute(id, &emoji).await?;
        client.execute(id, &two("another").without_types()).await?;
        Ok(client.log)
    };
    let ways = [("max = 1", "enabled = false")];
    nobody_can_tell(DatabaseKind::MySql, &[TABLE], &ways, play).await
}

/// Two sessions execute one text on one connection, with types of their own that each tells once.
async fn types_are_each_sessions_own(kind: DatabaseKind) -> Result<()> {
    let play = async |endpoint: &Endpoint| {
        const SQL: &str = "SELECT id, ? AS x FROM typed WHERE id < 2";
        let mut one = Raw::connect(endpoint, Capabilities::empty()).await?;
        let mut other = Raw::connect(endpoint, Capabilities::empty()).await?;
        let (mine, theirs) = (one.prepare(SQL).await?, other.prepare(SQL).await?);
        one.execute(mine, &Values::int(5)).await?;
        for turn in 6..10 {
            other.execute(theirs, &Values::text("abc")).await?;
            one.execute(mine, &Values::int(turn).without_types())
                .await?;
            let text = Values::text("untold").without_types();
            other.execute(theirs, &text).await?;
        }
        one.log.append(&mut other.log);
        Ok(one.log)
    };
    let ahead = [
        "CREATE TABLE shop.typed (id INT PRIMARY KEY)",
        "INSERT INTO shop.typed VALUES (1), (2)",
    ];
    let ways = [
        ("max = 1", "enabled = false"),
        ("max = 1", "enabled = true"),
    ];
    nobody_can_tell(kind, &ahead, &ways, play).await
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_each_sessions_own_on_mariadb() -> Result<()> {
    types_are_each_sessions_own(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_each_sessions_own_on_mysql() -> Result<()> {
    types_are_each_sessions_own(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_each_sessions_own_on_tidb() -> Result<()> {
    types_are_each_sessions_own(DatabaseKind::Tidb).await
}

/// Where a view may write, whatever is sent counts as a write until its outcome is known; that of a
/// piece of long data nobody tells.
#[tokio::test(flavor = "multi_thread")]
async fn long_data_is_no_write_that_was_lost() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let mut admin = server.connect().await?;
    for sql in [
        "CREATE FUNCTION shop.writes() RETURNS INT MODIFIES SQL DATA BEGIN \
         INSERT INTO shop.pieces VALUES ('by a view'); RETURN 1; END",
        "CREATE TABLE shop.pieces (a TEXT)",
        "CREATE VIEW shop.v AS SELECT shop.writes() AS x",
    ] {
        admin.query_drop(sql).await?;
    }
    let path = path(&server).pool("max = 2").cache("enabled = true");
    let Some(path) = path.start().await? else {
        return Ok(());
    };
    let mut client = Raw::connect(path.endpoint(), Capabilities::empty()).await?;
    client.query("BEGIN").await?;
    let id = client.prepare("INSERT INTO pieces VALUES (?)").await?;
    let nothing = Values {
        bytes: Vec::new(),
        ..Values::text("")
    };
    for _ in 0..3 {
        client.long_data(id, 0, b"in pieces").await?;
        client.query("SELECT 1").await?;
        // What follows a lost connection up takes a moment.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let summary = client.execute(id, &nothing).await?;
        ensure!(summary.error.is_none(), "{summary:?}");
    }
    client.query("COMMIT").await?;
    let count: Option<u64> = admin
        .query_first("SELECT COUNT(*) FROM shop.pieces WHERE a = 'in pieces'")
        .await?;
    ensure!(count == Some(3), "{count:?}");
    Ok(())
}

/// What only its connection knows of a session is left alone when a statement has to be prepared
/// there again, in the state of its time.
async fn keeps_what_only_its_connection_knows(kind: DatabaseKind) -> Result<()> {
    let play = async |endpoint: &Endpoint| {
        let mut client = Raw::connect(endpoint, Capabilities::empty()).await?;
        let sets = |at: usize| match at {
            0 => ["SELECT @n := 0", "SET @n = 0", "SELECT @n := 5", "@n"],
            1 => ["SELECT 1", "SET @n = 0", "SELECT 5 INTO @n", "@n"],
            2 => ["SET @n = 7", "SET @n = 0", "SELECT @n := 5", "@n"],
            // This one pins, too, but leaves no doubt of the mode that it was prepared in.
            3 => {
                let [concat, none] = ["SET sql_mode = 'PIPES_AS_CONCAT'", "SET sql_mode = ''"];
                [concat, none, "SET timestamp = 1000", "'a' || 'b'"]
            }
            _ => {
                let [utc, other] = ["SET time_zone = '+00:00'", "SET time_zone = '+01:00'"];
                [utc, other, "CALL shop.sets_zone()", "@@time_zone"]
            }
        };
        for at in 0..5 {
            client.query("SELECT 'apart'").await?;
            let [first, then, last, seen] = sets(at);
            client.query(first).await?;
            let read = client.prepare(&format!("SELECT {seen}, {at}")).await?;
            client.query(then).await?;
            client.query(last).await?;
            for other in 0..4 {
                // There is no room for more on its connection.
                let sql = format!("SELECT {other}, {at}, 'other'");
                let id = client.prepare(&sql).await?;
                client.execute(id, &Values::default()).await?;
            }
            client.execute(read, &Values::default()).await?;
            client.query(&format!("SELECT {seen}")).await?;
        }
        // The types of variables are another matter.
        let values = |(what, bytes): (String, Vec<u8>)| {
            let tail = bytes.len().saturating_sub(14);
            (what, bytes[tail..].to_vec())
        };
        Ok(client.log.into_iter().map(values).collect())
    };
    let procedure = "CREATE PROCEDURE shop.sets_zone() SET time_zone = '+05:00'";
    let ways = [("max = 1\nmax_statements = 2", "enabled = false")];
    nobody_can_tell(kind, &[procedure], &ways, play).await
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_what_only_its_connection_knows_on_mariadb() -> Result<()> {
    keeps_what_only_its_connection_knows(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_what_only_its_connection_knows_on_mysql() -> Result<()> {
    keeps_what_only_its_connection_knows(DatabaseKind::MySql).await
}
