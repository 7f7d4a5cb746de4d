//! Views that write, and who knows of them.

use tokio::time::sleep;

use super::*;

/// A function that writes to `r`, and what it takes to hold up who reads a view.
const BUMPS: [&str; 4] = [
    "CREATE TABLE held (id INT)",
    "CREATE FUNCTION writes() RETURNS INT DETERMINISTIC MODIFIES SQL DATA \
     BEGIN UPDATE shop.r SET v = v + 1 WHERE id = 1; RETURN 1; END",
    "CREATE VIEW seen AS SELECT id AS x FROM other.o",
    "CREATE PROCEDURE turns() SELECT 1",
];

const READ: &str = "SELECT v FROM r WHERE id = 1";

async fn execute(client: &mut Conn, statements: &[&'static str]) -> Result<()> {
    for statement in statements {
        client.query_drop(*statement).await.context(*statement)?;
    }
    Ok(())
}

/// It was sent when the view called nothing yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_waits_writes_what_its_view_calls_by_then() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        for definition in [
            &["CREATE OR REPLACE VIEW seen AS SELECT writes() AS x"][..],
            &["DROP VIEW seen", "CREATE VIEW seen AS SELECT writes() AS x"],
        ] {
            let Some(world) = World::start(kind, "").await? else {
                continue;
            };
            let (mut definer, mut truth) = (world.client().await?, world.direct().await?);
            execute(&mut definer, &BUMPS).await?;
            world.warm_up().await?;
            truth.query_drop("LOCK TABLES held WRITE").await?;
            let mut waits = world.client().await?;
            let waiting =
                tokio::spawn(async move { waits.query_drop("SELECT * FROM held, seen").await });
            sleep(Duration::from_millis(500)).await;
            execute(&mut definer, definition).await?;
            let mut reader = world.client().await?;
            for _ in 0..40 {
                reader.query_drop(READ).await?;
                sleep(Duration::from_millis(50)).await;
            }
            truth.query_drop("UNLOCK TABLES").await?;
            waiting.await??;
            ensure_fresh(&mut reader, &mut truth, READ, "the read").await?;
            // It is over.
            keep(&mut reader, READ).await?;
        }
    }
    Ok(())
}

/// What one hyperdrive defines, another of the same origin knows.
#[tokio::test(flavor = "multi_thread")]
async fn programs_that_another_hyperdrive_makes_are_known() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        let other = hyperdrive("other", &server.url("clerk", "0rigin", "shop"), true);
        let world = World::at(server, &other).await?;
        let mut definer = world.endpoint_of("other").connect().await?;
        let (mut client, mut truth) = (world.client().await?, world.direct().await?);
        execute(&mut definer, &BUMPS).await?;
        // Until each knows that there is nothing.
        sleep(Duration::from_secs(3)).await;
        keep(&mut client, READ).await?;
        let view = "CREATE OR REPLACE VIEW seen AS SELECT writes() AS x";
        definer.query_drop(view).await?;
        keep(&mut client, READ).await?;
        client.query_drop("SELECT * FROM seen").await?;
        ensure_fresh(&mut client, &mut truth, READ, "its view").await?;

        execute(
            &mut definer,
            &[
                "CREATE OR REPLACE VIEW seen AS SELECT id AS x FROM other.o",
                "DROP PROCEDURE turns",
                "CREATE PROCEDURE turns() CREATE OR REPLACE VIEW seen AS SELECT v AS x FROM r \
                 WHERE id = 1",
            ],
        )
        .await?;
        sleep(Duration::from_secs(3)).await;
        let read = "SELECT x FROM seen";
        keep(&mut client, read).await?;
        client.query_drop("CALL turns()").await?;
        let mut reader = world.client().await?;
        keep(&mut reader, read).await?;
        let mut writer = world.client().await?;
        writer
            .query_drop("UPDATE r SET v = v + 1 WHERE id = 1")
            .await?;
        ensure_fresh(&mut reader, &mut truth, read, "its procedure").await?;
    }
    Ok(())
}

/// Only a view that may call somebody's function makes a write of what is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn views_that_are_not_kept_leave_alone_what_is() -> Result<()> {
    const VIEWS: [&str; 4] = [
        "CREATE VIEW one AS SELECT 1 AS a",
        "CREATE VIEW told AS SELECT NOW() AS a, CURRENT_USER() AS b, id FROM other.o",
        "CREATE VIEW diced AS SELECT RAND() AS a FROM seen",
        "CREATE VIEW listed AS SELECT table_name AS a FROM information_schema.tables",
    ];
    const OTHERS: [&str; 7] = [
        "SET NAMES utf8mb4",
        "SELECT 1",
        "SELECT NOW() FROM held",
        "SELECT a, b FROM told",
        "SELECT a FROM listed LIMIT 1",
        "BEGIN",
        "COMMIT",
    ];
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(world) = World::start(kind, "").await? else {
            continue;
        };
        let (mut definer, mut truth) = (world.client().await?, world.direct().await?);
        execute(&mut definer, &BUMPS).await?;
        execute(&mut definer, &VIEWS).await?;
        let (mut reader, mut other) = (world.client().await?, world.client().await?);
        keep(&mut reader, READ).await?;
        for sql in OTHERS {
            other.query_drop(sql).await.context(sql)?;
            let told: Option<Row> = reader
                .query_first(format!("{READ} /* tidegate: explain */"))
                .await?;
            let outcome: Option<String> = told.and_then(|row| row.get("Outcome"));
            ensure!(
                outcome.as_deref() == Some("hit"),
                "{kind:?}: {outcome:?} behind {sql}"
            );
        }
        definer
            .query_drop("CREATE OR REPLACE VIEW told AS SELECT NOW() AS a, writes() AS b")
            .await?;
        keep(&mut reader, READ).await?;
        other.query_drop("SELECT a, b FROM told").await?;
        ensure_fresh(&mut reader, &mut truth, READ, "what the view calls").await?;
    }
    Ok(())
}
