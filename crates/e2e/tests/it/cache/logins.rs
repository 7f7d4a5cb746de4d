//! What changes later logins holds for those through an edge as well, whichever hyperdrive has
//! changed it, and in whatever words.

use super::*;

const READ: &str = "SELECT t FROM zoned";

/// Statements that set the default of sessions to come, with `{}` for the zone. Some fail, behind
/// that; what they have done is looked at.
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
        let other = hyperdrive("other", &server.url("clerk", "0rigin", "shop"), true);
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
        let (app, other) = (world.endpoint_of("app"), world.endpoint_of("other"));
        definer.disconnect().await?;
        // Until the texts of both are known.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for (statements, hour) in OF_BOTH.iter().chain(more).zip(1..) {
            for endpoint in [&app, &other] {
                leave_idle_connections(endpoint).await?;
            }
            let mut writer = app.connect().await?;
            let zone = format!("+{hour:02}:00");
            for statement in *statements {
                let _outcome = writer.query_drop(statement.replace("{}", &zone)).await;
            }
            let by = [&app, &app, &other, &other, &other];
            ensure_in(&zone, &world, &by)
                .await
                .with_context(|| format!("{statements:?}"))?;
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
            ensure_in("-10:00", &world, &[&app, &other]).await
        })
        .await?;
        ensure!(began.elapsed() < Duration::from_secs(8), "only at its end");
        drop(writer);
        tokio::time::sleep(Duration::from_secs(2)).await;
        ensure_in("-10:00", &world, &[&app, &other, &other]).await?;
    }
    Ok(())
}

/// Sessions that log in by these are in this zone, and see what one that logs in directly does.
async fn ensure_in(zone: &str, world: &World, by: &[&Endpoint]) -> Result<()> {
    let expected = seen(world.direct().await?).await?;
    let kind = world.server.kind();
    ensure!(expected.0 == zone, "{kind:?}, directly: {expected:?}");
    for endpoint in by {
        let found = seen(endpoint.connect().await?).await?;
        ensure!(found == expected, "{kind:?}, {}: {found:?}", endpoint.user);
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
        let limited = hyperdrive("limited", &server.url("limited", "0rigin", "other"), true);
        let world = World::at(server, &limited).await?;
        let mut endpoint = world.endpoint_of("limited");
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
