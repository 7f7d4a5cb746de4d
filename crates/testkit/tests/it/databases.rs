//! Each database starts, answers, survives a crash on the same port, and speaks TLS.

use anyhow::{Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, SslOpts};
use testkit::{ADMIN, Database, DatabaseKind};

async fn survives_a_crash(kind: DatabaseKind) -> Result<()> {
    let Some(mut database) = Database::start(kind).await? else {
        return Ok(());
    };
    database.create_database("shop", "clerk", "c1erk").await?;
    database
        .execute_all(&[
            "CREATE TABLE shop.t (id INT)",
            "INSERT INTO shop.t VALUES (7)",
        ])
        .await?;
    let port = database.port();
    database.kill()?;
    ensure!(
        database.connect().await.is_err(),
        "it answers although it was killed"
    );
    database.restart().await?;
    ensure!(database.port() == port, "it moved to another port");
    let options = mysql_async::Opts::from_url(&database.url("clerk", "c1erk", "shop"))?;
    let mut connection = Conn::new(options).await?;
    let rows: Vec<i32> = connection.query("SELECT COUNT(*) FROM t").await?;
    ensure!(rows.len() == 1, "{rows:?}");
    Ok(connection.disconnect().await?)
}

async fn speaks_tls(kind: DatabaseKind) -> Result<()> {
    let Some(database) = Database::start_with_tls(kind).await? else {
        return Ok(());
    };
    let Some(files) = database.certificates() else {
        anyhow::bail!("it has no certificates")
    };
    let trust = SslOpts::default().with_root_certs(vec![files.authority.clone().into()]);
    let options = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(database.port())
        .user(Some(ADMIN))
        .pass(Some(ADMIN))
        .prefer_socket(false)
        .ssl_opts(trust);
    let mut connection = Conn::new(options).await?;
    let cipher: Option<(String, String)> = connection
        .query_first("SHOW STATUS LIKE 'Ssl_cipher'")
        .await?;
    ensure!(
        cipher.is_some_and(|(_, name)| !name.is_empty()),
        "the connection is not encrypted"
    );
    Ok(connection.disconnect().await?)
}

#[tokio::test]
async fn settings_last_over_a_restart() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(mut database) = Database::start_with(kind, &["--log-bin=binlog"]).await? else {
            continue;
        };
        for _ in 0..2 {
            let mut connection = database.connect().await?;
            let log: Option<u8> = connection.query_first("SELECT @@log_bin").await?;
            ensure!(log == Some(1), "{kind}: {log:?}");
            connection.disconnect().await?;
            database.restart().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn mariadb_survives_a_crash() -> Result<()> {
    survives_a_crash(DatabaseKind::MariaDb).await
}

#[tokio::test]
async fn mysql_survives_a_crash() -> Result<()> {
    survives_a_crash(DatabaseKind::MySql).await
}

#[tokio::test]
async fn tidb_survives_a_crash() -> Result<()> {
    survives_a_crash(DatabaseKind::Tidb).await
}

#[tokio::test]
async fn mariadb_speaks_tls() -> Result<()> {
    speaks_tls(DatabaseKind::MariaDb).await
}

#[tokio::test]
async fn mysql_speaks_tls() -> Result<()> {
    speaks_tls(DatabaseKind::MySql).await
}

#[tokio::test]
async fn tidb_speaks_tls() -> Result<()> {
    speaks_tls(DatabaseKind::Tidb).await
}
