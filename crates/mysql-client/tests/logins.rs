//! Logins to real servers, by every plugin that they have.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;

use anyhow::Result;
use domain::OriginTls;
use mysql_client::{LoggedIn, LoginError, log_in};
use mysql_proto::{Capabilities, ClientConfig, HandshakeError};
use net::tls::ClientTls;
use testkit::{Database, DatabaseKind};
use tokio::net::TcpStream;

/// Longer than the secret of an ordinary Ed25519 key.
const LONG: &str = "a password of more than 32 bytes, in full";

/// How a client gets to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Tls,
    /// Without TLS, where nobody listens.
    Private,
    /// Without TLS.
    Public,
}

async fn try_log_in(
    database: &Database,
    user: &str,
    password: &str,
    way: Way,
) -> Result<LoggedIn, LoginError> {
    let config = ClientConfig {
        user: user.to_owned(),
        password: password.into(),
        database: None,
        collation: 45,
        capabilities: Capabilities::LONG_PASSWORD | Capabilities::DEPRECATE_EOF,
        attributes: Vec::new(),
        tls: way == Way::Tls,
        transport_is_private: way == Way::Private,
    };
    let roots_pem = database
        .certificates()
        .map(|files| fs::read_to_string(&files.authority).unwrap());
    let mode = match way {
        Way::Tls => OriginTls::VerifyIdentity { roots_pem },
        Way::Private | Way::Public => OriginTls::Disabled,
    };
    let tls = ClientTls::new(&mode, "127.0.0.1")?;
    let stream = TcpStream::connect(("127.0.0.1", database.port())).await?;
    log_in(Box::new(stream), config, tls.as_ref()).await
}

/// The right password lets in, a wrong one does not.
async fn check(database: &Database, user: &str, password: &str, way: Way) {
    let logged_in = try_log_in(database, user, password, way).await;
    assert!(logged_in.is_ok(), "{user} {way:?}: {logged_in:?}");
    for wrong in ["wrong", ""] {
        match try_log_in(database, user, wrong, way).await {
            Err(LoginError::Refused(error)) => assert_eq!(error.code, 1045),
            other => panic!("{user} {way:?} with a wrong password: {other:?}"),
        }
    }
}

#[tokio::test]
async fn logs_in_to_mariadb_by_ed25519() -> Result<()> {
    let Some(database) = Database::start_with_tls(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    if let Err(error) = database
        .execute_all(&["INSTALL SONAME 'auth_ed25519'"])
        .await
    {
        testkit::skip("logins by client_ed25519", &format!("{error:#}"));
        return Ok(());
    }
    database
        .execute_all(&[
            "CREATE USER signs IDENTIFIED VIA ed25519 USING PASSWORD('secret')",
            &format!("CREATE USER lengthy IDENTIFIED VIA ed25519 USING PASSWORD('{LONG}')"),
            "CREATE USER native IDENTIFIED VIA mysql_native_password USING PASSWORD('secret')",
        ])
        .await?;
    for way in [Way::Tls, Way::Private, Way::Public] {
        check(&database, "signs", "secret", way).await;
        check(&database, "native", "secret", way).await;
    }
    check(&database, "lengthy", LONG, Way::Public).await;
    Ok(())
}

#[tokio::test]
async fn logs_in_to_mysql_by_sha256_and_caching_sha2() -> Result<()> {
    let Some(database) = Database::start_with_tls(DatabaseKind::MySql).await? else {
        return Ok(());
    };
    database
        .execute_all(&[
            "CREATE USER sha256 IDENTIFIED WITH sha256_password BY 'secret'",
            "CREATE USER caching IDENTIFIED WITH caching_sha2_password BY 'secret'",
        ])
        .await?;
    // A server that has not cached the digest first.
    check(&database, "caching", "secret", Way::Private).await;
    for way in [Way::Tls, Way::Private] {
        check(&database, "sha256", "secret", way).await;
        check(&database, "caching", "secret", way).await;
    }
    match try_log_in(&database, "sha256", "secret", Way::Public).await {
        Err(LoginError::Handshake(HandshakeError::FullAuthWithoutTls)) => {}
        other => panic!("the password went over a public way: {other:?}"),
    }
    check_cached(&database).await
}

/// The digest is cached by now, so the password itself is needed no more.
async fn check_cached(database: &Database) -> Result<()> {
    try_log_in(database, "caching", "secret", Way::Public).await?;
    database.execute("FLUSH PRIVILEGES").await?;
    match try_log_in(database, "caching", "secret", Way::Public).await {
        Err(LoginError::Handshake(HandshakeError::FullAuthWithoutTls)) => Ok(()),
        other => panic!("the password went over a public way: {other:?}"),
    }
}

/// TiDB takes tokens where a password in clear text would be. It has no keys here to check one by,
/// so that it refuses it; it does not get one without TLS.
#[tokio::test]
async fn gives_tidb_a_token_over_tls_only() -> Result<()> {
    let Some(database) = Database::start_with_tls(DatabaseKind::Tidb).await? else {
        return Ok(());
    };
    database
        .execute("CREATE USER token IDENTIFIED WITH 'tidb_auth_token'")
        .await?;
    match try_log_in(&database, "token", "a.token", Way::Tls).await {
        Err(LoginError::Refused(error)) => assert_eq!(error.code, 1045),
        other => panic!("the token of nobody: {other:?}"),
    }
    match try_log_in(&database, "token", "a.token", Way::Private).await {
        Err(LoginError::Handshake(HandshakeError::ClearPasswordWithoutTls)) => Ok(()),
        other => panic!("the token went over a way without TLS: {other:?}"),
    }
}
