//! Which reads are kept, and why others are not.

use super::*;

/// Which reads are kept, and why others are not.
const REASONS: [(&str, Option<&str>); 30] = [
    ("SELECT v + 1 FROM r", None),
    ("SELECT v FROM r WHERE id = 1 OR id = 2", None),
    ("(SELECT id, v FROM r)", None),
    (
        "SELECT COUNT(*), MAX(v) FROM r GROUP BY id HAVING COUNT(*) > 0 ORDER BY 1",
        None,
    ),
    ("SELECT DATE_FORMAT('2020-01-01', '%Y'), id FROM r", None),
    ("SELECT a.id FROM (SELECT id FROM r) AS a", None),
    ("SELECT id AS x, 'it''s' FROM `r`", None),
    ("SELECT 1", Some("no_table")),
    ("SELECT NOW(), id FROM r", Some("nondeterministic")),
    (
        "SELECT CURRENT_TIMESTAMP, id FROM r",
        Some("nondeterministic"),
    ),
    ("SELECT RAND(), id FROM r", Some("nondeterministic")),
    ("SELECT UUID(), id FROM r", Some("nondeterministic")),
    (
        "SELECT UNIX_TIMESTAMP(), id FROM r",
        Some("nondeterministic"),
    ),
    ("SELECT UNIX_TIMESTAMP('2020-01-01'), id FROM r", None),
    ("SELECT CURRENT_USER(), id FROM r", Some("nondeterministic")),
    ("SELECT CONNECTION_ID(), id FROM r", Some("session")),
    ("SELECT LAST_INSERT_ID(), id FROM r", Some("session")),
    ("SELECT id, @a FROM r", Some("variable")),
    ("SELECT id, @@sql_mode FROM r", Some("variable")),
    ("SELECT id FROM r WHERE id = 1 FOR UPDATE", Some("locks")),
    (
        "SELECT id FROM r WHERE id = 2 LOCK IN SHARE MODE",
        Some("locks"),
    ),
    ("SELECT SQL_NO_CACHE id FROM r", Some("hint")),
    ("SELECT id, 5 FROM r /* tidegate: no-cache */", Some("hint")),
    (
        "SELECT table_name FROM information_schema.tables LIMIT 0",
        Some("system_table"),
    ),
    ("SELECT id FROM no_such_table", Some("unknown_table")),
    ("SELECT id FROM r; SELECT 2", Some("several_statements")),
    ("SELECT id, SLEEP(0) FROM r", Some("nondeterministic")),
    ("SELECT id, DATABASE() FROM r", None),
    ("SELECT id FROM vnow", Some("nondeterministic")),
    ("EXPLAIN SELECT id FROM r", Some("not_a_select")),
];

async fn tells_reasons(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, "").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    client
        .query_drop("CREATE VIEW vnow AS SELECT id, NOW() AS t FROM r")
        .await?;
    world.warm_up().await?;
    for (sql, reason) in REASONS {
        let before = all(&mut client).await?;
        for _ in 0..2 {
            // Some are errors, directly as well.
            let _outcome = client.query_drop(sql).await;
        }
        let after = all(&mut client).await?;
        let changed: Vec<_> = after.iter().filter(|row| !before.contains(row)).collect();
        let [(text, figures)] = changed.as_slice() else {
            bail!("{sql}: {changed:?}");
        };
        if reason.is_none() {
            ensure!(figures.hits > 0, "{sql} is not kept: {text}: {figures:?}");
            continue;
        }
        ensure!(figures.hits == 0, "{sql} is kept: {figures:?}");
        ensure!(
            figures.last_bypass.as_deref() == reason,
            "{sql}: {figures:?}"
        );
    }
    Ok(())
}

async fn all(client: &mut Conn) -> Result<Vec<(String, Figures)>> {
    let rows: Vec<Row> = client.query("SHOW TIDEGATE CACHE").await?;
    let figures = rows.into_iter().map(|row| {
        let number = |name| row.get::<u64, _>(name).unwrap_or_default();
        let last_bypass = row.get::<Option<String>, _>("Last_bypass");
        let text: String = row.get("Statement").unwrap_or_default();
        let figures = Figures {
            hits: number("Hits"),
            stale: number("Stale"),
            misses: number("Misses"),
            bypassed: number("Bypassed"),
            last_bypass: last_bypass.flatten(),
        };
        (text, figures)
    });
    Ok(figures.collect())
}

/// A session that reads what is not committed says so in one of many ways.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_committed_is_not_kept() -> Result<()> {
    const READ: &str = "SELECT v FROM r WHERE id = 1";
    for (kind, name) in [
        (DatabaseKind::MariaDb, "tx_isolation"),
        (DatabaseKind::MySql, "transaction_isolation"),
    ] {
        let Some(world) = World::start(kind, "").await? else {
            continue;
        };
        for set in [
            format!("SET {name} = 0"),
            format!("SET SESSION {name} = FALSE"),
            format!("SET LOCAL {name} = 0"),
            format!("SET @@session.{name} = 0, @a = 1"),
            format!("SET @@{name} = 'read-uncommitted'"),
            "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED".to_owned(),
        ] {
            // Past the edge, where what is rolled back is no write.
            let (mut dirty, mut writer) = (world.client().await?, world.direct().await?);
            dirty.query_drop(&set).await.context(set.clone())?;
            writer.query_drop("BEGIN").await?;
            writer
                .query_drop("UPDATE r SET v = 99 WHERE id = 1")
                .await?;
            let seen: Option<i32> = dirty.query_first(READ).await?;
            ensure!(seen == Some(99), "{set} does not read it: {seen:?}");
            writer.query_drop("ROLLBACK").await?;
            let seen: Option<i32> = dirty.query_first(READ).await?;
            ensure!(seen == Some(1), "{kind:?}: {set}: {seen:?}");
        }
        let mut client = world.client().await?;
        client
            .query_drop(format!("SET {name} = 'SERIALIZABLE'"))
            .await?;
        let before = figures(&mut client, "SELECT v FROM r").await?;
        for _ in 0..2 {
            client.query_drop(READ).await?;
        }
        let after = figures(&mut client, "SELECT v FROM r").await?;
        ensure!(after.hits > before.hits, "{kind:?}: {after:?}");
    }
    Ok(())
}

/// The sessions of a TiDB may read what is some seconds old, by a global variable.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_old_already_is_not_kept() -> Result<()> {
    let Some(world) = World::start(DatabaseKind::Tidb, "").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    for (value, reason) in [("ON", Some("session_variable")), ("OFF", None)] {
        let set = format!("SET GLOBAL tidb_low_resolution_tso = {value}");
        world.server.execute(&set).await?;
        // By this the edge asks for what there is.
        client
            .query_drop("CREATE TABLE IF NOT EXISTS new (a INT)")
            .await?;
        eventually(&set, PATIENCE, async || {
            let mut client = world.client().await?;
            let before = figures(&mut client, "SELECT v FROM r").await?;
            for _ in 0..2 {
                client.query_drop("SELECT v FROM r WHERE id = 1").await?;
            }
            let after = figures(&mut client, "SELECT v FROM r").await?;
            let is_hit = after.hits > before.hits;
            ensure!(is_hit == reason.is_none(), "{after:?}");
            ensure!(
                is_hit || after.last_bypass.as_deref() == reason,
                "{after:?}"
            );
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_kept_or_there_is_a_reason_on_mariadb() -> Result<()> {
    tells_reasons(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_kept_or_there_is_a_reason_on_mysql() -> Result<()> {
    tells_reasons(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_kept_or_there_is_a_reason_on_tidb() -> Result<()> {
    tells_reasons(DatabaseKind::Tidb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_each_statement_by_its_fingerprint() -> Result<()> {
    let Some(mut world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    for sql in [
        "SELECT v FROM r WHERE id = 1",
        "SELECT v FROM r WHERE id = 1",
        "BEGIN",
        "SELECT v FROM r WHERE id = 2",
        "COMMIT",
        "SELECT v FROM r WHERE id = 2 FOR UPDATE",
    ] {
        client.query_drop(sql).await?;
    }
    let rows: Vec<Row> = client.query("SHOW TIDEGATE CACHE").await?;
    let row = rows.iter().find(|row| {
        let text = row.get::<String, _>("Statement").unwrap_or_default();
        text.eq_ignore_ascii_case("SELECT v FROM r WHERE id = ?")
    });
    let row = row.with_context(|| format!("no such statement: {rows:?}"))?;
    let told = |name| row.get::<Option<String>, _>(name).flatten();
    ensure!(
        told("Bypasses").as_deref() == Some("transaction 1"),
        "{row:?}"
    );
    let fingerprint = told("Fingerprint").context("no fingerprint")?;
    let metrics = world.path.edge().metrics().await?;
    for (family, label) in [
        ("reads", "outcome=\"hit\"} 1"),
        ("reads", "outcome=\"miss\"} 1"),
        ("reads", "outcome=\"bypass\"} 1"),
        ("bypasses", "reason=\"transaction\"} 1"),
    ] {
        let family = format!("tidegate_cache_statement_{family}_total{{");
        let mut lines = metrics.lines().filter(|line| line.starts_with(&family));
        let is_told = lines.any(|line| line.contains(&fingerprint) && line.ends_with(label));
        ensure!(is_told, "{family} {label}: {fingerprint}\n{metrics}");
    }
    Ok(())
}
