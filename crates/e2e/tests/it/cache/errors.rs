//! Reads that end with an error.

use super::*;

const READ: &str = "SELECT v FROM r WHERE id = 2";

/// Those who wait for the same read are told as each would be by itself, and the next one is kept.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_that_of_the_origin_and_is_forgotten() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        set_up(&server).await?;
        let path = path(&server).limit("query_timeout = \"1s\"");
        let path = path.cache("enabled = true").start().await?;
        let path = path.context("there is no tunnel in it")?;
        let world = World { server, path };
        world.warm_up().await?;
        let mut root = world.server.connect().await?;
        root.query_drop("LOCK TABLES shop.r WRITE").await?;
        let mut herd = Vec::new();
        for _ in 0..6 {
            let mut client = world.client().await?;
            herd.push(tokio::spawn(async move {
                client.query_first::<i32, _>(READ).await
            }));
        }
        for one in herd {
            match one.await? {
                Err(mysql_async::Error::Server(error)) => {
                    ensure!(error.code == 1317, "{kind:?}: {error}");
                }
                other => bail!("{kind:?}: {other:?}"),
            }
        }
        root.query_drop("UNLOCK TABLES").await?;
        let mut client = world.client().await?;
        let before = figures(&mut client, "SELECT v FROM r").await?;
        for _ in 0..2 {
            client.query_drop(READ).await?;
        }
        let after = figures(&mut client, "SELECT v FROM r").await?;
        ensure!(after.hits > before.hits, "{kind:?}: {after:?}");
    }
    Ok(())
}
