//! Whatever is written directly at MariaDB and MySQL is told, and soon.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use testkit::DatabaseKind;
use tokio::time::Instant;

use super::recorder::{Heard, anything, statement, table};
use super::world::World;

async fn all_writes_are_told(kind: DatabaseKind) -> Result<()> {
    let Some(mut world) = World::start(kind).await? else {
        return Ok(());
    };
    let (items, clients) = (table("shop.items"), table("shop.clients"));
    let both = [items.clone(), clients.clone()];
    let only = |name: &Heard| [name.clone()];
    world
        .told("INSERT INTO items (v) VALUES (1), (2), (3)", &only(&items))
        .await?;
    world
        .told("REPLACE INTO items VALUES (1, 5)", &only(&items))
        .await?;
    world
        .told("UPDATE items SET v = 7 WHERE id = 2", &only(&items))
        .await?;
    world
        .told("UPDATE items SET v = 7 WHERE id = 99", &[])
        .await?;
    world
        .told("INSERT INTO clients SELECT * FROM items", &only(&clients))
        .await?;
    world
        .told(
            "UPDATE items i, clients c SET i.v = 8, c.v = 8 WHERE i.id = c.id",
            &both,
        )
        .await?;
    world
        .told(
            "DELETE i FROM items i JOIN clients c USING (id)",
            &only(&items),
        )
        .await?;
    loads_are_told(&mut world).await?;
    transactions_are_told(&mut world).await?;
    definitions_are_told(&mut world).await?;
    statements_are_told(&mut world).await?;
    prepared_transactions_are_told(&mut world).await?;
    compressed_writes_are_told(&mut world).await?;
    world.told("FLUSH BINARY LOGS", &[]).await?;
    world
        .told("INSERT INTO items (v) VALUES (1)", &only(&items))
        .await?;
    Ok(())
}

async fn loads_are_told(world: &mut World) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(b"50\t1\n51\t2\n")?;
    // MySQL's server may run as another user than its starter.
    fs::set_permissions(file.path(), Permissions::from_mode(0o644))?;
    let path = file.path().display();
    let sql = format!("LOAD DATA INFILE '{path}' INTO TABLE items");
    world.told(&sql, &[table("shop.items")]).await
}

async fn transactions_are_told(world: &mut World) -> Result<()> {
    world.run("BEGIN").await?;
    for _ in 0..3 {
        world.run("INSERT INTO items (v) VALUES (1)").await?;
    }
    world.run("SAVEPOINT s").await?;
    world.run("INSERT INTO clients (v) VALUES (1)").await?;
    world.run("ROLLBACK TO s").await?;
    world.told("COMMIT", &[table("shop.items")]).await?;
    world.run("BEGIN").await?;
    world.run("INSERT INTO items (v) VALUES (1)").await?;
    world.told("ROLLBACK", &[]).await
}

async fn definitions_are_told(world: &mut World) -> Result<()> {
    let alter = "/* a comment */ ALTER TABLE items ADD COLUMN w INT";
    let view = "CREATE VIEW seen AS SELECT v FROM items";
    for sql in [
        alter,
        "TRUNCATE TABLE items",
        view,
        "DROP DATABASE IF EXISTS other",
    ] {
        let heard = heard_of(world, sql).await?;
        let Some(Heard::Statement(database, told)) = heard.first() else {
            bail!("{sql}: {heard:?}");
        };
        // MariaDB tells of a view in its own words.
        let is_told = told == sql || (sql == view && told.contains("VIEW `seen` AS SELECT"));
        ensure!(is_told && heard.len() == 1, "{sql}: {heard:?}");
        ensure!(
            database == "shop" || told.contains("DATABASE"),
            "{database}"
        );
    }
    let heard = heard_of(world, "CREATE TABLE copies AS SELECT * FROM clients").await?;
    let [Heard::Statement(_, sql), rows] = heard.as_slice() else {
        bail!("{heard:?}");
    };
    ensure!(
        sql.starts_with("CREATE TABLE `copies`") && *rows == table("shop.copies"),
        "{heard:?}"
    );
    world.run("SET sql_mode = 'ANSI_QUOTES'").await?;
    world
        .told("ALTER TABLE \"copies\" ADD COLUMN x INT", &[anything()])
        .await?;
    world.run("SET sql_mode = DEFAULT").await
}

async fn heard_of(world: &mut World, sql: &str) -> Result<Vec<Heard>> {
    world.run(sql).await?;
    world.mark().await
}

async fn statements_are_told(world: &mut World) -> Result<()> {
    world.run("SET binlog_format = STATEMENT").await?;
    let sql = "INSERT INTO clients (v) VALUES (8)";
    world.run(sql).await?;
    world.run("SET binlog_format = ROW").await?;
    let heard = world.mark().await?;
    ensure!(heard == [statement("shop", sql)], "{heard:?}");
    Ok(())
}

async fn prepared_transactions_are_told(world: &mut World) -> Result<()> {
    world.run("XA START 'x'").await?;
    world.run("INSERT INTO clients (v) VALUES (1)").await?;
    world.run("XA END 'x'").await?;
    world.run("XA PREPARE 'x'").await?;
    let (_, before) = world.recorder.until(&table("shop.clients")).await?;
    ensure!(before.is_empty(), "{before:?}");
    world.told("XA COMMIT 'x'", &[anything()]).await
}

async fn compressed_writes_are_told(world: &mut World) -> Result<()> {
    let on: &[&str] = if world.is_mariadb() {
        &[
            "SET GLOBAL log_bin_compress = ON",
            "SET GLOBAL log_bin_compress_min_len = 10",
        ]
    } else {
        &["SET binlog_transaction_compression = ON"]
    };
    for sql in on {
        world.run(sql).await?;
    }
    let (items, clients) = (table("shop.items"), table("shop.clients"));
    world.run("BEGIN").await?;
    let rows = vec!["(1)"; 2000].join(", ");
    world
        .run(&format!("INSERT INTO items (v) VALUES {rows}"))
        .await?;
    world.run("UPDATE clients SET v = v + 1").await?;
    world.told("COMMIT", &[items, clients]).await?;
    let off = if world.is_mariadb() {
        "SET GLOBAL log_bin_compress = OFF"
    } else {
        "SET binlog_transaction_compression = OFF"
    };
    world.run(off).await
}

/// How long it takes from sending a write until it is told, and from its answer.
async fn writes_are_told_soon(kind: DatabaseKind) -> Result<()> {
    const WRITES: usize = 500;
    let Some(mut world) = World::start(kind).await? else {
        return Ok(());
    };
    let (mut since_sent, mut since_answered) = (Vec::new(), Vec::new());
    for number in 0..WRITES {
        let name = if number % 2 == 0 { "items" } else { "clients" };
        let sent = Instant::now();
        world
            .run(&format!("INSERT INTO {name} (v) VALUES ({number})"))
            .await?;
        let answered = Instant::now();
        let (told, _) = world
            .recorder
            .until(&table(&format!("shop.{name}")))
            .await?;
        since_sent.push(told - sent);
        since_answered.push(told.saturating_duration_since(answered));
    }
    for (what, times) in [("sent", &mut since_sent), ("answered", &mut since_answered)] {
        times.sort();
        let [half, most, longest] = [WRITES / 2, WRITES * 99 / 100, WRITES - 1];
        let [half, most, longest] = [half, most, longest].map(|index| times[index]);
        println!("{kind}, since {what}: p50 {half:?}, p99 {most:?}, longest {longest:?}");
    }
    let typical = since_sent[WRITES / 2];
    ensure!(typical < Duration::from_millis(100), "{typical:?}");
    Ok(())
}

#[tokio::test]
async fn mariadb_tells_of_all_writes() -> Result<()> {
    all_writes_are_told(DatabaseKind::MariaDb).await
}

#[tokio::test]
async fn mysql_tells_of_all_writes() -> Result<()> {
    all_writes_are_told(DatabaseKind::MySql).await
}

#[tokio::test]
async fn mariadb_tells_soon() -> Result<()> {
    writes_are_told_soon(DatabaseKind::MariaDb).await
}

#[tokio::test]
async fn mysql_tells_soon() -> Result<()> {
    writes_are_told_soon(DatabaseKind::MySql).await
}
