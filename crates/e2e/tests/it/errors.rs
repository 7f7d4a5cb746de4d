//! Each thing that can be wrong has its own MySQL error code, and a sentence that says what to do.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Endpoint, Failure, PathBuilder, Way, expect_failure};
use mysql_async::prelude::Queryable;
use mysql_proto::{ErrPacket, HEADER_LEN, PacketHeader};
use testkit::{DatabaseKind, Tidegate, eventually, free_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::world::{DATABASE, PASSWORD, USER, direct, path, server};

const PATIENCE: Duration = Duration::from_secs(30);

/// What a client is told that connects and asks, whichever of the two fails.
async fn failure(endpoint: &Endpoint) -> Result<Failure> {
    let ask = async {
        let mut connection = endpoint.connect().await?;
        connection.query_drop("SELECT 1").await
    };
    let outcome = tokio::time::timeout(PATIENCE, ask)
        .await
        .context("the client is left waiting")?;
    expect_failure(outcome)
}

fn expect(failure: &Failure, code: u16, state: &str, advice: &str) -> Result<()> {
    ensure!(failure.code == code, "expected {code}: {failure:?}");
    ensure!(
        failure.state == state,
        "expected the state {state}: {failure:?}"
    );
    ensure!(
        failure.message.contains(advice),
        "it does not say \"{advice}\": {failure:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    let failure = failure(&path.endpoint().with_password("wrong")).await?;
    expect(&failure, 1045, "28000", "password")
}

/// A login to a database that there is not, or that is not the user's, fails in the origin's own
/// words, and one to a database that there is does not.
async fn database_of_a_login(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    server
        .execute_all(&[
            "CREATE DATABASE secret",
            "CREATE DATABASE annex",
            &format!("GRANT ALL ON annex.* TO '{USER}'@'%'"),
        ])
        .await?;
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    let direct = direct(&server);
    for database in ["no_such_database", "secret"] {
        let mut told = Vec::new();
        for endpoint in [&direct, path.endpoint()] {
            let endpoint = Endpoint {
                database: database.to_owned(),
                ..endpoint.clone()
            };
            let failure = expect_failure(endpoint.connect().await)?;
            told.push((failure.code, failure.state));
        }
        ensure!(told[0] == told[1], "{database}: {told:?}");
    }
    for _ in 0..2 {
        let endpoint = Endpoint {
            database: "annex".to_owned(),
            ..path.endpoint().clone()
        };
        let mut client = endpoint.connect().await?;
        let database: Option<String> = client.query_first("SELECT DATABASE()").await?;
        ensure!(database.as_deref() == Some("annex"), "{database:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_a_login_to_mariadb() -> Result<()> {
    database_of_a_login(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_a_login_to_mysql() -> Result<()> {
    database_of_a_login(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_a_login_to_tidb() -> Result<()> {
    database_of_a_login(DatabaseKind::Tidb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    expect(
        &failure(&path.endpoint().with_password("")).await?,
        1045,
        "28000",
        "password",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_hyperdrive() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    let failure = failure(&path.endpoint().with_user("nobody")).await?;
    expect(&failure, 1049, "42000", "nobody")
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnel_without_connector() -> Result<()> {
    let origin = format!("mysql://{USER}:x@127.0.0.1:{}/{DATABASE}", free_port());
    let path = PathBuilder::new(origin, free_port(), DATABASE).way(Way::Tunnel);
    let mut path = path.start_without_connector().await?;
    expect(&failure(path.endpoint()).await?, 1477, "HY000", "connector")?;
    let ready = path.edge().readiness().await?;
    ensure!(
        ready == 503,
        "an edge whose tunnel never had a connector says {ready}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnel_whose_connector_died() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server).way(Way::Tunnel).start().await? else {
        return Ok(());
    };
    path.connector()?.kill()?;
    let endpoint = path.endpoint().clone();
    // That a killed connector is gone shows within its connections' idle timeout.
    eventually("the tunnel is known to be down", PATIENCE, async || {
        expect(&failure(&endpoint).await?, 1477, "HY000", "connector")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn origin_down() -> Result<()> {
    let port = free_port();
    let origin = format!("mysql://{USER}:x@127.0.0.1:{port}/{DATABASE}");
    for way in [Way::Direct, Way::Tunnel] {
        let path = PathBuilder::new(origin.clone(), port, DATABASE)
            .way(way)
            .start()
            .await?;
        let Some(path) = path else { return Ok(()) };
        let failure = failure(path.endpoint()).await?;
        expect(&failure, 1429, "HY000", &port.to_string())?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn origin_refuses_our_login() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let origin = server.url(USER, "stale", DATABASE);
    let path = PathBuilder::new(origin, server.port(), DATABASE)
        .start()
        .await?;
    let Some(path) = path else { return Ok(()) };
    let failure = failure(path.endpoint()).await?;
    expect(&failure, 1429, "HY000", "")?;
    ensure!(
        !failure.message.contains("stale"),
        "it shows the origin's password: {failure:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connector_does_not_reach_what_no_rule_names() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let origin = server.url(USER, PASSWORD, DATABASE);
    // The rule names another port than the origin's, although something answers at the origin's.
    let path = PathBuilder::new(origin, free_port(), DATABASE)
        .way(Way::Tunnel)
        .start()
        .await?;
    let Some(path) = path else { return Ok(()) };
    expect(&failure(path.endpoint()).await?, 1429, "HY000", "")
}

#[tokio::test(flavor = "multi_thread")]
async fn pool_exhausted() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let path = path(&server)
        .pool("max = 1")
        .pool("wait_timeout = \"300ms\"")
        .start()
        .await?;
    let Some(path) = path else { return Ok(()) };
    let mut holder = path.endpoint().connect().await?;
    holder.query_drop("BEGIN").await?;
    holder.query_drop("SELECT 1").await?;
    expect(&failure(path.endpoint()).await?, 1203, "42000", "pool.max")?;
    holder.query_drop("COMMIT").await?;
    let mut next = path.endpoint().connect().await?;
    next.query_drop("SELECT 1").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pool_queue_full() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let path = path(&server)
        .pool("max = 1")
        .pool("max_waiting = 0")
        .pool("wait_timeout = \"20s\"");
    let Some(path) = path.start().await? else {
        return Ok(());
    };
    // With no room to wait, whoever comes while the edge asks the origin for its version is
    // refused.
    let mut holder = eventually("the only connection is free", PATIENCE, async || {
        let mut holder = path.endpoint().connect().await?;
        holder.query_drop("BEGIN").await?;
        Ok(holder)
    })
    .await?;
    holder.query_drop("SELECT 1").await?;
    let began = Instant::now();
    expect(&failure(path.endpoint()).await?, 1203, "42000", "pool.max")?;
    ensure!(
        began.elapsed() < Duration::from_secs(10),
        "a full queue was waited for"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_clients() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).edge("max_clients = 2").start().await? else {
        return Ok(());
    };
    let first = path.endpoint().connect().await?;
    let _second = path.endpoint().connect().await?;
    // Before a client has said what it understands, an error has no SQL state on the wire, and
    // clients fill in the general one.
    expect(
        &failure(path.endpoint()).await?,
        1040,
        "HY000",
        "max_clients",
    )?;
    first.disconnect().await?;
    eventually("a place is free again", PATIENCE, async || {
        Ok(path.endpoint().connect().await?.disconnect().await?)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_is_explained_with_line_and_key() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let text = "[edge]\nlisten = \"127.0.0.1:0\"\n[[edge.hyperdrives]]\nname = \"app\"\n\
                origin = \"mysql://a:b@db/shop\"\n[edge.hyperdrives.pool]\nmaximum = 3\n";
    std::fs::write(folder.path().join("wrong.toml"), text)?;
    let (status, log) = Tidegate::run(folder.path(), &["up", "--config", "wrong.toml"]).await?;
    ensure!(!status.success(), "a wrong file was accepted");
    for expected in ["wrong.toml:7", "maximum", "max"] {
        ensure!(log.contains(expected), "it does not say {expected}:\n{log}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_login_is_told_so() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).start().await? else {
        return Ok(());
    };
    let garbage = [&[4, 0, 0, 1][..], b"what"].concat();
    // It promises more than a login may have.
    let endless = [vec![0, 0, 1, 1], vec![0x0d; 20_000]].concat();
    for sent in [garbage, endless] {
        let mut stream = TcpStream::connect(("127.0.0.1", path.endpoint().port)).await?;
        stream.write_all(&sent).await?;
        let mut told = Vec::new();
        let read = stream.read_to_end(&mut told);
        // What was not read resets the connection.
        let _reset = tokio::time::timeout(PATIENCE, read).await?;
        let greeting = PacketHeader::decode(&told).context("no greeting")?;
        let error = told.get(HEADER_LEN + greeting.payload_len + HEADER_LEN..);
        let error = ErrPacket::decode(error.unwrap_or_default())?;
        ensure!(error.code == 1043, "{error:?}");
    }
    Ok(())
}
