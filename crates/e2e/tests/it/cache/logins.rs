//! What changes later logins holds for those through an edge as well, whichever hyperdrive has
//! changed it, and in whatever words.

use e2e::Endpoint;

use super::*;

const READ: &str = "SELECT t FROM zoned";

/// Statements that set the default of sessions to come, with `{}` for the zone. Some fail, behind
/// that.
const OF_BOTH: [&[&str]; 8] = [
    &["SET GLOBAL time_zone = '{}'"],
    &["CALL zone('{}')"],
    &["CALL calls('{}')"],
    &["SELECT 1; CALL zone('{}')"],
    &[
        "PREPARE p FROM \"SET GLOBAL time_zone = '{}'\"",
        "SELECT 1",
        "EXECUTE p",
    ],
    &["PREPARE p FROM \"CALL zone('{}')\"", "EXECUTE p"],
    &["CALL fails('{}')"],
    &["SET GLOBAL time_zone = '{}'; CREATE TABLE information_schema.x (a INT)"],
];
const OF_MARIADB: [&[&str]; 5] = [
    &["EXECUTE IMMEDIATE \"SET GLOBAL time_zone = '{}'\""],
    &["EXECUTE IMMEDIATE \"CALL calls('{}')\""],
    &["BEGIN NOT ATOMIC CALL zone('{}'); END"],
    &["BEGIN NOT ATOMIC SET GLOBAL time_zone = '{}'; END"],
    &["SET STATEMENT max_statement_time = 9 FOR SET GLOBAL time_zone = '{}'"],
];

/// Several connections lie idle, each of a login of now.
async fn leave_idle_connections(endpoint: &Endpoint) -> Result<()> {
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = endpoint.connect().await?;
        client.query_drop("BEGIN").await?;
        client.query_drop(READ).await?;
        clients.push(client);
    }
    for client in &mut clients {
        client.query_drop("ROLLBACK").await?;
        client.query_drop(READ).await?;
    }
    Ok(())
}

/// The zone of a session that has just logged in, and what it makes of a row.
async fn seen(mut client: Conn) -> Result<(String, String)> {
    let zone: Option<String> = client.query_first("SELECT @@time_zone").await?;
    let row = format!("SELECT CAST(t AS CHAR) FROM ({READ}) AS x");
    let row: Option<String> = client.query_first(row).await?;
    Ok((zone.context("no zone")?, row.context("no row")?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_global_set_anywhere_holds_for_the_next_session_of_each_hyperdrive() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        let more = match kind {
            DatabaseKind::MariaDb => &OF_MARIADB[..],
            _ => &[],
        };
        let origin = server.url("clerk", "0rigin", "shop");
        let other = format!(
            "[[edge.hyperdrives]]\nname = \"other\"\npassword = \"l0cal\"\n\
             origin = \"{origin}\"\ncache = {{ enabled = true }}\n"
        );
        let world = World::at(server, &other).await?;
        // Through the edge, which knows of them at once.
        let mut definer = world.client().await?;
        for statement in [
            "CREATE TABLE shop.zoned (t TIMESTAMP)",
            "INSERT INTO shop.zoned VALUES ('2020-01-01')",
            "CREATE PROCEDURE shop.zone(z VARCHAR(9)) SET GLOBAL time_zone = z",
            "CREATE PROCEDURE shop.calls(z VARCHAR(9)) CALL zone(z)",
            "CREATE PROCEDURE shop.fails(z VARCHAR(9)) BEGIN CALL zone(z); CALL missing(); END",
        ] {
            definer.query_drop(statement).await.context(statement)?;
        }
        let app = world.path.endpoint().clone();
        let mut other = app.clone();
        "other".clone_into(&mut other.user);
        definer.disconnect().await?;
        // Until the texts of both are known.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for (statements, hour) in OF_BOTH.iter().chain(more).zip(1..) {
            for endpoint in [&app, &other] {
                leave_idle_connections(endpoint).await?;
            }
            let mut writer = app.connect().await?;
            for statement in *statements {
                let statement = statement.replace("{}", &format!("+{hour:02}:00"));
                // Those that fail have done so.
                let _outcome = writer.query_drop(statement).await;
            }
            ensure_new(&world, &[&app, &app, &other, &other, &other], statements).await?;
        }
        // Who does not wait for the end has done so all the same.
        for endpoint in [&app, &other] {
            leave_idle_connections(endpoint).await?;
        }
        let leaving = "SET GLOBAL time_zone = '-10:00'; DO SLEEP(8)";
        let mut writer = app.connect().await?;
        let began = Instant::now();
        let sent = tokio::time::timeout(Duration::from_millis(500), writer.query_drop(leaving));
        ensure!(sent.await.is_err(), "it did not sleep");
        // The first of its two results is told by then, or soon.
        eventually("it holds amid the statement", PATIENCE, async || {
            ensure_new(&world, &[&app, &other], &[leaving]).await
        })
        .await?;
        ensure!(began.elapsed() < Duration::from_secs(8), "only at its end");
        drop(writer);
        tokio::time::sleep(Duration::from_secs(2)).await;
        ensure_new(&world, &[&app, &other, &other], &[leaving]).await?;
    }
    Ok(())
}

/// Sessions that log in by these see what one that logs in directly does.
async fn ensure_new(world: &World, by: &[&Endpoint], behind: &[&str]) -> Result<()> {
    let expected = seen(world.direct().await?).await?;
    for endpoint in by {
        let found = seen(endpoint.connect().await?).await?;
        let (user, kind) = (&endpoint.user, world.server.kind());
        ensure!(found == expected, "{kind:?}, {user}, {behind:?}: {found:?}");
    }
    Ok(())
}

/// What is taken from a user is gone in the next session, whoever has taken it.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_another_hyperdrive_takes_is_gone() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        let of = match kind {
            DatabaseKind::MariaDb => "FOR limited",
            _ => "TO limited",
        };
        let mut root = server.connect().await?;
        let roles = format!("SET DEFAULT ROLE reading {of}");
        for statement in [
            "CREATE USER limited IDENTIFIED BY '0rigin'",
            "CREATE ROLE reading",
            "GRANT SELECT ON shop.* TO reading",
            "GRANT SELECT ON other.* TO limited",
            "GRANT reading TO limited",
            &roles,
        ] {
            let statement = statement.to_owned();
            root.query_drop(&statement).await.context(statement)?;
        }
        let origin = server.url("limited", "0rigin", "other");
        let limited = format!(
            "[[edge.hyperdrives]]\nname = \"limited\"\npassword = \"l0cal\"\n\
             origin = \"{origin}\"\ncache = {{ enabled = true }}\n"
        );
        let world = World::at(server, &limited).await?;
        let mut endpoint = world.path.endpoint().clone();
        "limited".clone_into(&mut endpoint.user);
        "other".clone_into(&mut endpoint.database);
        let read = "SELECT v FROM shop.r WHERE id = 1";
        for _ in 0..3 {
            endpoint.connect().await?.query_drop(read).await?;
        }
        let mut writer = world.client().await?;
        let statement = format!("SET DEFAULT ROLE NONE {of}");
        writer.query_drop(&statement).await.context(statement)?;
        let denied = endpoint.connect().await?.query_drop(read).await;
        ensure!(denied.is_err(), "{kind:?}: it reads what its role let it");
    }
    Ok(())
}
