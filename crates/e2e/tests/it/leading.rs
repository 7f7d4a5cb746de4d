//! A connection is led to the state of its next session, whatever the one before has made of it and
//! whatever has become of the server since.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_proto::Capabilities;
use testkit::DatabaseKind::{self, MariaDb, MySql};
use tokio::time::sleep;

use crate::turns::LEAVING;
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

/// A text that was read with backslashes as escapes runs where they are, whatever somebody has set
/// for all meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_run_as_it_was_read() -> Result<()> {
    const TEXT: &[u8] = br"SELECT '\', @evil := 'leak' -- '";
    for kind in DatabaseKind::ALL {
        let Some(server) = server(kind).await? else {
            continue;
        };
        let Some(path) = path(&server).pool("max = 1").start().await? else {
            continue;
        };
        let open = || Wire::open(path.endpoint(), Capabilities::empty());
        let (mut first, mut second, mut pins) = (open().await?, open().await?, open().await?);
        let expected = first.query_bytes(TEXT).await?;
        second.query("SELECT 1").await?;
        server
            .execute("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES'")
            .await?;
        // Its connection is reset, and has the other mode then.
        pins.query("CREATE TEMPORARY TABLE brief (a INT)").await?;
        drop(pins);
        sleep(LEAVING).await;
        let seen = first.query_bytes(TEXT).await?;
        ensure!(seen == expected, "{kind}: {}", seen.escape_ascii());
        let seen = second.query("SELECT @evil").await?;
        let leaked = seen.windows(4).any(|window| window == b"leak");
        ensure!(!leaked, "{kind}: {}", seen.escape_ascii());
    }
    Ok(())
}

/// The user may not use the database of a session any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_takes_no_session_along() -> Result<()> {
    for kind in DatabaseKind::ALL {
        for sql in ["SELECT 1", "USE shop"] {
            finds_a_way_on(kind, sql).await.context(kind)?;
        }
    }
    Ok(())
}

async fn finds_a_way_on(kind: DatabaseKind, sql: &str) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let rights = format!("ALL PRIVILEGES ON lent.* TO '{USER}'@'%'");
    let (granted, revoked) = (
        format!("GRANT {rights}"),
        format!("REVOKE {}", rights.replace(" TO ", " FROM ")),
    );
    server
        .execute_all(&["CREATE DATABASE lent", &granted])
        .await?;
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let open = || Wire::open(path.endpoint(), Capabilities::empty());
    let (mut first, mut second) = (open().await?, open().await?);
    let mut expected = Wire::open(&direct(&server), Capabilities::empty()).await?;
    for wire in [&mut first, &mut expected] {
        wire.query("USE lent").await?;
    }
    second.query("SELECT 1").await?;
    server.execute(&revoked).await?;
    for sql in [
        sql,
        "USE shop",
        "SELECT DATABASE()",
        "USE lent",
        "SELECT DATABASE()",
    ] {
        let (seen, expected) = (first.query(sql).await?, expected.query(sql).await?);
        ensure!(
            seen == expected,
            "{sql}: {} is not {}",
            seen.escape_ascii(),
            expected.escape_ascii()
        );
    }
    Ok(())
}

/// Nothing in the text tells that a procedure makes one.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_a_procedure_makes_is_known_of() -> Result<()> {
    for (kind, how) in [
        (MariaDb, "CALL makes()"),
        (MySql, "CALL makes()"),
        (
            MariaDb,
            "EXECUTE IMMEDIATE 'CREATE VIEW v AS SELECT counts() AS c'",
        ),
    ] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        server
            .execute_all(&[
                "CREATE FUNCTION shop.counts() RETURNS INT NO SQL \
                 BEGIN SET @count = IFNULL(@count, 0) + 1; RETURN @count; END",
                "CREATE PROCEDURE shop.makes() CREATE VIEW shop.v AS SELECT shop.counts() AS c",
            ])
            .await?;
        let Some(path) = path(&server).pool("max = 1").start().await? else {
            continue;
        };
        // It is known by now that there are none.
        sleep(Duration::from_secs(2)).await;
        let open = || Wire::open(path.endpoint(), Capabilities::empty());
        open().await?.query(how).await?;
        sleep(LEAVING).await;
        let asks = "SELECT c FROM v";
        let mut direct = Wire::open(&direct(&server), Capabilities::empty()).await?;
        let expected = direct.query(asks).await?;
        for _ in 0..3 {
            let seen = open().await?.query(asks).await?;
            ensure!(seen == expected, "{kind}: {}", seen.escape_ascii());
            sleep(LEAVING).await;
        }
    }
    Ok(())
}

/// A view runs its function with the rights of whoever made it, so that nobody shows that function
/// to who reads the view.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_hidden_function_sets_is_nobody_elses() -> Result<()> {
    for kind in [MariaDb, MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        server
            .execute_all(&[
                "CREATE TABLE shop.t (n INT)",
                "INSERT INTO shop.t VALUES (1), (2), (3)",
                "CREATE DATABASE hidden",
            ])
            .await?;
        if kind == MySql {
            server
                .execute("SET GLOBAL log_bin_trust_function_creators = 1")
                .await?;
        }
        server
            .execute_all(&[
                "CREATE FUNCTION hidden.f() RETURNS INT BEGIN \
                 SET SESSION sql_select_limit = 1; RETURN GET_LOCK('a lock', 0); END",
                "CREATE VIEW hidden.v AS SELECT hidden.f()",
                "CREATE SQL SECURITY DEFINER VIEW shop.v AS SELECT * FROM hidden.v",
                &format!("REVOKE ALL PRIVILEGES ON shop.* FROM '{USER}'@'%'"),
                &format!("GRANT SELECT, SHOW VIEW ON shop.* TO '{USER}'@'%'"),
            ])
            .await?;
        let Some(path) = path(&server).pool("max = 1").start().await? else {
            continue;
        };
        // Whatever is believed before the first answer, it is there now.
        sleep(Duration::from_secs(2)).await;
        let mut first = Wire::open(path.endpoint(), Capabilities::empty()).await?;
        first.query("SELECT * FROM v").await?;
        let mut second = Wire::open(path.endpoint(), Capabilities::empty()).await?;
        let mut expected = Wire::open(&direct(&server), Capabilities::empty()).await?;
        for sql in ["SELECT n FROM t", "SELECT GET_LOCK('a lock', 0)"] {
            let seen = second.query(sql).await?;
            second.query("DO RELEASE_ALL_LOCKS()").await?;
            let same = expected.query(sql).await? == seen;
            ensure!(same, "{kind}: {sql}: {}", seen.escape_ascii());
        }
    }
    Ok(())
}
