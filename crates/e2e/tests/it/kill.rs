//! `KILL` by the ids that clients see, and clients that vanish: what they ran is ended at the
//! origin, nobody else notices, and the origin connection goes back to the pool clean.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::{Endpoint, Path, expect_failure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use mysql_proto::{Capabilities, Command};
use testkit::{Database, DatabaseKind, eventually, find, skip};
use tokio::time::{Instant, timeout};

use crate::wire::Wire;
use crate::world::{USER, direct, path, server};

const PATIENCE: Duration = Duration::from_secs(30);

/// A client that vanished has freed its connection by then.
const SOON: Duration = Duration::from_secs(1);

/// Runs for minutes, touches nothing, and ends with an error on every server when it is killed,
/// unlike `SLEEP`. The alias is what it is found by.
const HEAVY: &str = "SELECT COUNT(*) AS heavy FROM information_schema.columns a, \
     information_schema.columns b, information_schema.columns c";

/// The statement was interrupted.
const INTERRUPTED: u16 = 1317;
/// `ER_CONNECTION_KILLED`, MariaDB's.
const CONNECTION_KILLED: u16 = 1927;
/// What TiDB says in some states of a statement, in the place of that.
const CONTEXT_CANCELED: u16 = 1105;
/// There is no such connection.
const NO_SUCH_THREAD: u16 = 1094;

/// How often the hyperdrive's user runs a statement with this mark. (One that is being prepared has
/// it too, for a moment that a busy machine makes long.)
async fn running(server: &Database, mark: &str) -> Result<u64> {
    let mut connection = server.connect().await?;
    let sql = format!(
        "SELECT COUNT(*) FROM information_schema.processlist \
         WHERE user = '{USER}' AND info LIKE '%{mark}%' AND command <> 'Prepare'"
    );
    let count: Option<u64> = connection.query_first(sql).await?;
    connection.disconnect().await?;
    count.context("no count")
}

async fn runs(server: &Database, mark: &str) -> Result<()> {
    eventually("the statement runs", PATIENCE, async || {
        ensure!(running(server, mark).await? > 0, "it does not run");
        Ok(())
    })
    .await
}

async fn runs_no_more(server: &Database, mark: &str, limit: Duration) -> Result<()> {
    eventually("the statement has ended", limit, async || {
        ensure!(running(server, mark).await? == 0, "it runs still");
        Ok(())
    })
    .await
}

/// A number of the one row of `SHOW TIDEGATE POOLS`.
async fn pool(client: &mut Conn, column: &str) -> Result<u64> {
    let row: Option<Row> = client.query_first("SHOW TIDEGATE POOLS").await?;
    let row = row.context("there is no pool")?;
    row.get(column)
        .with_context(|| format!("no column {column}"))
}

/// A path with a pool of this many, and clients on it. `None`: the server is not installed.
struct World {
    server: Database,
    path: Path,
}

impl World {
    async fn start(kind: DatabaseKind, max: u32) -> Result<Option<Self>> {
        let Some(server) = server(kind).await? else {
            return Ok(None);
        };
        let keys = format!("max = {max}\nwait_timeout = \"20s\"");
        let path = path(&server).pool(&keys).start().await?;
        Ok(path.map(|path| Self { server, path }))
    }

    async fn client(&self) -> Result<Conn> {
        Ok(self.path.endpoint().connect().await?)
    }
}

async fn interrupts_only_the_statement(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, 2).await? else {
        return Ok(());
    };
    let (mut victim, mut killer) = (world.client().await?, world.client().await?);
    let id = victim.id();
    let run = tokio::spawn(async move { (victim.query_drop(HEAVY).await, victim) });
    runs(&world.server, "heavy").await?;
    killer.query_drop(format!("KILL QUERY {id}")).await?;
    let (outcome, mut victim) = timeout(PATIENCE, run).await.context("it runs on")??;
    let failure = expect_failure(outcome)?;
    let is_told = failure.code == INTERRUPTED
        || (kind == DatabaseKind::Tidb && failure.code == CONTEXT_CANCELED);
    ensure!(is_told, "{failure:?}");
    // The session goes on, and to kill what says nothing is no error.
    for _ in 0..3 {
        killer.query_drop(format!("KILL QUERY {id}")).await?;
        let one: Option<u8> = victim.query_first("SELECT 1").await?;
        ensure!(one == Some(1), "{one:?}");
    }
    // Oneself is interrupted by it.
    let failure = expect_failure(killer.query_drop("KILL QUERY CONNECTION_ID()").await)?;
    ensure!(failure.code == INTERRUPTED, "{failure:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_query_interrupts_a_statement_on_mariadb() -> Result<()> {
    interrupts_only_the_statement(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_query_interrupts_a_statement_on_mysql() -> Result<()> {
    interrupts_only_the_statement(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_query_interrupts_a_statement_on_tidb() -> Result<()> {
    interrupts_only_the_statement(DatabaseKind::Tidb).await
}

async fn ends_a_session(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, 1).await? else {
        return Ok(());
    };
    let (mut victim, mut killer) = (world.client().await?, world.client().await?);
    killer
        .query_drop("CREATE TABLE kept (id INT PRIMARY KEY)")
        .await?;
    victim.query_drop("BEGIN").await?;
    victim.query_drop("INSERT INTO kept VALUES (1)").await?;
    // The pool is exhausted, and a kill needs no lease.
    killer.query_drop(format!("KILL {}", victim.id())).await?;
    if victim
        .query_drop("INSERT INTO kept VALUES (2)")
        .await
        .is_ok()
    {
        bail!("a killed session went on");
    }
    let rows: Vec<u32> = killer.query("SELECT id FROM kept").await?;
    ensure!(
        rows.is_empty(),
        "half of a transaction took effect: {rows:?}"
    );
    // Amid a statement too.
    let mut victim = world.client().await?;
    let id = victim.id();
    let run = tokio::spawn(async move { victim.query_drop(HEAVY).await });
    runs(&world.server, "heavy").await?;
    killer.query_drop(format!("KILL CONNECTION {id}")).await?;
    let outcome = timeout(PATIENCE, run).await.context("it runs on")??;
    ensure!(outcome.is_err(), "a killed statement succeeded");
    runs_no_more(&world.server, "heavy", PATIENCE).await?;
    // It is gone, and the origin does not know it either.
    if kind != DatabaseKind::Tidb {
        let failure = expect_failure(killer.query_drop(format!("KILL {id}")).await)?;
        ensure!(failure.code == NO_SUCH_THREAD, "{failure:?}");
    }
    let failure = expect_failure(killer.query_drop("KILL CONNECTION_ID()").await)?;
    let expected = if kind == DatabaseKind::MariaDb {
        CONNECTION_KILLED
    } else {
        INTERRUPTED
    };
    ensure!(failure.code == expected, "{failure:?}");
    ensure!(killer.query_drop("SELECT 1").await.is_err(), "it lives on");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_ends_a_session_on_mariadb() -> Result<()> {
    ends_a_session(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_ends_a_session_on_mysql() -> Result<()> {
    ends_a_session(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_ends_a_session_on_tidb() -> Result<()> {
    ends_a_session(DatabaseKind::Tidb).await
}

/// An id that is none of ours is one of the origin's process list.
#[tokio::test(flavor = "multi_thread")]
async fn ids_of_the_origin_go_to_the_origin() -> Result<()> {
    let Some(world) = World::start(DatabaseKind::MariaDb, 1).await? else {
        return Ok(());
    };
    let mut victim = direct(&world.server).connect().await?;
    let run = tokio::spawn(async move { victim.query_drop(HEAVY).await });
    runs(&world.server, "heavy").await?;
    let mut killer = world.client().await?;
    let sql =
        "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT COUNT(*) AS heavy%'";
    let id: Option<u64> = killer.query_first(sql).await?;
    let id = id.context("it is not in the list")?;
    killer.query_drop(format!("KILL QUERY {id}")).await?;
    let failure = expect_failure(timeout(PATIENCE, run).await.context("it runs on")??)?;
    ensure!(failure.code == INTERRUPTED, "{failure:?}");
    Ok(())
}

/// Statements of one session are killed as fast as can be, while others run on the same two
/// connections: not one of theirs may be hit.
async fn hits_nobody_else(kind: DatabaseKind) -> Result<()> {
    const TURNS: u32 = 300;
    let Some(world) = World::start(kind, 2).await? else {
        return Ok(());
    };
    let done = Arc::new(AtomicBool::new(false));
    let mut victim = world.client().await?;
    let id = victim.id();
    let hunted = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            while !done.load(Ordering::SeqCst) {
                // What becomes of it does not matter, as long as the session lives.
                if let Err(error) = victim.query_drop("SELECT SLEEP(0.001)").await {
                    ensure!(matches!(error, mysql_async::Error::Server(_)), "{error}");
                }
            }
            anyhow::Ok(())
        }
    });
    let mut bystanders = Vec::new();
    for number in 0..4_u32 {
        let (mut client, done) = (world.client().await?, Arc::clone(&done));
        bystanders.push(tokio::spawn(async move {
            let mut turns = 0_u32;
            while !done.load(Ordering::SeqCst) {
                let sql = format!("SELECT SLEEP(0.001), {number}");
                let row: Option<(u8, u32)> = client.query_first(sql).await?;
                // An interrupted SLEEP gives 1.
                ensure!(row == Some((0, number)), "client {number} was hit: {row:?}");
                turns += 1;
            }
            anyhow::Ok(turns)
        }));
    }
    let mut killer = world.client().await?;
    for _ in 0..TURNS {
        killer.query_drop(format!("KILL QUERY {id}")).await?;
    }
    done.store(true, Ordering::SeqCst);
    hunted.await??;
    for bystander in bystanders {
        let turns = timeout(PATIENCE, bystander)
            .await
            .context("a client hangs")???;
        ensure!(turns > 0, "a client did nothing");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_hits_nobody_else_on_mariadb() -> Result<()> {
    hits_nobody_else(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_hits_nobody_else_on_mysql() -> Result<()> {
    hits_nobody_else(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_hits_nobody_else_on_tidb() -> Result<()> {
    hits_nobody_else(DatabaseKind::Tidb).await
}

/// The client's side is simply gone, as when its machine is.
async fn frees_its_connection_now(kind: DatabaseKind, prepared: bool) -> Result<()> {
    let Some(world) = World::start(kind, 1).await? else {
        return Ok(());
    };
    let (mut vanishing, mut next) = (world.client().await?, world.client().await?);
    next.query_drop("CREATE TABLE things (id INT PRIMARY KEY)")
        .await?;
    vanishing.query_drop("SET @mine = 'secret'").await?;
    vanishing.query_drop("BEGIN").await?;
    vanishing
        .query_drop("INSERT INTO things VALUES (1)")
        .await?;
    let connects = pool(&mut next, "Connects").await?;
    let run = tokio::spawn(async move {
        if prepared {
            vanishing.exec_drop(SLEEP, ()).await
        } else {
            vanishing.query_drop(SLEEP).await
        }
    });
    runs(&world.server, "slow").await?;
    run.abort();
    let began = Instant::now();
    let rows: Vec<(Option<String>, u64)> = next
        .query("SELECT @mine, (SELECT COUNT(*) FROM things)")
        .await?;
    let took = began.elapsed();
    ensure!(took < SOON, "it took {took:?}");
    ensure!(rows == [(None, 0)], "something was left behind: {rows:?}");
    runs_no_more(&world.server, "slow", SOON).await?;
    let now = pool(&mut next, "Connects").await?;
    // On a machine that is too busy for a kill in time, it is closed.
    ensure!(
        now == connects || took > PROMPT,
        "it was closed, and not given back"
    );
    Ok(())
}

const SLEEP: &str = "SELECT SLEEP(30) AS slow";

/// A client may vanish at a moment in which nobody can tell where its response ends; then its
/// connection is closed, so it is one of several that has to be given back.
async fn frees_its_connection(kind: DatabaseKind, prepared: bool) -> Result<()> {
    let mut freed = frees_its_connection_now(kind, prepared).await;
    for _ in 0..2 {
        if freed.is_ok() {
            break;
        }
        freed = frees_its_connection_now(kind, prepared).await;
    }
    freed
}

/// A kill that takes longer may be given up.
const PROMPT: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_client_frees_its_connection_on_mariadb() -> Result<()> {
    frees_its_connection(DatabaseKind::MariaDb, false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_client_frees_its_connection_on_mysql() -> Result<()> {
    frees_its_connection(DatabaseKind::MySql, false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_client_frees_its_connection_on_tidb() -> Result<()> {
    frees_its_connection(DatabaseKind::Tidb, false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_amid_an_execution_frees_its_connection_on_mariadb() -> Result<()> {
    frees_its_connection(DatabaseKind::MariaDb, true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_amid_an_execution_frees_its_connection_on_mysql() -> Result<()> {
    frees_its_connection(DatabaseKind::MySql, true).await
}

/// What needs no commit runs to its end at a server, whoever waits for it, and so it does here.
async fn finishes_a_write(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, 1).await? else {
        return Ok(());
    };
    let (mut vanishing, mut next) = (world.client().await?, world.client().await?);
    next.query_drop("CREATE TABLE things (id INT PRIMARY KEY)")
        .await?;
    vanishing.query_drop("SET @mine = 'secret'").await?;
    let write = "INSERT INTO things SELECT 1 AS slow FROM (SELECT SLEEP(2) AS s) AS t WHERE s = 0";
    let run = tokio::spawn(async move { vanishing.query_drop(write).await });
    runs(&world.server, "slow").await?;
    run.abort();
    // There is one connection, so this waits for the end of it.
    let rows: Vec<(Option<String>, u64)> = next
        .query("SELECT @mine, (SELECT COUNT(*) FROM things)")
        .await?;
    ensure!(rows == [(None, 1)], "it did not end well: {rows:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_a_vanished_client_is_finished_on_mariadb() -> Result<()> {
    finishes_a_write(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_a_vanished_client_is_finished_on_mysql() -> Result<()> {
    finishes_a_write(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_a_vanished_client_is_finished_on_tidb() -> Result<()> {
    finishes_a_write(DatabaseKind::Tidb).await
}

/// Control-C in the command line client: it opens a second connection, and kills by the id that
/// the first one was greeted with.
#[tokio::test(flavor = "multi_thread")]
async fn control_c_in_the_command_line_client_interrupts() -> Result<()> {
    if find("mariadb").is_none() {
        skip("the mariadb command line", "it is not installed");
        return Ok(());
    }
    let Some(world) = World::start(DatabaseKind::MariaDb, 2).await? else {
        return Ok(());
    };
    let Endpoint {
        port,
        user,
        password,
        database,
    } = world.path.endpoint();
    let client = tokio::process::Command::new("mariadb")
        .args(["--no-defaults", "--host=127.0.0.1", "--protocol=tcp"])
        .arg(format!("--port={port}"))
        .arg(format!("--user={user}"))
        .arg(format!("--password={password}"))
        .arg(format!("--execute={HEAVY}"))
        .arg(database)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    runs(&world.server, "heavy").await?;
    let id = client.id().context("it has ended")?;
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &id.to_string()])
        .status()?;
    ensure!(interrupt.success(), "kill failed");
    let output = timeout(PATIENCE, client.wait_with_output())
        .await
        .context("it waits on")??;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(errors.contains("1317"), "it was not interrupted: {errors}");
    runs_no_more(&world.server, "heavy", PATIENCE).await
}

/// It is the client that is waited for, not the origin.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_owes_a_file_is_killed_at_once() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        server
            .execute_all(&[
                "CREATE TABLE shop.loaded (n INT)",
                "SET GLOBAL local_infile = 1",
            ])
            .await?;
        let Some(path) = path(&server).pool("max = 2").start().await? else {
            continue;
        };
        let mut victim = Wire::open(path.endpoint(), Capabilities::LOCAL_FILES).await?;
        let load = "LOAD DATA LOCAL INFILE 'any' INTO TABLE loaded";
        victim.begin_load(load).await?;
        let mut killer = path.endpoint().connect().await?;
        let began = Instant::now();
        killer.query_drop(format!("KILL {}", victim.id)).await?;
        victim.end().await?;
        let took = began.elapsed();
        ensure!(took < SOON, "{kind}: it took {took:?}");
    }
    Ok(())
}

/// It has not been sent yet, so that it is not run any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_for_a_connection_is_killed_at_once() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    server
        .execute_all(&["CREATE TABLE shop.queued (n INT)"])
        .await?;
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let (mut holder, mut killer) = (
        path.endpoint().connect().await?,
        path.endpoint().connect().await?,
    );
    let mut victim = path.endpoint().connect().await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT * FROM queued").await?;
    let id = victim.id();
    let insert =
        tokio::spawn(async move { victim.query_drop("INSERT INTO queued VALUES (1)").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    killer.query_drop(format!("KILL {id}")).await?;
    ensure!(insert.await?.is_err(), "it was run");
    let took = began.elapsed();
    ensure!(took < SOON, "it took {took:?}");
    holder.query_drop("COMMIT").await?;
    let rows: Option<u64> = killer.query_first("SELECT COUNT(*) FROM queued").await?;
    ensure!(rows == Some(0), "{rows:?}");
    Ok(())
}

/// As a server that has received it runs it.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_for_a_connection_needs_no_client() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    server
        .execute_all(&["CREATE TABLE shop.left_behind (n INT)"])
        .await?;
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let mut holder = path.endpoint().connect().await?;
    let mut of_text = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    let mut prepared = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    let (id, _) = prepared
        .prepare("INSERT INTO left_behind VALUES (2)")
        .await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT * FROM left_behind").await?;
    of_text
        .send_only(Command::QUERY, b"INSERT INTO left_behind VALUES (1)")
        .await?;
    // No cursor, once.
    let execution = [&id.to_le_bytes()[..], &[0, 1, 0, 0, 0]].concat();
    prepared
        .send_only(Command::STMT_EXECUTE, &execution)
        .await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop((of_text, prepared));
    tokio::time::sleep(Duration::from_millis(300)).await;
    holder.query_drop("COMMIT").await?;
    eventually("both are written", PATIENCE, async || {
        let rows: Option<u64> = holder
            .query_first("SELECT COUNT(*) FROM left_behind")
            .await?;
        ensure!(rows == Some(2), "{rows:?}");
        Ok(())
    })
    .await
}
