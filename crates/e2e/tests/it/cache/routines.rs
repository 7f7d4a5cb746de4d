//! What a call of a procedure changes.

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;

const ROUTINES: [&str; 11] = [
    "CREATE FUNCTION plus(a INT) RETURNS INT DETERMINISTIC NO SQL RETURN a + 1",
    "CREATE PROCEDURE looks() SELECT v FROM r WHERE id = 1",
    "CREATE PROCEDURE logs() BEGIN DECLARE n INT DEFAULT 1; INSERT INTO log VALUES (n); END",
    "CREATE PROCEDURE calls() BEGIN CALL looks(); CALL shop.logs(); END",
    "CREATE PROCEDURE asks() SELECT bumps()",
    "CREATE PROCEDURE sums(OUT n INT) SELECT SUM(v) INTO n FROM rv",
    "CREATE PROCEDURE other.bump() BEGIN CREATE TEMPORARY TABLE IF NOT EXISTS x (n INT); \
     UPDATE r SET v = v + 1; END",
    "CREATE PROCEDURE runs() BEGIN PREPARE s FROM 'UPDATE r SET v = 7'; EXECUTE s; END",
    "CREATE PROCEDURE makes() CREATE TABLE IF NOT EXISTS made (n INT)",
    "CREATE PROCEDURE misses() CALL nobody_knows()",
    "CREATE PROCEDURE turns(n INT) BEGIN IF n > 0 THEN UPDATE other.o SET v = v + n; \
     CALL turns(n - 1); END IF; END",
];

/// A call, and what it writes.
const CALLS: [(&str, &str); 18] = [
    ("CALL looks()", ""),
    ("CALL logs", "shop.log, shop.r"),
    ("CALL calls()", "shop.log, shop.r"),
    ("CALL asks()", "shop.r"),
    ("CALL sums(@n)", "shop.r"),
    ("CALL other.bump()", "other.r"),
    ("CALL runs()", "everything"),
    ("CALL makes()", "everything"),
    ("CALL misses()", "everything"),
    ("CALL turns(-1.5)", "other.o"),
    ("CALL turns(bumps())", "other.o, shop.r"),
    ("CALL turns((SELECT 1))", "other.o"),
    ("SELECT bumps()", "shop.r"),
    ("SELECT bumps(), unheard_of(1)", "everything"),
    ("DO shop.bumps()", "shop.r"),
    ("INSERT INTO log VALUES (bumps())", "shop.log, shop.r"),
    ("UPDATE log SET n = bumps() + plus(1)", "shop.log, shop.r"),
    ("CALL logs(); CALL logs()", "everything"),
];

async fn writes(client: &mut Conn, sql: &str) -> Result<String> {
    let row: Option<Row> = client
        .query_first(format!("/* tidegate: explain */ {sql}"))
        .await?;
    let row = row.context("there is no explanation")?;
    Ok(row
        .get::<Option<String>, _>("Writes")
        .flatten()
        .unwrap_or_default())
}

async fn ensure_writes(client: &mut Conn, sql: &str, expected: &str) -> Result<()> {
    let told = writes(client, sql).await?;
    ensure!(told == expected, "{sql} writes {told:?}, not {expected:?}");
    Ok(())
}

async fn calls_change_what_they_mention(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, "").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    for routine in ROUTINES {
        client.query_drop(routine).await.context(routine)?;
    }
    world.warm_up().await?;
    for (call, expected) in CALLS {
        ensure_writes(&mut client, call, expected).await?;
    }
    // Who calls is pinned, and reads past the cache.
    let (mut caller, mut reader) = (world.client().await?, world.client().await?);
    let read = "SELECT v FROM other.o";
    rows(&mut reader, read, false).await?;
    let before = figures(&mut client, read).await?;
    let mut truth = world.direct().await?;
    for _ in 0..20 {
        caller.query_drop("CALL calls()").await?;
        rows(&mut reader, read, false).await?;
        ensure_fresh(&mut reader, &mut truth, READS[0], "CALL calls()").await?;
    }
    let after = figures(&mut client, read).await?;
    ensure!(
        after.hits == before.hits + 20,
        "{kind}: {after:?} after {before:?}"
    );
    redefine(&world, &mut client).await
}

/// A procedure that is another one changes something else.
async fn redefine(world: &World, client: &mut Conn) -> Result<()> {
    client.query_drop("DROP PROCEDURE looks").await?;
    client
        .query_drop("CREATE PROCEDURE looks() UPDATE other.o SET v = v + 1")
        .await?;
    world.warm_up().await?;
    ensure_writes(client, "CALL looks()", "other.o").await?;
    ensure_writes(client, "CALL calls()", "other.o, shop.log, shop.r").await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_change_what_they_mention_on_mariadb() -> Result<()> {
    calls_change_what_they_mention(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_change_what_they_mention_on_mysql() -> Result<()> {
    calls_change_what_they_mention(DatabaseKind::MySql).await
}

/// A body as somebody writes it, with what it changes in `r` between two messages.
const QUOTING: [&str; 7] = [
    "BEGIN DECLARE s TEXT; SET s = 'it''s'; UPDATE shop.r SET v = v + 1; SET s = 'x''y'; END",
    "BEGIN DECLARE s TEXT; SET s = 'a'' # b'; UPDATE shop.r SET v = v + 1; END",
    "BEGIN DECLARE s TEXT; SET s = 'it''s -- '; UPDATE shop.r SET v = v + 1; END",
    "BEGIN DECLARE s TEXT; SET s = \"a\"\"b\"; UPDATE shop.r SET v = v + 1; SET s = \"c\"\"d\"; END",
    "BEGIN DECLARE s TEXT; SET s = 'a\\'b'; UPDATE shop.r SET v = v + 1; SET s = 'c\\'d'; END",
    "BEGIN DECLARE `a``b` INT; UPDATE shop.r SET v = v + 1; SET `a``b` = 1; END",
    "BEGIN IF 1 = 2 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Can''t add more'; END IF; \
     UPDATE shop.r SET v = v + 1; \
     IF 1 = 2 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Don''t do that'; END IF; END",
];

/// MySQL shows bodies with what is in their literals as if that were code.
async fn quotes_hide_nothing(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, "").await? else {
        return Ok(());
    };
    let (mut maker, mut reader) = (world.client().await?, world.client().await?);
    let mut truth = world.direct().await?;
    for (number, body) in QUOTING.into_iter().enumerate() {
        for statement in [
            format!("CREATE TABLE t{number} (n INT)"),
            format!("CREATE PROCEDURE p{number}() {body}"),
            format!("CREATE TRIGGER f{number} AFTER INSERT ON t{number} FOR EACH ROW {body}"),
        ] {
            maker.query_drop(&statement).await.context(statement)?;
        }
        world.warm_up().await?;
        for write in [
            format!("CALL p{number}()"),
            format!("INSERT INTO t{number} VALUES (1)"),
        ] {
            keep(&mut reader, READS[0]).await?;
            let mut writer = world.client().await?;
            writer.query_drop(&write).await.context(body)?;
            ensure_fresh(
                &mut reader,
                &mut truth,
                READS[0],
                &format!("{kind}, {write}, {body}"),
            )
            .await?;
            world.warm_up().await?;
        }
    }
    let mut told = Vec::new();
    for number in 0..QUOTING.len() {
        told.push(writes(&mut reader, &format!("CALL p{number}()")).await?);
    }
    // MariaDB shows them without backslashes.
    let unknown = usize::from(kind == DatabaseKind::MySql);
    let known = told.iter().filter(|told| *told == "shop.r").count();
    ensure!(known == QUOTING.len() - unknown, "{kind}: {told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_hide_nothing_on_mariadb() -> Result<()> {
    quotes_hide_nothing(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_hide_nothing_on_mysql() -> Result<()> {
    quotes_hide_nothing(DatabaseKind::MySql).await
}

/// In Oracle's dialect a name alone is a call, and a package looks like a database.
#[tokio::test(flavor = "multi_thread")]
async fn what_oracle_s_dialect_calls_is_not_overlooked() -> Result<()> {
    let Some(world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    for statement in [
        "SET sql_mode = 'ORACLE'",
        "CREATE PROCEDURE ora AS BEGIN bump; END",
        "CREATE TABLE fired (n INT)",
        "CREATE TRIGGER fires AFTER INSERT ON fired FOR EACH ROW BEGIN bump; END",
        "CREATE PACKAGE other AS PROCEDURE logs; END",
        "CREATE PACKAGE BODY other AS PROCEDURE logs AS BEGIN \
         UPDATE shop.r SET v = v + 1; END; END",
        "SET sql_mode = DEFAULT",
        "CREATE PROCEDURE other.logs() UPDATE other.o SET v = v + 1",
        "CREATE PROCEDURE outer_one() CALL other.logs()",
    ] {
        client.query_drop(statement).await.context(statement)?;
    }
    world.warm_up().await?;
    let (mut reader, mut truth) = (world.client().await?, world.direct().await?);
    for write in [
        "CALL ora()",
        "INSERT INTO fired VALUES (1)",
        "CALL other.logs()",
        "CALL outer_one()",
    ] {
        ensure_writes(&mut client, write, "everything").await?;
        keep(&mut reader, READS[0]).await?;
        client.query_drop(write).await.context(write)?;
        ensure_fresh(&mut reader, &mut truth, READS[0], write).await?;
        world.warm_up().await?;
    }
    Ok(())
}

/// What is called leaves something on its connection, but changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn results_are_kept_again_while_a_procedure_is_called_all_the_time() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(world) = World::start(kind, "").await? else {
            continue;
        };
        let mut definer = world.client().await?;
        let mut callers = JoinSet::new();
        definer
            .query_drop("CREATE PROCEDURE notes() SET @noted = 1")
            .await?;
        for _ in 0..2 {
            let endpoint = world.path.endpoint().clone();
            callers.spawn(async move {
                loop {
                    let mut client = endpoint.connect().await?;
                    client.query_drop("CALL notes()").await?;
                    client.disconnect().await?;
                }
                #[expect(unreachable_code, reason = "tells the type")]
                anyhow::Ok(())
            });
        }
        sleep(Duration::from_millis(500)).await;
        definer
            .query_drop("CREATE TABLE made (id INT PRIMARY KEY)")
            .await?;
        let kept = world.warm_up().await;
        if let Some(failed) = callers.try_join_next() {
            failed?.context(kind)?;
        }
        kept.context(kind)?;
    }
    Ok(())
}
