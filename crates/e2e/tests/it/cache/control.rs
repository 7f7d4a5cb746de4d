//! What people have to say to the cache: rules, hints, purges; and what it says of a statement.

use testkit::Tidegate;

use super::*;

/// A row of an explanation, by column.
async fn explained(client: &mut Conn, sql: &str) -> Result<Vec<(String, String)>> {
    let row: Option<Row> = client.query_first(sql).await?;
    let row = row.with_context(|| format!("{sql}: no row"))?;
    let columns: Vec<_> = row
        .columns_ref()
        .iter()
        .map(|it| it.name_str().into_owned())
        .collect();
    let values = row.unwrap().into_iter().map(|value| match value {
        Value::NULL => "-".to_owned(),
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => other.as_sql(true),
    });
    Ok(columns.into_iter().zip(values).collect())
}

async fn ensure_explained(client: &mut Conn, sql: &str, expected: &[(&str, &str)]) -> Result<()> {
    let told = explained(client, sql).await?;
    for (column, value) in expected {
        let found = told.iter().find(|(name, _)| name == column);
        let found = found.with_context(|| format!("{sql}: no column {column}"))?;
        ensure!(
            found.1 == *value,
            "{sql}: {column} is {}, not {value}: {told:?}",
            found.1
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_explains_itself_and_is_not_run() -> Result<()> {
    let Some(world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    for (sql, expected) in [
        (
            "SELECT v FROM rv WHERE id = 2 /* tidegate: explain */",
            &[
                ("Outcome", "miss"),
                ("Reason", "-"),
                ("Reads", "shop.r"),
                ("Max_age_ms", "60000"),
            ][..],
        ),
        (
            "SELECT NOW(), v FROM r /* tidegate: explain */",
            &[("Outcome", "bypass"), ("Reason", "nondeterministic")],
        ),
        (
            "INSERT INTO log VALUES (1) /* tidegate: explain */",
            &[("Outcome", "write"), ("Writes", "shop.log, shop.r")],
        ),
        (
            "/* tidegate: explain */ DELETE FROM parent",
            &[("Outcome", "write"), ("Writes", "shop.parent, shop.child")],
        ),
        (
            "/* tidegate: explain */ CALL bump()",
            &[("Outcome", "write"), ("Writes", "shop.r")],
        ),
        (
            "/* tidegate: explain */ CALL nobody_knows()",
            &[("Outcome", "write"), ("Writes", "everything")],
        ),
    ] {
        ensure_explained(&mut client, sql, expected).await?;
    }
    let logged: Option<u64> = client.query_first("SELECT COUNT(*) FROM log").await?;
    ensure!(logged == Some(0), "it was run");
    client.query_drop("SELECT v FROM rv WHERE id = 2").await?;
    let kept = "SELECT v FROM rv WHERE id = 2 /* tidegate: explain */";
    ensure_explained(&mut client, kept, &[("Outcome", "hit")]).await?;
    client.query_drop("BEGIN").await?;
    ensure_explained(&mut client, kept, &[("Reason", "transaction")]).await
}

/// The other hints of the same text hold for what is told.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_obeys_the_other_hints() -> Result<()> {
    let Some(world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    for (sql, column, value) in [
        (
            "/* tidegate: no-cache, explain */ SELECT v FROM r",
            "Reason",
            "hint",
        ),
        (
            "/* tidegate: no-cache */ SELECT v FROM r /* tidegate: explain */",
            "Reason",
            "hint",
        ),
        (
            "SELECT v FROM r /* tidegate: max_age=5, explain */",
            "Max_age_ms",
            "5000",
        ),
    ] {
        ensure_explained(&mut client, sql, &[(column, value)]).await?;
    }
    Ok(())
}

/// Behind a hit the session is as behind the read itself.
#[tokio::test(flavor = "multi_thread")]
async fn diagnostics_of_a_hit_are_those_of_a_read() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(world) = World::start(kind, "").await? else {
            continue;
        };
        let mut client = world.client().await?;
        client.query_drop("SELECT v FROM r").await?;
        client.query_drop("SELECT v FROM r").await?;
        let hits = figures(&mut client, "SELECT v FROM r").await?.hits;
        ensure!(hits > 0, "{kind}: there was no hit");
        client.query_drop("SELECT v FROM r").await?;
        client
            .query_drop("GET DIAGNOSTICS @n = NUMBER, @r = ROW_COUNT")
            .await?;
        let told: Option<(i64, i64)> = client.query_first("SELECT @n, @r").await?;
        ensure!(told == Some((0, -1)), "{kind}: {told:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_hints_say_how_long_a_result_is_kept() -> Result<()> {
    let rules = "[[edge.hyperdrives.cache.tables]]\ntable = \"parent\"\nnever = true\n\
                 [[edge.hyperdrives.cache.tables]]\ntable = \"other.o\"\nmax_age = \"5s\"\n";
    let Some(world) = World::start(DatabaseKind::MariaDb, rules).await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    for (sql, column, value) in [
        ("SELECT id FROM parent", "Reason", "rule"),
        (
            "SELECT r.id FROM r JOIN parent ON r.id = parent.id",
            "Reason",
            "rule",
        ),
        ("SELECT id FROM child", "Max_age_ms", "60000"),
        (
            "SELECT r.id FROM r JOIN other.o ON r.id = o.id",
            "Max_age_ms",
            "5000",
        ),
        (
            "SELECT id FROM r /* tidegate: max_age=2 */",
            "Max_age_ms",
            "2000",
        ),
        ("SELECT v FROM r", "Stale_while_revalidate_ms", "15000"),
    ] {
        let sql = format!("{sql} /* tidegate: explain */");
        ensure_explained(&mut client, &sql, &[(column, value)]).await?;
    }
    // A result that may be kept for no time is not.
    let hint = "SELECT v FROM r WHERE id = 2 /* tidegate: max_age=0, swr=0 */";
    for _ in 0..2 {
        client.query_drop(hint).await?;
    }
    let figures = figures(&mut client, "SELECT v FROM r WHERE id").await?;
    ensure!(figures.bypassed == 2 && figures.hits == 0, "{figures:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_drops_what_was_read_from_a_table_or_all() -> Result<()> {
    let Some(mut world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let admin = format!("127.0.0.1:{}", world.path.edge().admin_port());
    let purge = async |table: Option<&str>| -> Result<()> {
        let mut arguments = vec!["cache", "purge", "app", "--admin", &admin];
        arguments.extend(table.into_iter().flat_map(|table| ["--table", table]));
        let (status, output) = Tidegate::run(&std::env::temp_dir(), &arguments).await?;
        ensure!(status.success(), "{output}");
        Ok(())
    };
    let (mut client, mut direct) = (world.client().await?, world.direct().await?);
    let value = async |client: &mut Conn| -> Result<i32> {
        client
            .query_first("SELECT v FROM r WHERE id = 1")
            .await?
            .context("no row")
    };
    for (table, drops) in [(Some("other.o"), false), (Some("r"), true), (None, true)] {
        let before = value(&mut client).await?;
        direct
            .query_drop("UPDATE r SET v = v + 1 WHERE id = 1")
            .await?;
        purge(table).await?;
        let after = value(&mut client).await?;
        ensure!(
            (after == before + 1) == drops,
            "{table:?}: {before}, then {after}"
        );
        purge(None).await?;
    }
    Ok(())
}

/// What is written through one hyperdrive is seen through another of the same origin, whether that
/// keeps results or not.
#[tokio::test(flavor = "multi_thread")]
async fn hyperdrives_of_one_origin_see_the_writes_of_each_other() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let origin = server.url("clerk", "0rigin", "shop");
    let others = hyperdrive("keeps", &origin, true) + &hyperdrive("plain", &origin, false);
    let world = World::at(server, &others).await?;
    let mut reader = world.client().await?;
    for name in ["app", "keeps", "plain"] {
        let mut writer = world.endpoint_of(name).connect().await?;
        for statement in [
            "UPDATE r SET v = v + 1",
            "CREATE TABLE more (id INT)",
            "DROP TABLE more",
        ] {
            world.warm_up().await?;
            let before: Option<i64> = reader.query_first(READS[0]).await?;
            writer.query_drop(statement).await?;
            let after: Option<i64> = reader.query_first(READS[0]).await?;
            let mut direct = world.direct().await?;
            let truth: Option<i64> = direct.query_first(READS[0]).await?;
            ensure!(
                after == truth,
                "{statement} by {name}: {before:?}, then {after:?}"
            );
        }
    }
    Ok(())
}

/// Who waits for another, that waits for a connection in vain, does not begin to wait anew.
#[tokio::test(flavor = "multi_thread")]
async fn readers_of_one_statement_share_one_wait_for_a_connection() -> Result<()> {
    const READ: &str = "SELECT v FROM r WHERE id = 2";
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    set_up(&server).await?;
    let path = path(&server).pool("max = 1").pool("wait_timeout = \"2s\"");
    let path = path.cache("enabled = true").start().await?;
    let world = World {
        server,
        path: path.context("there is no tunnel in it")?,
    };
    world.warm_up().await?;
    let mut readers = Vec::new();
    for _ in 0..4 {
        readers.push(world.client().await?);
    }
    let mut holder = world.client().await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT 1 FROM r").await?;
    let began = Instant::now();
    let readers = readers
        .into_iter()
        .map(|mut reader| tokio::spawn(async move { reader.query_first::<i32, _>(READ).await }));
    for reader in readers.collect::<Vec<_>>() {
        let failed = reader.await?;
        ensure!(failed.is_err(), "it got a connection: {failed:?}");
    }
    let took = began.elapsed();
    ensure!(
        took < Duration::from_secs(5),
        "the last failed after {took:?}"
    );
    holder.query_drop("ROLLBACK").await?;
    let read: Option<i32> = holder.query_first(READ).await?;
    ensure!(read.is_some(), "there is no such row");
    Ok(())
}
