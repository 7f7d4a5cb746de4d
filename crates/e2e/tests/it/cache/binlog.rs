//! With the origin's binary log followed, a write of anybody is seen at once.

use super::*;

const BINLOG: [&str; 2] = ["--log-bin=binlog", "--server-id=1"];

/// How often somebody writes past the edge.
const WRITES: i32 = 200;

/// Of a hundred writes ninety-nine have to be seen within this time.
const SOON: Duration = Duration::from_millis(100);

async fn sees_strangers(kind: DatabaseKind) -> Result<()> {
    let Some(server) = Database::start_with(kind, &BINLOG).await? else {
        return Ok(());
    };
    server.create_database("shop", "clerk", "0rigin").await?;
    let mut world = World::at(server, "follow = \"binlog\"").await?;
    let (mut reader, mut writer) = (world.client().await?, world.direct().await?);
    eventually("the log is followed", PATIENCE, async || {
        follows(&world.path.edge().metrics().await?)
    })
    .await?;
    let mut delays = Vec::new();
    for value in 100..100 + WRITES {
        // So that there is something to be stale.
        let _kept: Option<i32> = reader.query_first(READS[0]).await?;
        let _kept: Option<i32> = reader.query_first(READS[1]).await?;
        writer
            .query_drop(format!("UPDATE r SET v = {value} WHERE id = 1"))
            .await?;
        let written = Instant::now();
        for read in &READS[..2] {
            loop {
                let seen: Option<i32> = reader.query_first(*read).await?;
                if seen == Some(value) {
                    break;
                }
                ensure!(
                    written.elapsed() < PATIENCE,
                    "{read}: {value} is not seen: {seen:?}"
                );
            }
        }
        delays.push(written.elapsed());
    }
    delays.sort_unstable();
    let p99 = delays[delays.len() * 99 / 100 - 1];
    ensure!(p99 < SOON, "p99 is {p99:?}");
    let hits = figures(&mut reader, "SELECT v FROM r").await?;
    ensure!(hits.hits > 20, "nothing was kept: {hits:?}");
    cascades(&mut reader, &mut writer).await
}

/// What a foreign key deletes along has no event of its own on every server.
async fn cascades(reader: &mut Conn, writer: &mut Conn) -> Result<()> {
    writer.query_drop("INSERT INTO parent VALUES (7)").await?;
    writer.query_drop("INSERT INTO child VALUES (7, 7)").await?;
    let count = "SELECT COUNT(*) FROM child";
    eventually("the child is kept", PATIENCE, async || {
        let there: Option<u64> = reader.query_first(count).await?;
        ensure!(there == Some(1), "{there:?}");
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for _ in 0..2 {
        let _kept: Option<u64> = reader.query_first(count).await?;
    }
    writer.query_drop("DELETE FROM parent WHERE id = 7").await?;
    eventually("the child is gone", Duration::from_secs(2), async || {
        let there: Option<u64> = reader.query_first(count).await?;
        ensure!(there == Some(0), "{there:?}");
        Ok(())
    })
    .await
}

pub(super) fn follows(metrics: &str) -> Result<()> {
    let line = metrics
        .lines()
        .find(|line| line.starts_with("tidegate_cache_follows{"));
    ensure!(
        line.is_some_and(|line| line.ends_with(" 1")),
        "it does not follow: {line:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_past_the_edge_is_seen_at_once_on_mariadb() -> Result<()> {
    sees_strangers(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_past_the_edge_is_seen_at_once_on_mysql() -> Result<()> {
    sees_strangers(DatabaseKind::MySql).await
}
