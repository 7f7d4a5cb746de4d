//! The query cache: what is kept is served, and never after a write.

mod binlog;
mod control;
mod errors;
mod hidden;
mod late;
mod left;
mod logins;
mod names;
mod programs;
mod reasons;
mod routines;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::{Endpoint, Path};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};
use testkit::{Database, DatabaseKind, eventually};
use tokio::time::Instant;

use crate::world::{direct, path, server};

const PATIENCE: Duration = Duration::from_secs(20);

/// Reads of one row by different ways, so that a hit of one and a miss of another can disagree.
const READS: [&str; 8] = [
    "SELECT v FROM r WHERE id = 1",
    "SELECT v FROM rv WHERE id = 1",
    "SELECT SUM(v) FROM r",
    "SELECT x.v FROM shop.r AS x JOIN other.o ON o.id = x.id WHERE x.id = 1",
    "SELECT v FROM r WHERE id IN (SELECT id FROM other.o) UNION ALL SELECT v FROM other.o \
     ORDER BY v",
    "WITH w AS (SELECT * FROM r) SELECT MAX(v) FROM w",
    "SELECT COUNT(*) FROM child",
    "SELECT v FROM other.r WHERE id = 1",
];

/// An edge that keeps results, and its origin.
struct World {
    server: Database,
    path: Path,
}

/// How the reads of a statement were answered.
#[derive(Clone, Debug, Default, PartialEq)]
struct Figures {
    hits: u64,
    stale: u64,
    misses: u64,
    bypassed: u64,
    last_bypass: Option<String>,
}

impl World {
    /// `None`: the server is not installed.
    async fn start(kind: DatabaseKind, cache: &str) -> Result<Option<Self>> {
        let Some(server) = server(kind).await? else {
            return Ok(None);
        };
        Self::at(server, cache).await.map(Some)
    }

    async fn at(server: Database, cache: &str) -> Result<Self> {
        set_up(&server).await?;
        let path = path(&server).pool("max = 4").cache("enabled = true");
        let path = path.cache(cache).start().await?;
        let path = path.context("there is no tunnel in it")?;
        let world = Self { server, path };
        world.warm_up().await?;
        Ok(world)
    }

    /// Waits until the edge knows the origin's tables.
    async fn warm_up(&self) -> Result<()> {
        let mut client = self.client().await?;
        let before = figures(&mut client, "SELECT id FROM r").await?;
        eventually("a result is kept", PATIENCE, async || {
            client.query_drop("SELECT id FROM r").await?;
            let figures = figures(&mut client, "SELECT id FROM r").await?;
            ensure!(figures.hits > before.hits, "{figures:?}");
            Ok(())
        })
        .await
    }

    async fn client(&self) -> Result<Conn> {
        Ok(self.path.endpoint().connect().await?)
    }

    /// By which clients come to the hyperdrive of this user.
    fn endpoint_of(&self, user: &str) -> Endpoint {
        Endpoint {
            user: user.to_owned(),
            ..self.path.endpoint().clone()
        }
    }

    /// To the database itself, past the edge.
    async fn direct(&self) -> Result<Conn> {
        Ok(direct(&self.server).connect().await?)
    }

    fn is_tidb(&self) -> bool {
        self.server.kind() == DatabaseKind::Tidb
    }
}

/// One hyperdrive more, for the configuration of [`World::at`].
fn hyperdrive(name: &str, origin: &str, keeps: bool) -> String {
    format!(
        "[[edge.hyperdrives]]\nname = \"{name}\"\npassword = \"l0cal\"\norigin = \"{origin}\"\n\
         cache = {{ enabled = {keeps} }}\n"
    )
}

async fn set_up(server: &Database) -> Result<()> {
    let mut root = server.connect().await?;
    for statement in [
        "CREATE DATABASE other",
        "GRANT ALL ON *.* TO 'clerk'@'%'",
        "USE shop",
        "CREATE TABLE r (id INT PRIMARY KEY, v INT NOT NULL)",
        "INSERT INTO r VALUES (1, 1), (2, 1)",
        "CREATE TABLE parent (id INT PRIMARY KEY)",
        "CREATE TABLE child (id INT PRIMARY KEY, parent INT, \
         FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)",
        "CREATE VIEW rv AS SELECT * FROM r",
        "CREATE TABLE other.o (id INT PRIMARY KEY, v INT NOT NULL)",
        "INSERT INTO other.o VALUES (1, 1)",
        "CREATE TABLE log (n INT)",
        "CREATE TABLE other.r (id INT PRIMARY KEY, v INT NOT NULL)",
        "INSERT INTO other.r VALUES (1, 1)",
    ] {
        root.query_drop(statement).await.context(statement)?;
    }
    if server.kind() != DatabaseKind::Tidb {
        for statement in [
            "CREATE TRIGGER follows AFTER INSERT ON log FOR EACH ROW \
             UPDATE r SET v = v + NEW.n WHERE id = 1",
            "CREATE PROCEDURE bump() UPDATE shop.r SET v = v + 1 WHERE id = 1",
            "CREATE FUNCTION bumps() RETURNS INT DETERMINISTIC MODIFIES SQL DATA \
             BEGIN UPDATE shop.r SET v = v + 1 WHERE id = 1; RETURN 1; END",
        ] {
            root.query_drop(statement).await.context(statement)?;
        }
    }
    Ok(root.disconnect().await?)
}

/// How the reads of a statement were answered that begins like this.
async fn figures(client: &mut Conn, statement: &str) -> Result<Figures> {
    let rows: Vec<Row> = client.query("SHOW TIDEGATE CACHE").await?;
    let mut sum = Figures::default();
    for row in rows {
        let text: String = row.get("Statement").context("no statement")?;
        if !text.starts_with(statement) {
            continue;
        }
        sum.hits += row.get::<u64, _>("Hits").context("no hits")?;
        sum.stale += row.get::<u64, _>("Stale").context("no stale")?;
        sum.misses += row.get::<u64, _>("Misses").context("no misses")?;
        sum.bypassed += row.get::<u64, _>("Bypassed").context("no bypassed")?;
        sum.last_bypass = row.get("Last_bypass").context("no reason")?;
    }
    Ok(sum)
}

/// Reads until it is kept.
async fn keep(reader: &mut Conn, read: &str) -> Result<()> {
    eventually("it is kept", PATIENCE, async || {
        rows(reader, read, false).await?;
        let told: Option<Row> = reader
            .query_first(format!("{read} /* tidegate: explain */"))
            .await?;
        let outcome: Option<String> = told.and_then(|row| row.get("Outcome"));
        ensure!(outcome.as_deref() == Some("hit"), "{outcome:?}");
        Ok(())
    })
    .await
}

/// The reader sees what there is, behind a write that was acknowledged.
async fn ensure_fresh(reader: &mut Conn, truth: &mut Conn, read: &str, write: &str) -> Result<()> {
    let seen = rows(reader, read, false).await?;
    let expected = rows(truth, read, false).await?;
    ensure!(seen == expected, "{write}: {seen:?}, not {expected:?}");
    Ok(())
}

async fn rows(client: &mut Conn, sql: &str, prepared: bool) -> Result<Vec<Vec<Value>>> {
    let rows: Vec<Row> = if prepared {
        client.exec(sql, ()).await?
    } else {
        client.query(sql).await?
    };
    Ok(rows.into_iter().map(Row::unwrap).collect())
}

/// All reads, both ways, twice.
async fn read_all(client: &mut Conn) -> Result<Vec<Vec<Vec<Value>>>> {
    let mut all = Vec::new();
    for sql in READS {
        for prepared in [false, true] {
            let first = rows(client, sql, prepared).await.context(sql)?;
            let again = rows(client, sql, prepared).await?;
            ensure!(first == again, "{sql}: {first:?}, then {again:?}");
            all.push(first);
        }
    }
    Ok(all)
}

/// Not a statement: waits until results are kept again.
const WAIT: &str = "wait";

/// What is written, as statements of one session one after the other.
const WRITES: [&[&str]; 30] = [
    &["USE other; UPDATE r SET v = 40 WHERE id = 1"],
    &[
        "USE other; SELECT no_such",
        WAIT,
        "UPDATE r SET v = 41 WHERE id = 1",
    ],
    &[
        "/*!40000 USE other */",
        WAIT,
        "UPDATE r SET v = 42 WHERE id = 1",
    ],
    &[
        "PREPARE p FROM 'USE other'",
        "EXECUTE p",
        WAIT,
        "UPDATE r SET v = 43 WHERE id = 1",
    ],
    &["BEGIN", "UPDATE r SET v = 44; SELECT no_such", "COMMIT"],
    &[
        "SET autocommit = 0",
        "UPDATE r SET v = 45",
        "COMMIT; SELECT no_such",
        "UPDATE r SET v = 46",
        "COMMIT",
    ],
    &["UPDATE r SET v = 10 WHERE id = 1"],
    &["INSERT INTO r VALUES (3, 11)"],
    &["REPLACE INTO r VALUES (3, 12)"],
    &["INSERT INTO r VALUES (1, 0) ON DUPLICATE KEY UPDATE v = 13"],
    &["DELETE FROM r WHERE id = 3"],
    &["UPDATE rv SET v = 14 WHERE id = 1"],
    &["UPDATE shop . r SET v = 15 WHERE id = 1"],
    &["USE other", "UPDATE `shop`.`r` SET v = 16 WHERE id = 1"],
    &["USE other", "UPDATE o SET v = 17"],
    &["UPDATE r JOIN other.o USING (id) SET r.v = 18, o.v = 18"],
    &["BEGIN", "UPDATE r SET v = 19 WHERE id = 1", "COMMIT"],
    &["BEGIN", "UPDATE r SET v = 20 WHERE id = 1", "ROLLBACK"],
    &[
        "SET autocommit = 0",
        "UPDATE r SET v = 21 WHERE id = 1",
        "COMMIT",
    ],
    &[
        "SET autocommit = 0",
        "UPDATE r SET v = 22 WHERE id = 1",
        "SET autocommit = 1",
    ],
    &[
        "BEGIN",
        "UPDATE r SET v = 23 WHERE id = 1",
        "CREATE TABLE made (id INT)",
    ],
    &["BEGIN", "UPDATE r SET v = 24 WHERE id = 1", "BEGIN"],
    &["UPDATE r SET v = 25 WHERE id = 1; SELECT 1"],
    &["BEGIN; UPDATE r SET v = 26 WHERE id = 1; COMMIT"],
    &[
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (1, 1), (2, 1)",
    ],
    &["DELETE FROM parent WHERE id = 1"],
    &["/* a */ UPDATE /* b */ r SET v = 27 WHERE id = 1"],
    &[
        "ALTER TABLE r ADD COLUMN w INT",
        "UPDATE r SET v = 28 WHERE id = 1",
    ],
    &[
        "TRUNCATE TABLE other.o",
        "INSERT INTO other.o VALUES (1, 29)",
    ],
    &[
        "RENAME TABLE r TO r2",
        "CREATE TABLE r LIKE r2",
        "INSERT INTO r SELECT id, v + 1 FROM r2",
    ],
];

/// Likewise, by what TiDB has not.
const PROGRAMS: [&[&str]; 6] = [
    &["INSERT INTO log VALUES (5)"],
    &["CALL bump()"],
    &["SELECT bumps()"],
    &["DO bumps()"],
    &["SET @a = bumps()"],
    &[
        "PREPARE s FROM 'UPDATE shop.r SET v = 31 WHERE id = 1'",
        "EXECUTE s",
    ],
];

async fn sees_writes(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, "").await? else {
        return Ok(());
    };
    let mut reader = world.client().await?;
    let mut truth = world.direct().await?;
    let programs: &[&[&str]] = if world.is_tidb() { &[] } else { &PROGRAMS };
    // The last one puts another table in the place of the one that triggers and views are about.
    let (last, others) = WRITES.split_last().context("there are writes")?;
    for write in others.iter().chain(programs).chain([last]) {
        for prepared in [false, true] {
            write_and_compare(&world, &mut reader, &mut truth, write, prepared).await?;
        }
    }
    for sql in READS {
        let figures = figures(&mut reader, sql.split(" = ").next().unwrap_or(sql)).await?;
        ensure!(figures.hits > 20, "{sql} was hardly kept: {figures:?}");
    }
    Ok(())
}

async fn write_and_compare(
    world: &World,
    reader: &mut Conn,
    truth: &mut Conn,
    write: &[&str],
    prepared: bool,
) -> Result<()> {
    read_all(reader)
        .await
        .with_context(|| format!("before {write:?}"))?;
    let mut writer = world.client().await?;
    for statement in write {
        if *statement == WAIT {
            world.warm_up().await?;
            read_all(reader).await?;
            continue;
        }
        let done = if prepared && !statement.contains(';') {
            writer.exec_drop(*statement, ()).await
        } else {
            writer.query_drop(*statement).await
        };
        // What was made before, or cannot be prepared, is an error directly as well.
        if let Err(error) = done {
            ensure!(
                matches!(error, mysql_async::Error::Server(_)),
                "{statement}: {error}"
            );
        }
        let (seen, expected) = (read_all(reader).await, read_all(truth).await);
        match (seen, expected) {
            (Ok(seen), Ok(expected)) => {
                ensure!(
                    seen == expected,
                    "{statement} of {write:?}: {seen:?}, not {expected:?}"
                );
            }
            (Err(_), Err(_)) => {}
            (seen, expected) => bail!("{statement} of {write:?}: {seen:?}, not {expected:?}"),
        }
    }
    writer.disconnect().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_write_is_seen_by_each_read_on_mariadb() -> Result<()> {
    sees_writes(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_write_is_seen_by_each_read_on_mysql() -> Result<()> {
    sees_writes(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_write_is_seen_by_each_read_on_tidb() -> Result<()> {
    sees_writes(DatabaseKind::Tidb).await
}

/// What a session may ask after a read is as if it had been sent to the origin.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_read_leaves_its_session_as_a_sent_one_does() -> Result<()> {
    let Some(world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let (mut client, mut direct) = (world.client().await?, world.direct().await?);
    for _ in 0..3 {
        for conn in [&mut client, &mut direct] {
            conn.query_drop("INSERT INTO parent VALUES ('x')")
                .await
                .unwrap_err();
            conn.query_drop("SELECT id FROM r WHERE id < 5").await?;
        }
        let questions = [
            "SHOW WARNINGS",
            "SELECT FOUND_ROWS(), ROW_COUNT(), @@warning_count, LAST_INSERT_ID()",
        ];
        for question in questions {
            let kept = rows(&mut client, question, false).await?;
            let sent = rows(&mut direct, question, false).await?;
            ensure!(kept == sent, "{question}: {kept:?}, not {sent:?}");
        }
    }
    let figures = figures(&mut client, "SELECT id FROM r WHERE id").await?;
    ensure!(figures.hits >= 2, "{figures:?}");
    Ok(())
}

/// Writes past the edge are seen when a result is too old, when somebody drops it, or asks so.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_past_the_edge_is_seen_in_time() -> Result<()> {
    const READ: &str = "SELECT v FROM r WHERE id = 1";
    let cache = "max_age = \"2s\"\nstale_while_revalidate = \"4s\"";
    let Some(world) = World::start(DatabaseKind::MariaDb, cache).await? else {
        return Ok(());
    };
    let (mut client, mut direct) = (world.client().await?, world.direct().await?);
    let value = async |client: &mut Conn, sql: &str| -> Result<i32> {
        client.query_first(sql).await?.context("no row")
    };
    let before = value(&mut client, READ).await?;
    direct
        .query_drop("UPDATE r SET v = 70 WHERE id = 1")
        .await?;
    let written = Instant::now();
    ensure!(value(&mut client, READ).await? == before, "it was not kept");
    let hinted = value(
        &mut client,
        "SELECT v FROM r WHERE id = 1 /* tidegate: no-cache */",
    )
    .await?;
    ensure!(hinted == 70, "a hint was passed over");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    // The first one is stale, and has a fresh one fetched.
    ensure!(
        value(&mut client, READ).await? == before,
        "it was not served stale"
    );
    eventually("a fresh one was fetched", PATIENCE, async || {
        ensure!(value(&mut client, READ).await? == 70, "it is stale");
        Ok(())
    })
    .await?;
    ensure!(
        written.elapsed() < Duration::from_secs(6),
        "it took {:?}",
        written.elapsed()
    );
    let figures = figures(&mut client, "SELECT v FROM r WHERE id").await?;
    ensure!(figures.stale > 0, "{figures:?}");
    Ok(())
}

/// Many who ask for the same at the same time are answered by one query.
#[tokio::test(flavor = "multi_thread")]
async fn a_thundering_herd_makes_one_query() -> Result<()> {
    const HERD: usize = 200;
    const SLOW: &str = "SELECT COUNT(*) FROM r a JOIN r b JOIN r c WHERE a.v + b.v + c.v > 0";
    let Some(world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let mut root = world.server.connect().await?;
    root.query_drop("USE shop").await?;
    root.query_drop("INSERT INTO r SELECT seq, seq FROM seq_10_to_200")
        .await?;
    let mut clients = Vec::new();
    for _ in 0..HERD {
        clients.push(world.client().await?);
    }
    let executed = async |root: &mut Conn| -> Result<u64> {
        let row: Option<(String, u64)> = root
            .query_first("SHOW GLOBAL STATUS LIKE 'Com_select'")
            .await?;
        Ok(row.context("no status")?.1)
    };
    let before = executed(&mut root).await?;
    let herd = clients
        .into_iter()
        .map(|mut client| tokio::spawn(async move { client.query_first::<u64, _>(SLOW).await }));
    for one in herd.collect::<Vec<_>>() {
        ensure!(one.await??.context("no row")? > 0, "nothing was counted");
    }
    let made = executed(&mut root).await? - before;
    // The edge asks for tables and programs now and then as well.
    let mut client = world.client().await?;
    let figures = figures(&mut client, "SELECT COUNT(*) FROM r a").await?;
    ensure!(figures.misses == 1, "{figures:?}, {made} at the origin");
    ensure!(made < 30, "{made} queries at the origin");
    Ok(())
}
