//! A connection is led to the state of its next session, whatever the one before has made of it and
//! whatever has become of the server since.

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_proto::Capabilities;
use testkit::DatabaseKind;

use crate::wire::Wire;
use crate::world::{DATABASE, USER, direct, path, server};

/// Somebody drops the database that a connection has logged in to. TiDB refuses to reset it then,
/// which must not be held against the database of the session that needs the reset.
async fn survives_a_drop(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    server
        .execute_all(&[
            "CREATE DATABASE doomed",
            &format!("GRANT ALL PRIVILEGES ON doomed.* TO '{USER}'@'%'"),
            &format!("CREATE TABLE {DATABASE}.t (n INT)"),
            &format!("INSERT INTO {DATABASE}.t VALUES (7)"),
        ])
        .await?;
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let doomed = Endpoint {
        database: "doomed".to_owned(),
        ..path.endpoint().clone()
    };
    let mut first = Wire::open(&doomed, Capabilities::empty()).await?;
    first.query("SELECT 1").await?;
    server.execute("DROP DATABASE doomed").await?;

    // Its first statement, so that nothing has led the connection elsewhere before.
    let asks = "SELECT @@last_insert_id, @b := n FROM t";
    let mut second = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    let mut expected = Wire::open(&direct(&server), Capabilities::empty()).await?;
    let (seen, expected) = (second.query(asks).await?, expected.query(asks).await?);
    ensure!(
        seen == expected,
        "{} is not {}",
        seen.escape_ascii(),
        expected.escape_ascii()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_drops_takes_none_from_a_session() -> Result<()> {
    for kind in DatabaseKind::ALL {
        survives_a_drop(kind).await.context(kind)?;
    }
    Ok(())
}

/// What a client sees of its character set: in values, and in the columns of a literal.
const CHARACTER_SET: &str = "SELECT @@character_set_client, @@character_set_connection, \
     @@character_set_results, @@collation_connection, 'a', COLLATION('a')";

async fn character_set(endpoint: &Endpoint, collation: u8) -> Result<Vec<u8>> {
    let mut wire = Wire::open_in(endpoint, Capabilities::empty(), collation).await?;
    wire.query(CHARACTER_SET).await
}

/// Whatever collation a login names, which few servers can be told of by a statement.
async fn finds_its_own(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    for collation in 1..=u8::MAX {
        // Some are nobody's to log in with: MariaDB refuses `filename`.
        let Ok(expected) = character_set(&direct(&server), collation).await else {
            continue;
        };
        for change in [
            "SET SESSION character_set_connection = 'latin1'",
            "SET NAMES latin1",
            "SELECT GET_LOCK('a', 0)",
        ] {
            let mut wire = Wire::open_in(path.endpoint(), Capabilities::empty(), collation).await?;
            wire.query(change).await?;
            drop(wire);
            let seen = character_set(path.endpoint(), collation).await?;
            ensure!(
                seen == expected,
                "collation {collation}, after {change}: {} is not {}",
                seen.escape_ascii(),
                expected.escape_ascii()
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_find_the_character_set_of_their_login() -> Result<()> {
    for kind in DatabaseKind::ALL {
        finds_its_own(kind).await.context(kind)?;
    }
    Ok(())
}
