//! What hangs on a table without being shown to the origin's user.

use super::*;

/// `p` is the user's, of `d` it may read all, `full` is its own, `hid` it is not shown.
const DATABASES: [&str; 21] = [
    "CREATE DATABASE p",
    "CREATE DATABASE d",
    "CREATE DATABASE full",
    "CREATE DATABASE hid",
    "CREATE TABLE d.r (id INT PRIMARY KEY, v INT NOT NULL)",
    "CREATE TABLE p.parent (id INT PRIMARY KEY)",
    "CREATE TABLE d.child (id INT, FOREIGN KEY (id) REFERENCES p.parent (id) ON DELETE CASCADE)",
    "CREATE TABLE p.top (id INT PRIMARY KEY)",
    "CREATE TABLE hid.mid (id INT PRIMARY KEY, \
     FOREIGN KEY (id) REFERENCES p.top (id) ON DELETE CASCADE)",
    "CREATE TABLE d.leaf (id INT PRIMARY KEY, \
     FOREIGN KEY (id) REFERENCES hid.mid (id) ON DELETE CASCADE)",
    "CREATE TABLE full.leaf (id INT, FOREIGN KEY (id) REFERENCES hid.mid (id) ON DELETE CASCADE)",
    "CREATE TABLE full.under (id INT, FOREIGN KEY (id) REFERENCES d.leaf (id) ON DELETE CASCADE)",
    "CREATE TABLE full.plain (id INT)",
    "CREATE TABLE p.a (id INT)",
    "CREATE TABLE p.a2 (id INT)",
    "CREATE TABLE p.a3 (id INT)",
    "CREATE TABLE hid.b (id INT)",
    "CREATE TABLE d.m (id INT)",
    "CREATE TABLE d.c (id INT)",
    "CREATE VIEW p.vm AS SELECT * FROM d.m",
    "CREATE VIEW hid.vw AS SELECT * FROM d.c",
];

const PROGRAMS_THERE: [&str; 7] = [
    "CREATE TRIGGER p.ta AFTER INSERT ON p.a FOR EACH ROW INSERT INTO hid.b VALUES (NEW.id)",
    "CREATE TRIGGER hid.tb AFTER INSERT ON hid.b FOR EACH ROW INSERT INTO d.c VALUES (NEW.id)",
    "CREATE TRIGGER p.ta2 AFTER INSERT ON p.a2 FOR EACH ROW INSERT INTO d.m VALUES (NEW.id)",
    "CREATE TRIGGER d.tm AFTER INSERT ON d.m FOR EACH ROW INSERT INTO d.c VALUES (NEW.id)",
    "CREATE TRIGGER p.ta3 AFTER INSERT ON p.a3 FOR EACH ROW INSERT INTO hid.vw VALUES (NEW.id)",
    "CREATE PROCEDURE p.calls() INSERT INTO hid.b VALUES (1)",
    "CREATE PROCEDURE full.calls() INSERT INTO p.a VALUES (1)",
];

const RIGHTS: [&str; 5] = [
    "CREATE USER IF NOT EXISTS w IDENTIFIED BY 'w'",
    "GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER, SHOW VIEW ON p.* TO w",
    "GRANT EXECUTE ON p.* TO w",
    "GRANT SELECT ON d.* TO w",
    "GRANT ALL ON full.* TO w",
];

const ROWS: [&str; 7] = [
    "INSERT INTO p.parent VALUES (1)",
    "INSERT INTO d.child VALUES (1)",
    "INSERT INTO p.top VALUES (1), (2), (3), (4)",
    "INSERT INTO hid.mid VALUES (1), (2), (3), (4)",
    "INSERT INTO d.leaf VALUES (1), (3)",
    "INSERT INTO full.leaf VALUES (2), (4)",
    "INSERT INTO full.under VALUES (3)",
];

/// A read, and what changes what it reads.
const BY_KEYS: [[&str; 2]; 4] = [
    ["SELECT COUNT(*) FROM d.child", "DELETE FROM p.parent"],
    [
        "SELECT COUNT(*) FROM d.leaf",
        "DELETE FROM p.top WHERE id = 1",
    ],
    [
        "SELECT COUNT(*) FROM full.leaf",
        "DELETE FROM p.top WHERE id = 2",
    ],
    [
        "SELECT COUNT(*) FROM full.under",
        "DELETE FROM p.top WHERE id = 3",
    ],
];

/// Likewise.
const BY_PROGRAMS: [[&str; 2]; 6] = [
    ["SELECT COUNT(*) FROM d.c", "INSERT INTO p.a VALUES (1)"],
    ["SELECT COUNT(*) FROM d.c", "INSERT INTO p.a2 VALUES (1)"],
    ["SELECT COUNT(*) FROM d.c", "INSERT INTO p.vm VALUES (1)"],
    ["SELECT COUNT(*) FROM d.c", "INSERT INTO p.a3 VALUES (1)"],
    ["SELECT COUNT(*) FROM d.c", "CALL p.calls()"],
    ["SELECT COUNT(*) FROM d.c", "CALL full.calls()"],
];

async fn hidden_world(server: Database, cache: &str) -> Result<World> {
    let programs: &[&str] = match server.kind() {
        DatabaseKind::Tidb => &[],
        _ => &PROGRAMS_THERE,
    };
    let statements = [&DATABASES[..], programs, &RIGHTS[..], &ROWS[..]];
    server.execute_all(&statements.concat()).await?;
    let path = Path::to(&server, "w", "w", "d").pool("max = 4");
    let path = path.cache("enabled = true").cache(cache).start().await?;
    let path = path.context("there is no tunnel in it")?;
    let world = World { server, path };
    world.warm_up().await?;
    Ok(world)
}

async fn sees_what_hidden_things_change(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let world = hidden_world(server, "").await?;
    let (mut reader, mut writer) = (world.client().await?, world.client().await?);
    let mut truth = world.server.connect().await?;
    let by_programs: &[[&str; 2]] = match kind {
        DatabaseKind::Tidb => &[],
        _ => &BY_PROGRAMS,
    };
    for [read, write] in BY_KEYS.iter().chain(by_programs) {
        keep(&mut reader, read).await?;
        writer.query_drop(*write).await.context(*write)?;
        ensure_fresh(&mut reader, &mut truth, read, write).await?;
    }
    if kind == DatabaseKind::MySql {
        fires_by_cascades(&world, &mut truth).await?;
    }
    // The last of them has made it ask again.
    world.warm_up().await?;
    // Where nothing hangs on it, a write is no more than that, and what may be changed by anything.
    let told: Option<Row> = writer
        .query_first("INSERT INTO full.plain VALUES (1) /* tidegate: explain */")
        .await?;
    let told: Option<String> = told.and_then(|row| row.get("Writes"));
    let told = told.context("it writes nothing")?;
    ensure!(told.starts_with("full.plain"), "{told}");
    ensure!(!told.contains("p.a"), "{told}");
    Ok(())
}

/// A session of MySQL 9.7 may have triggers fired by foreign keys, of a table that is not shown.
async fn fires_by_cascades(world: &World, truth: &mut Conn) -> Result<()> {
    const READ: &str = "SELECT COUNT(*) FROM d.c";
    for statement in [
        "CREATE TRIGGER hid.tm AFTER DELETE ON hid.mid FOR EACH ROW INSERT INTO d.c VALUES (9)",
        "INSERT INTO p.top VALUES (9)",
        "INSERT INTO hid.mid VALUES (9)",
    ] {
        truth.query_drop(statement).await.context(statement)?;
    }
    let (mut reader, mut writer) = (world.client().await?, world.client().await?);
    writer
        .query_drop("SET SESSION enable_cascade_triggers = 1")
        .await?;
    world.warm_up().await?;
    rows(&mut reader, READ, false).await?;
    writer.query_drop("DELETE FROM p.top WHERE id = 9").await?;
    let seen = rows(&mut reader, READ, false).await?;
    let expected = rows(truth, READ, false).await?;
    ensure!(seen == expected, "{seen:?}, not {expected:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_shown_changes_is_seen_on_mariadb() -> Result<()> {
    sees_what_hidden_things_change(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_shown_changes_is_seen_on_mysql() -> Result<()> {
    sees_what_hidden_things_change(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_shown_changes_is_seen_on_tidb() -> Result<()> {
    sees_what_hidden_things_change(DatabaseKind::Tidb).await
}

/// The log tells of the parent that is not shown, and of the child it does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_is_not_shown_is_heard_of() -> Result<()> {
    // As before 9.6.
    let native = "--innodb-native-foreign-keys=ON";
    let settings = ["--log-bin=binlog", "--server-id=1", native];
    let Some(server) = Database::start_with(DatabaseKind::MySql, &settings).await? else {
        return Ok(());
    };
    server
        .execute("CREATE USER IF NOT EXISTS w IDENTIFIED BY 'w'")
        .await?;
    let replicates = "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO w";
    server.execute(replicates).await?;
    let mut world = hidden_world(server, "follow = \"binlog\"").await?;
    eventually("the log is followed", PATIENCE, async || {
        binlog::follows(&world.path.edge().metrics().await?)
    })
    .await?;
    let read = "SELECT COUNT(*) FROM full.leaf";
    let mut reader = world.client().await?;
    keep(&mut reader, read).await?;
    // Versions move for a second after what was written before.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    keep(&mut reader, read).await?;
    world
        .server
        .execute("DELETE FROM hid.mid WHERE id = 4")
        .await?;
    eventually("the child is gone", Duration::from_secs(2), async || {
        let there: Option<u64> = reader.query_first(read).await?;
        ensure!(there == Some(1), "{there:?}");
        Ok(())
    })
    .await
}

/// The user that most have: all rights on one database, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_whom_all_is_shown_drops_what_it_changes() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        let statements = [
            "USE shop",
            "CREATE TABLE r (id INT PRIMARY KEY, v INT NOT NULL)",
            "CREATE TABLE stock (id INT PRIMARY KEY, n INT, x DECIMAL(4, 2))",
            "CREATE TABLE sold (id INT, n INT)",
            "CREATE TRIGGER t AFTER INSERT ON sold FOR EACH ROW BEGIN \
             UPDATE stock AS s SET s.n = s.n - NEW.n, s.x = 1.5 WHERE s.id = NEW.id; \
             INSERT INTO stock VALUES (NEW.id, 0, 0) \
             ON DUPLICATE KEY UPDATE stock.n = stock.n + 1; END",
        ];
        server.execute_all(&statements).await?;
        let path = path(&server).cache("enabled = true").start().await?;
        let path = path.context("there is no tunnel in it")?;
        let world = World { server, path };
        world.warm_up().await?;
        let mut client = world.client().await?;
        for (write, writes) in [
            ("UPDATE stock SET n = 1", "shop.stock"),
            ("INSERT INTO sold VALUES (1, 1)", "shop.sold, shop.stock"),
        ] {
            let told: Option<Row> = client
                .query_first(format!("{write} /* tidegate: explain */"))
                .await?;
            let told: Option<String> = told.and_then(|row| row.get("Writes"));
            ensure!(
                told.as_deref() == Some(writes),
                "{kind:?}: {write}: {told:?}"
            );
        }
    }
    Ok(())
}
