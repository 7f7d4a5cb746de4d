//! `COM_CHANGE_USER`: the session is as after a login, on whichever hyperdrive the user selects,
//! and nothing of what it was is left for anybody.

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_proto::{Capabilities, Command, ErrPacket, OkPacket};
use testkit::DatabaseKind;

use crate::wire::{Wire, error_of};
use crate::world::{DATABASE, PASSWORD, USER, direct, path, server};

const LEFT: &str = "SELECT DATABASE(), @x IS NULL, @@autocommit, @@character_set_client, \
     @@collation_connection, LAST_INSERT_ID()";

/// Leaves everything that a session can have, changes the user, and looks for it.
async fn replies(endpoint: &Endpoint) -> Result<Vec<Vec<u8>>> {
    let mut wire = Wire::open(endpoint, Capabilities::SESSION_TRACK).await?;
    for sql in [
        "DROP TABLE IF EXISTS t",
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT)",
        "INSERT INTO t VALUES (NULL)",
        "SET @x = 5",
        "SET NAMES latin1",
        "USE information_schema",
        "CREATE TEMPORARY TABLE shop.scratch (id INT)",
        "SET autocommit = 0",
        "INSERT INTO shop.t VALUES (NULL)",
    ] {
        wire.query(sql).await?;
    }
    let (statement, _) = wire.prepare("SELECT 1").await?;
    let mut all = Vec::new();
    let endpoint_of_user = Endpoint {
        database: DATABASE.to_owned(),
        ..endpoint.clone()
    };
    for _ in 0..2 {
        let verdict = wire
            .change_user(&endpoint_of_user, &endpoint.password)
            .await?;
        all.push(verdict.to_vec());
        for sql in [LEFT, "SELECT COUNT(*) FROM t", "SELECT * FROM scratch"] {
            all.push(wire.query(sql).await?);
        }
        let gone = wire.execute(statement, &[], &[]).await?;
        // 1243; TiDB says 1105.
        error_of(&gone).with_context(|| format!("it can be executed: {gone:?}"))?;
        let same = format!("SELECT CONNECTION_ID() = {} AS same", wire.id);
        all.push(wire.query(&same).await?);
        wire.query("SET @x = 6").await?;
    }
    Ok(all)
}

async fn is_as_after_a_login(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let expected = replies(&direct(&server)).await?;
    let given = replies(path.endpoint()).await?;
    for (expected, given) in expected.iter().zip(&given) {
        let [expected, given] = [expected, given].map(|reply| reply.escape_ascii().to_string());
        ensure!(expected == given, "\n direct: {expected}\n edge:   {given}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn is_as_after_a_login_on_mariadb() -> Result<()> {
    is_as_after_a_login(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn is_as_after_a_login_on_mysql() -> Result<()> {
    is_as_after_a_login(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn is_as_after_a_login_on_tidb() -> Result<()> {
    is_as_after_a_login(DatabaseKind::Tidb).await
}

/// No statement tells of it, so that its connection goes on as it is where nobody knows better.
#[tokio::test(flavor = "multi_thread")]
async fn forgets_what_a_trigger_has_set() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        server
            .execute_all(&[
                "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT, n INT)",
                "CREATE TRIGGER shop.tr BEFORE INSERT ON shop.t FOR EACH ROW \
                 BEGIN SET @inserted = IFNULL(@inserted, 0) + 1; SET NEW.n = @inserted; END",
            ])
            .await?;
        let Some(path) = path(&server).pool("max = 1").start().await? else {
            continue;
        };
        let endpoint = path.endpoint();
        let mut wire = Wire::open(endpoint, Capabilities::empty()).await?;
        wire.query("INSERT INTO t (n) VALUES (0)").await?;
        wire.change_user(endpoint, &endpoint.password).await?;
        wire.query("INSERT INTO t (n) VALUES (0)").await?;
        let seen = wire.query("SELECT MAX(n) = 1 AS is_new FROM t").await?;
        let seen = seen.escape_ascii().to_string();
        ensure!(seen.contains(r"\x011"), "{kind}: {seen}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn selects_another_hyperdrive() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    server.create_database("books", "reader", "r3ader").await?;
    let another = format!(
        "[[edge.hyperdrives]]\nname = \"second\"\npassword = \"s2\"\norigin = \"{}\"\n\
         [edge.hyperdrives.limits]\nmax_user_connections = 1",
        server.url("reader", "r3ader", "books")
    );
    let path = path(&server).pool("max = 1").limit(&another);
    let path = path.start().await?.context("nothing is skipped here")?;
    let second = Endpoint {
        user: "second".to_owned(),
        database: "books".to_owned(),
        ..path.endpoint().clone()
    };
    let mut wire = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    wire.query("BEGIN").await?;
    let verdict = wire.change_user(&second, "s2").await?;
    ensure!(verdict.first() == Some(&OkPacket::HEADER), "{verdict:?}");
    let mut other = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    // The first hyperdrive's only connection is free, though its transaction was never ended.
    other.query("SELECT 1").await?;
    let user = wire.query("SELECT CURRENT_USER(), DATABASE()").await?;
    let user = user.escape_ascii().to_string();
    ensure!(
        user.contains("reader@%") && user.contains("books"),
        "{user}"
    );
    // The user has as many sessions as it may.
    let verdict = other.change_user(&second, "s2").await?;
    ensure!(ErrPacket::decode(&verdict)?.code == 1226, "{verdict:?}");
    other.closed().await?;
    // And none, once its session is another's again.
    wire.change_user(path.endpoint(), &path.endpoint().password)
        .await?;
    let mut third = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    let verdict = third.change_user(&second, "s2").await?;
    ensure!(verdict.first() == Some(&OkPacket::HEADER), "{verdict:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_the_session_where_it_fails() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let path = path(&server).pool("max = 1").start().await?;
    let path = path.context("nothing is skipped here")?;
    let unknown = path.endpoint().with_user(USER);
    for (endpoint, password, code) in [(path.endpoint(), "wrong", 1045), (&unknown, PASSWORD, 1049)]
    {
        let mut wire = Wire::open(path.endpoint(), Capabilities::empty()).await?;
        wire.query("BEGIN").await?;
        let verdict = wire.change_user(endpoint, password).await?;
        ensure!(ErrPacket::decode(&verdict)?.code == code, "{verdict:?}");
        wire.closed().await?;
    }
    // What they had is free.
    let mut next = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    next.ask(Command::PING, b"").await?;
    next.query("SELECT 1").await.map(drop)
}
