//! What replicas send: the session goes on as any, and its connection is nobody else's.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_async::prelude::Queryable;
use mysql_proto::{Capabilities, Command};
use testkit::DatabaseKind::{self, MariaDb, MySql};
use testkit::{Database, eventually};
use tokio::time::Instant;

use crate::wire::Wire;
use crate::world::{DATABASE, PASSWORD, USER, direct, path};

const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than what is at once.
const SOON: Duration = Duration::from_millis(700);

const BINLOG: [&str; 2] = ["--log-bin=binlog", "--server-id=1"];

/// `BINLOG_DUMP_NON_BLOCK`: ends with the log.
const NON_BLOCK: u16 = 1;

/// A server that keeps a binary log.
async fn source(kind: DatabaseKind) -> Result<Option<Database>> {
    let Some(server) = Database::start_with(kind, &BINLOG).await? else {
        return Ok(None);
    };
    server.create_database(DATABASE, USER, PASSWORD).await?;
    let rights = format!("GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%'");
    server.execute(&rights).await?;
    Ok(Some(server))
}

/// From the first event of the first log on.
fn dump(flags: u16) -> Vec<u8> {
    let mut argument = 4u32.to_le_bytes().to_vec();
    argument.extend_from_slice(&flags.to_le_bytes());
    argument.extend_from_slice(&77u32.to_le_bytes());
    argument
}

/// A replica of this id, without a name.
fn registration(id: u32) -> Vec<u8> {
    let mut argument = id.to_le_bytes().to_vec();
    // No host, no user, no password; a port, a rank, and the id of its source.
    argument.extend_from_slice(&[0; 3 + 2 + 4 + 4]);
    argument
}

async fn wire(endpoint: &Endpoint) -> Result<Wire> {
    Wire::open(endpoint, Capabilities::empty()).await
}

/// All that a client sees of a refused registration, a good one, and a dump that ends.
async fn replicate(endpoint: &Endpoint) -> Result<Vec<Vec<u8>>> {
    let mut replica = wire(endpoint).await?;
    let (id, prepared) = replica.prepare("SELECT 'of the replica'").await?;
    let mut replies = vec![prepared];
    // Refused without a connection in hand, and with one.
    for before in ["DO 1", "BEGIN"] {
        replies.push(replica.query(before).await?);
        let refused = replica.ask(Command::REGISTER_SLAVE, &[1]).await;
        replies.push(refused.context("a short registration")?);
        replies.push(replica.execute(id, &[], &[]).await?);
    }
    replies.push(replica.query("COMMIT").await?);
    let no_checksums = "SET @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE'";
    replies.push(replica.query(no_checksums).await?);
    let registered = replica
        .ask(Command::REGISTER_SLAVE, &registration(78))
        .await;
    replies.push(registered.context("a registration")?);
    replies.push(replica.execute(id, &[], &[]).await?);
    let own = format!("SELECT CONNECTION_ID() = {}", replica.id);
    let is_own = replica.query(&own).await?;
    ensure!(is_own.contains(&b'1'), "{}", is_own.escape_ascii());
    // Behind the log servers close.
    replica
        .send_only(Command::BINLOG_DUMP, &dump(NON_BLOCK))
        .await?;
    let dumped = replica.closed().await?;
    ensure!(dumped.len() > 100, "{}", dumped.escape_ascii());
    Ok(replies)
}

async fn goes_on(kind: DatabaseKind) -> Result<()> {
    let Some(server) = source(kind).await? else {
        return Ok(());
    };
    let expected = replicate(&direct(&server)).await.context("directly")?;
    let Some(path) = path(&server).pool("max = 2").start().await? else {
        return Ok(());
    };
    // Whose handles are on the connections that a replica gets.
    let mut other = wire(path.endpoint()).await?;
    let (id, _) = other.prepare("SELECT 'a secret of another'").await?;
    other.execute(id, &[], &[]).await?;
    let seen = replicate(path.endpoint()).await.context("through")?;
    for (at, (expected, seen)) in expected.iter().zip(&seen).enumerate() {
        ensure!(
            expected == seen,
            "{kind}, {at}: {} is not {}",
            seen.escape_ascii(),
            expected.escape_ascii()
        );
    }
    let reply = other.execute(id, &[], &[]).await?;
    let secret = b"a secret of another";
    ensure!(reply.windows(secret.len()).any(|part| part == secret));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_behind_what_a_replica_sends() -> Result<()> {
    for kind in [MariaDb, MySql] {
        goes_on(kind).await.context(kind)?;
    }
    Ok(())
}

/// It would keep one of the pool's places, and with it the last client that could write something.
async fn gives_its_place_back(kind: DatabaseKind) -> Result<()> {
    let Some(server) = source(kind).await? else {
        return Ok(());
    };
    let pool = "max = 1\nwait_timeout = \"10s\"";
    let Some(path) = path(&server).pool(pool).start().await? else {
        return Ok(());
    };
    let mut replica = wire(path.endpoint()).await?;
    replica.send_only(Command::BINLOG_DUMP, &dump(0)).await?;
    // The log does not end.
    tokio::time::sleep(SOON).await;
    drop(replica);
    let began = Instant::now();
    wire(path.endpoint()).await?.query("SELECT 1").await?;
    ensure!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    // Somebody kills it.
    let mut replica = wire(path.endpoint()).await?;
    replica.send_only(Command::BINLOG_DUMP, &dump(0)).await?;
    tokio::time::sleep(SOON).await;
    let mut killer = wire(path.endpoint()).await?;
    let began = Instant::now();
    killer.query(&format!("KILL {}", replica.id)).await?;
    replica.closed().await?;
    ensure!(began.elapsed() < SOON, "{:?}", began.elapsed());
    killer.query("SELECT 1").await?;
    eventually("no dump is left at the source", PATIENCE, async || {
        let mut looker = server.connect().await?;
        let question = "SELECT COMMAND FROM information_schema.PROCESSLIST";
        let threads: Vec<String> = looker.query(question).await?;
        ensure!(
            !threads.iter().any(|command| command.contains("Dump")),
            "{threads:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_leaves_or_is_killed_gives_its_place_back() -> Result<()> {
    for kind in [MariaDb, MySql] {
        gives_its_place_back(kind).await.context(kind)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_would_acknowledge_is_refused() -> Result<()> {
    let Some(server) = source(MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    let mut replica = wire(path.endpoint()).await?;
    replica.query("SET @rpl_semi_sync_slave = 1").await?;
    let refused = replica.ask(Command::BINLOG_DUMP, &dump(0)).await?;
    let text = String::from_utf8_lossy(&refused);
    ensure!(text.contains("semi-synchronous"), "{text}");
    replica.query("SELECT 1").await?;
    Ok(())
}
