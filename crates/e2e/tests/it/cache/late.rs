//! Writes that others see later than they were acknowledged, and reads that run later than they
//! were asked for.

use super::*;

/// What a session has written under its lock, others see when it lets go.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_under_a_lock_is_seen_when_that_is_gone() -> Result<()> {
    const READ: &str = "SELECT COUNT(*) FROM plain";
    let Some(world) = World::start(DatabaseKind::MariaDb, "max_age = \"1h\"").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    let create = "CREATE TABLE plain (a INT) ENGINE = MyISAM";
    client.query_drop(create).await?;
    world.warm_up().await?;
    let count = async |client: &mut Conn| -> Result<u64> {
        client.query_first(READ).await?.context("no row")
    };
    for (at, ends) in ["UNLOCK TABLES", "BEGIN", "LOCK TABLES r READ", "", "RESET"]
        .into_iter()
        .enumerate()
    {
        let mut writer = world.client().await?;
        let lock = "LOCK TABLES plain WRITE CONCURRENT";
        writer.query_drop(lock).await?;
        for _ in 0..3 {
            writer.query_drop("INSERT INTO plain VALUES (1)").await?;
            // Not blocked, and of before.
            ensure!(count(&mut client).await? == 3 * at as u64, "{ends}");
        }
        match ends {
            "" => writer.disconnect().await?,
            "RESET" => ensure!(writer.reset().await?, "there is no reset"),
            sql => writer.query_drop(sql).await?,
        }
        eventually("the rows are seen", PATIENCE, async || {
            ensure!(count(&mut client).await? == 3 * (at as u64 + 1), "{ends}");
            Ok(())
        })
        .await?;
    }
    let before = figures(&mut client, READ).await?;
    eventually("it is kept again", PATIENCE, async || {
        count(&mut client).await?;
        let after = figures(&mut client, READ).await?;
        ensure!(after.hits > before.hits, "{after:?}");
        Ok(())
    })
    .await
}

/// The server has another default by then, under which a literal of the session's is a statement.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_runs_nothing_that_its_session_has_not_sent() -> Result<()> {
    const READ: &str = r"SELECT /* tidegate: max_age=1, swr=60 */ v, 'a\nb' FROM r
        WHERE 'x\'; UPDATE r SET v = 666; -- ' <> '' AND id = 1";
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(world) = World::start(kind, "").await? else {
            continue;
        };
        let mut root = world.server.connect().await?;
        let mut client = world.client().await?;
        let read = async |client: &mut Conn| -> Result<(i32, String)> {
            client.query_first(READ).await?.context("no row")
        };
        let expected = read(&mut client).await?;
        ensure!(read(&mut client).await? == expected);
        root.query_drop("SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',NO_BACKSLASH_ESCAPES')")
            .await?;
        let threads = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'clerk'";
        for thread in root.query::<u64, _>(threads).await? {
            // Some go by themselves.
            let _gone = root.query_drop(format!("KILL {thread}")).await;
        }
        tokio::time::sleep(Duration::from_millis(1200)).await;
        for _ in 0..5 {
            ensure!(read(&mut client).await? == expected, "{kind:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let v: Option<i32> = root.query_first("SELECT MAX(v) FROM shop.r").await?;
        ensure!(v == Some(expected.0), "{kind:?}: {v:?}");
    }
    Ok(())
}

/// What hangs on a table is dropped with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_purge_drops_what_a_foreign_key_changes_along() -> Result<()> {
    const READ: &str = "SELECT COUNT(*) FROM child";
    let Some(mut world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let admin = format!("127.0.0.1:{}", world.path.edge().admin_port());
    let (mut client, mut direct) = (world.client().await?, world.direct().await?);
    for write in [
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (1, 1)",
    ] {
        client.query_drop(write).await?;
    }
    let count = async |client: &mut Conn| -> Result<i32> {
        client.query_first(READ).await?.context("no row")
    };
    ensure!(count(&mut client).await? == 1);
    direct.query_drop("DELETE FROM parent").await?;
    ensure!(count(&mut client).await? == 1, "it was not kept");
    let arguments = [
        "cache",
        "purge",
        "app",
        "--admin",
        &admin,
        "--table",
        "shop.parent",
    ];
    let (status, output) = testkit::Tidegate::run(&std::env::temp_dir(), &arguments).await?;
    ensure!(status.success(), "{output}");
    ensure!(count(&mut client).await? == 0, "it is still kept");
    Ok(())
}

/// An edge that is started anew knows nothing of what the one before it has sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_an_edge_that_is_gone_is_waited_for() -> Result<()> {
    const READ: &str = "SELECT v FROM r WHERE id = 1";
    const WRITE: &str = "UPDATE r SET v = 2 WHERE id = 1";
    let Some(World { server, path: gone }) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let mut root = server.connect().await?;
    root.query_drop("BEGIN").await?;
    root.query_drop("SELECT * FROM shop.r FOR UPDATE").await?;
    let mut writer = gone.endpoint().connect().await?;
    let written = tokio::spawn(async move { writer.query_drop(WRITE).await });
    let running = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = '{}'",
        WRITE.replace('\'', "''")
    );
    let mut watcher = server.connect().await?;
    eventually("the write has begun", PATIENCE, async || {
        let running: Option<u32> = watcher.query_first(running.as_str()).await?;
        ensure!(running == Some(1));
        Ok(())
    })
    .await?;
    drop(gone);
    ensure!(written.await?.is_err(), "the write was answered");

    let path = path(&server).cache("enabled = true").start().await?;
    let path = path.context("there is no tunnel in it")?;
    let mut client = path.endpoint().connect().await?;
    let value = async |client: &mut Conn| -> Result<i32> {
        client.query_first(READ).await?.context("no row")
    };
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        ensure!(value(&mut client).await? == 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = figures(&mut client, "SELECT v FROM r").await?;
    ensure!(before.hits == 0, "it was kept: {before:?}");
    root.query_drop("COMMIT").await?;
    let (mut last, mut went_back) = (1, false);
    eventually("it is seen, and kept", PATIENCE, async || {
        let now = value(&mut client).await?;
        went_back |= now < last;
        last = now;
        let figures = figures(&mut client, "SELECT v FROM r").await?;
        ensure!(now == 2 && figures.hits > 0, "{now}, {figures:?}");
        Ok(())
    })
    .await?;
    ensure!(!went_back, "an older value was read behind a newer one");
    Ok(())
}
