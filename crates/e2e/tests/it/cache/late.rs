//! Writes that others see later than they were acknowledged, and reads that run later than they
//! were asked for.

use e2e::PathBuilder;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

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

/// Under a lock to read nothing is written, whatever a text means.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_to_read_keeps_nothing_from_the_cache() -> Result<()> {
    const READ: &str = "SELECT v FROM r WHERE id = 1";
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(world) = World::start(kind, "").await? else {
            continue;
        };
        let (mut backup, mut client) = (world.client().await?, world.client().await?);
        for lock in ["LOCK TABLES r READ", "FLUSH TABLES WITH READ LOCK"] {
            backup.query_drop(lock).await?;
            let dump = "SELECT /*!40001 SQL_NO_CACHE */ * FROM r";
            backup.query_drop(dump).await?;
            let before = figures(&mut client, "SELECT v FROM r").await?;
            eventually("it is kept", PATIENCE, async || {
                client.query_drop(READ).await?;
                let after = figures(&mut client, "SELECT v FROM r").await?;
                ensure!(after.hits > before.hits, "{kind}, {lock}: {after:?}");
                Ok(())
            })
            .await?;
            backup.query_drop("UNLOCK TABLES").await?;
        }
    }
    Ok(())
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
    outlives("UPDATE r SET v = 2 WHERE id = 1", Duration::from_secs(3)).await
}

/// How long it has run, a procedure's last statement does not tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_procedure_of_an_edge_that_is_gone_is_waited_for() -> Result<()> {
    outlives("CALL slow()", Duration::from_secs(7)).await
}

/// Runs this by an edge that is killed, and reads through another for so long. Then the lock that
/// it waits for is let go of.
async fn outlives(write: &'static str, time: Duration) -> Result<()> {
    const READ: &str = "SELECT v FROM r WHERE id = 1";
    let Some(World { server, path: gone }) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let mut root = server.connect().await?;
    let slow = "CREATE PROCEDURE shop.slow() \
                BEGIN DO SLEEP(3); UPDATE shop.r SET v = 2 WHERE id = 1; END";
    for sql in [slow, "BEGIN", "SELECT * FROM shop.r FOR UPDATE"] {
        root.query_drop(sql).await?;
    }
    let mut writer = gone.endpoint().connect().await?;
    let written = tokio::spawn(async move { writer.query_drop(write).await });
    let running = "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
                   WHERE COMMAND = 'Query' AND TIME_MS > 200";
    let mut watcher = server.connect().await?;
    eventually("the write has begun", PATIENCE, async || {
        let running: Option<u32> = watcher.query_first(running).await?;
        ensure!(
            running == Some(1),
            "{running:?}, ended: {}",
            written.is_finished()
        );
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
    while begun.elapsed() < time {
        ensure!(value(&mut client).await? == 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = figures(&mut client, "SELECT v FROM r").await?;
    ensure!(before.hits == 0, "it was kept: {before:?}");
    ensure!(
        before.last_bypass.as_deref() == Some("earlier"),
        "{before:?}"
    );
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

/// While it runs a trigger of another definer, its thread is not shown to its own user.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_write_that_runs_a_trigger_is_waited_for() -> Result<()> {
    const READ: &str = "SELECT COUNT(*) FROM slow";
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        set_up(&server).await?;
        let mut root = server.connect().await?;
        for sql in [
            "CREATE TABLE shop.slow (a INT)",
            "CREATE TRIGGER shop.sleeps BEFORE INSERT ON shop.slow FOR EACH ROW \
             BEGIN DECLARE x INT; SET x = SLEEP(4); END",
            "REVOKE ALL PRIVILEGES ON *.* FROM 'clerk'@'%'",
            "GRANT ALL ON shop.* TO 'clerk'@'%'",
        ] {
            root.query_drop(sql).await.context(sql)?;
        }
        let relay = Relay::to(server.port()).await?;
        let origin = format!("mysql://clerk:0rigin@127.0.0.1:{}/shop", relay.port);
        let path = PathBuilder::new(origin, relay.port, "shop").cache("enabled = true");
        let path = path.cache("max_age = \"1h\"").start().await?;
        let path = path.context("there is no tunnel in it")?;
        let world = World { server, path };
        world.warm_up().await?;

        let mut writer = world.client().await?;
        let write = "INSERT INTO slow VALUES (1)";
        let written = tokio::spawn(async move { writer.query_drop(write).await });
        let sleeping = "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
                        WHERE STATE = 'User sleep'";
        eventually("the trigger runs", PATIENCE, async || {
            let sleeping: Option<u32> = root.query_first(sleeping).await?;
            ensure!(sleeping == Some(1), "{sleeping:?}");
            Ok(())
        })
        .await?;
        relay.cut.send_replace(());
        ensure!(written.await?.is_err(), "the write was answered");

        let mut client = world.client().await?;
        let mut seen = Vec::new();
        eventually("the row is seen, and kept", PATIENCE, async || {
            let count: Option<u32> = client.query_first(READ).await?;
            let figures = figures(&mut client, READ).await?;
            seen.push((count, figures.hits > 0));
            seen.dedup();
            ensure!(
                count == Some(1) && figures.hits > 0,
                "{count:?}, {figures:?}"
            );
            Ok(())
        })
        .await
        .with_context(|| format!("{kind}: {seen:?}"))?;
        ensure!(seen.first() == Some(&(Some(0), false)), "{kind}: {seen:?}");
        ensure!(
            seen.is_sorted(),
            "an older state behind a newer one: {seen:?}"
        );
    }
    Ok(())
}

/// Passes bytes on to an origin. Cut, it leaves those who have connected, and stays with that.
struct Relay {
    port: u16,
    cut: watch::Sender<()>,
}

impl Relay {
    async fn to(origin: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let cut = watch::Sender::new(());
        let cuts = cut.subscribe();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut cuts = cuts.clone();
                tokio::spawn(async move {
                    let mut origin = TcpStream::connect(("127.0.0.1", origin)).await?;
                    cuts.mark_unchanged();
                    tokio::select! {
                        ended = copy_bidirectional(&mut client, &mut origin) => drop(ended?),
                        _ = cuts.changed() => {
                            drop(client);
                            tokio::time::sleep(2 * PATIENCE).await;
                        }
                    }
                    Ok::<_, std::io::Error>(())
                });
            }
        });
        Ok(Self { port, cut })
    }
}
