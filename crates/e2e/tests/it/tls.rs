//! TLS between client and edge, and between edge and database.

use anyhow::{Context, Result, bail, ensure};
use e2e::{Endpoint, Path, expect_failure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, SslOpts};
use testkit::{Database, DatabaseKind};

use crate::world::{DATABASE, PASSWORD, USER, path, server};

async fn connect_with_tls(
    endpoint: &Endpoint,
    authority: &std::path::Path,
) -> mysql_async::Result<Conn> {
    let trust = SslOpts::default().with_root_certs(vec![authority.to_owned().into()]);
    Conn::new(OptsBuilder::from_opts(endpoint.options()).ssl_opts(trust)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_may_use_tls_with_the_edges_own_authority() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server).start().await? else {
        return Ok(());
    };
    let authority = path.authority().await?;
    let mut connection = connect_with_tls(path.endpoint(), &authority).await?;
    let answer: Option<u32> = connection.query_first("SELECT 42").await?;
    ensure!(answer == Some(42), "{answer:?}");
    connection.disconnect().await?;
    let stranger = tempfile::tempdir()?;
    let stranger = testkit::Certificates::make(stranger.path())?.authority;
    ensure!(
        connect_with_tls(path.endpoint(), &stranger).await.is_err(),
        "the edge's certificate verifies under a stranger's authority"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_must_use_tls_where_it_is_required() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let path = path(&server)
        .edge("tls.mode = \"required\"")
        .start()
        .await?;
    let Some(mut path) = path else { return Ok(()) };
    let failure = expect_failure(path.endpoint().connect().await)?;
    ensure!(failure.code == 3159, "{failure:?}");
    let authority = path.authority().await?;
    connect_with_tls(path.endpoint(), &authority)
        .await?
        .disconnect()
        .await?;
    Ok(())
}

/// The edge's own connection to the database is encrypted, and verified as far as the mode says.
async fn origin_tls(kind: DatabaseKind) -> Result<()> {
    let Some(server) = Database::start_with_tls(kind).await? else {
        return Ok(());
    };
    server.create_database(DATABASE, USER, PASSWORD).await?;
    let authority = server
        .certificates()
        .context("it has no certificates")?
        .authority
        .clone();
    for mode in ["required", "verify-ca", "verify-identity"] {
        let mut builder =
            Path::to(&server, USER, PASSWORD, DATABASE).hyperdrive(&format!("tls = \"{mode}\""));
        if mode != "required" {
            builder = builder.hyperdrive(&format!("ca_file = \"{}\"", authority.display()));
        }
        let Some(path) = builder.start().await? else {
            bail!("the path needs nothing else")
        };
        let mut connection = path.endpoint().connect().await?;
        let cipher: Option<(String, String)> = connection
            .query_first("SHOW STATUS LIKE 'Ssl_cipher'")
            .await?;
        let cipher = cipher.map(|(_, cipher)| cipher).unwrap_or_default();
        ensure!(
            !cipher.is_empty(),
            "{mode}: the origin connection is not encrypted"
        );
        connection.disconnect().await?;
    }
    let stranger = tempfile::tempdir()?;
    let stranger = testkit::Certificates::make(stranger.path())?.authority;
    let builder = Path::to(&server, USER, PASSWORD, DATABASE)
        .hyperdrive("tls = \"verify-ca\"")
        .hyperdrive(&format!("ca_file = \"{}\"", stranger.display()));
    let Some(path) = builder.start().await? else {
        bail!("the path needs nothing else")
    };
    let outcome = async {
        path.endpoint()
            .connect()
            .await?
            .query_drop("SELECT 1")
            .await
    }
    .await;
    let failure = expect_failure(outcome)?;
    ensure!(failure.code == 1429, "a stranger's authority: {failure:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn origin_tls_to_mariadb() -> Result<()> {
    origin_tls(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn origin_tls_to_mysql() -> Result<()> {
    origin_tls(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn origin_tls_to_tidb() -> Result<()> {
    origin_tls(DatabaseKind::Tidb).await
}
