//! What becomes of it when the connection, the log or the server is lost.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use testkit::{DatabaseKind, eventually};
use tokio::time::{Instant, sleep};

use super::recorder::{Heard, anything, table};
use super::way::State;
use super::world::World;

async fn losses_are_survived(kind: DatabaseKind) -> Result<()> {
    let Some(mut world) = World::start(kind).await? else {
        return Ok(());
    };
    a_killed_dump_misses_nothing(&mut world).await?;
    a_rotated_log_misses_nothing(&mut world).await?;
    a_silent_connection_is_left(&mut world).await?;
    a_purged_log_is_begun_at_its_end(&mut world).await?;
    a_log_of_the_same_name_is_another(&mut world).await?;
    a_server_that_crashed_is_followed_again(&mut world).await
}

/// Waits until it is followed again, and returns what was heard meanwhile.
async fn followed_again(world: &World) -> Result<Vec<Heard>> {
    let (_, before) = world.recorder.until(&Heard::Following(false)).await?;
    let (_, meanwhile) = world.recorder.until(&Heard::Following(true)).await?;
    Ok([before, meanwhile].concat())
}

async fn a_killed_dump_misses_nothing(world: &mut World) -> Result<()> {
    for round in 0..5 {
        let dump = "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'";
        let thread: Option<u64> = world.writer.query_first(dump).await?;
        let thread = thread.context("there is no dump")?;
        world.run(&format!("KILL {thread}")).await?;
        let mut tables = Vec::new();
        for number in 0..20 {
            let name = format!("t{round}_{number}");
            world
                .run(&format!("CREATE TABLE {name} AS SELECT 1 AS id"))
                .await?;
            tables.push(table(&format!("shop.{name}")));
        }
        let heard = world.mark().await?;
        let missed = tables.iter().find(|table| !heard.contains(table));
        ensure!(missed.is_none(), "{missed:?} of {heard:?}");
        let again = [Heard::Following(false), Heard::Following(true)];
        ensure!(again.iter().all(|it| heard.contains(it)), "{heard:?}");
        ensure!(!heard.contains(&anything()), "{heard:?}");
    }
    Ok(())
}

async fn a_rotated_log_misses_nothing(world: &mut World) -> Result<()> {
    for _ in 0..3 {
        world.told("FLUSH BINARY LOGS", &[]).await?;
        let items = [table("shop.items")];
        world
            .told("INSERT INTO items (v) VALUES (1)", &items)
            .await?;
    }
    // Lost in one file, and followed again in the next.
    world.way.set(State::Closed);
    world.recorder.until(&Heard::Following(false)).await?;
    world.run("INSERT INTO clients (v) VALUES (1)").await?;
    world.run("FLUSH BINARY LOGS").await?;
    world.run("INSERT INTO items (v) VALUES (1)").await?;
    world.way.set(State::Open);
    let heard = world.mark().await?;
    let told = [
        Heard::Following(true),
        table("shop.clients"),
        table("shop.items"),
    ];
    ensure!(heard == told, "{heard:?}");
    Ok(())
}

async fn a_silent_connection_is_left(world: &mut World) -> Result<()> {
    let began = Instant::now();
    world.way.set(State::Silent);
    world.recorder.until(&Heard::Following(false)).await?;
    let took = began.elapsed();
    ensure!(took < Duration::from_secs(8), "it took {took:?}");
    world.way.set(State::Open);
    world.recorder.until(&Heard::Following(true)).await?;
    Ok(())
}

async fn a_purged_log_is_begun_at_its_end(world: &mut World) -> Result<()> {
    world.way.set(State::Closed);
    world.recorder.until(&Heard::Following(false)).await?;
    world.run("FLUSH BINARY LOGS").await?;
    world.run("INSERT INTO items (v) VALUES (1)").await?;
    world.run("FLUSH BINARY LOGS").await?;
    // A file stays as long as the dump that was cut off has not noticed it.
    eventually("the log is purged", Duration::from_secs(30), async || {
        let logs: Vec<mysql_async::Row> = world.writer.query("SHOW BINARY LOGS").await?;
        let newest: Option<String> = logs.last().and_then(|row| row.get(0));
        let newest = newest.context("there is no log")?;
        world
            .run(&format!("PURGE BINARY LOGS TO '{newest}'"))
            .await?;
        ensure!(logs.len() == 1, "there is more than {newest}");
        Ok(())
    })
    .await?;
    world.way.set(State::Open);
    let (_, before) = world.recorder.until(&Heard::Following(true)).await?;
    ensure!(before.contains(&anything()), "{before:?}");
    world
        .told("INSERT INTO items (v) VALUES (1)", &[table("shop.items")])
        .await
}

/// The place that was known is in the file too, and is another.
async fn a_log_of_the_same_name_is_another(world: &mut World) -> Result<()> {
    let reset = if world.is_mariadb() {
        "RESET MASTER"
    } else {
        "RESET BINARY LOGS AND GTIDS"
    };
    world.run(reset).await?;
    let heard = followed_again(world).await?;
    ensure!(heard.contains(&anything()), "{reset}: {heard:?}");
    world
        .told("INSERT INTO items (v) VALUES (1)", &[table("shop.items")])
        .await?;
    world.way.set(State::Closed);
    world.recorder.until(&Heard::Following(false)).await?;
    // The same writes lead to the same place.
    sleep(Duration::from_secs(1)).await;
    world.run(reset).await?;
    for _ in 0..10 {
        world.run("INSERT INTO items (v) VALUES (1)").await?;
    }
    world.way.set(State::Open);
    let (_, before) = world.recorder.until(&Heard::Following(true)).await?;
    ensure!(before.contains(&anything()), "{reset} unseen: {before:?}");
    world.settle().await?;
    world
        .told("INSERT INTO items (v) VALUES (1)", &[table("shop.items")])
        .await
}

async fn a_server_that_crashed_is_followed_again(world: &mut World) -> Result<()> {
    world.database.kill()?;
    world.recorder.until(&Heard::Following(false)).await?;
    world.database.restart().await?;
    world.writer = world.database.connect().await?;
    world.run("USE shop").await?;
    world.recorder.until(&Heard::Following(true)).await?;
    world.settle().await?;
    world
        .told("INSERT INTO items (v) VALUES (1)", &[table("shop.items")])
        .await
}

#[tokio::test]
async fn losses_of_mariadb_are_survived() -> Result<()> {
    losses_are_survived(DatabaseKind::MariaDb).await
}

#[tokio::test]
async fn losses_of_mysql_are_survived() -> Result<()> {
    losses_are_survived(DatabaseKind::MySql).await
}
