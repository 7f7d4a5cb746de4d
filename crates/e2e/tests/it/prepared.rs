//! Prepared statements belong to their session, although it has no connection of its own: whatever
//! a client does with them, it gets the very bytes that a direct connection gives.

mod asking;
mod handles;
mod raw;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_async::prelude::Queryable;
use mysql_proto::{Capabilities, Command};
use testkit::{Database, DatabaseKind};

use crate::world::{DATABASE, USER, direct, path, server};
use raw::{CURSOR, Raw, Values};

const MIB: usize = 1024 * 1024;

/// Sessions at once, on two origin connections.
const CLIENTS: usize = 4;

const PATIENCE: Duration = Duration::from_secs(90);

/// What one session did, and what it was told.
type Log = Vec<(String, Vec<u8>)>;

/// Ids that name nothing; types that are left out, or never were bound; arguments that are wrong.
async fn arguments(client: &mut Raw, _: usize) -> Result<()> {
    client.execute(4_000, &Values::default()).await?;
    client.fetch(4_000, 1).await?;
    client.reset(4_000).await?;
    client.close(4_000).await?;
    let first = client.prepare("SELECT 'first'").await?;
    for sql in ["SELEC", "SELECT * FROM no_such_table"] {
        let what = format!("prepare {sql}");
        client
            .ask(what, Command::STMT_PREPARE, sql.as_bytes())
            .await?;
    }
    let id = client.prepare("SELECT ? + 1").await?;
    // Those that were refused have taken ids, or not.
    let step = id.wrapping_sub(first).to_le_bytes();
    client.log.push(("ids".to_owned(), step.to_vec()));
    client.execute(id, &Values::int(5).without_types()).await?;
    client.execute(id, &Values::int(5)).await?;
    client.execute(id, &Values::int(6).without_types()).await?;
    let too_short = Values {
        bytes: vec![1],
        ..Values::int(0)
    };
    client.execute(id, &too_short).await?;
    client.execute(id, &Values::int(7).without_types()).await?;
    client.reset(id).await?;
    client.execute(id, &Values::int(8).without_types()).await?;
    client.fetch(id, 1).await?;
    client.close(id).await?;
    client.execute(id, &Values::int(9)).await?;
    // (To MariaDB it means the one prepared last.)
    client.prepare("SELECT ? + 2").await?;
    client
        .execute(u32::MAX, &Values::int(5).without_types())
        .await?;
    client.execute(u32::MAX, &Values::int(6)).await?;
    client
        .execute(u32::MAX, &Values::int(7).without_types())
        .await?;
    client.prepare("SELECT 'none'").await?;
    client.execute(u32::MAX, &Values::default()).await?;
    Ok(())
}

/// Long data, sent in pieces, dropped, and for a parameter that there is not.
async fn long_data(client: &mut Raw, _: usize) -> Result<()> {
    let id = client.prepare("SELECT CONCAT(?, '!')").await?;
    let nothing = Values {
        bytes: Vec::new(),
        ..Values::text("")
    };
    client.long_data(id, 0, b"hello").await?;
    client.long_data(id, 0, b" world").await?;
    client.execute(id, &nothing).await?;
    client
        .execute(id, &Values::text("short").without_types())
        .await?;
    client.long_data(id, 9, b"hello").await?;
    client.execute(id, &Values::text("wrong")).await?;
    client.reset(id).await?;
    client.execute(id, &Values::text("right")).await?;
    client.long_data(id, 0, b"hello").await?;
    client.reset(id).await?;
    client.execute(id, &Values::text("dropped")).await?;
    client.long_data(id, 0, b"hello").await?;
    client.close(id).await?;
    client.query("SELECT 'still here'").await?;
    Ok(())
}

async fn cursors(client: &mut Raw, _: usize) -> Result<()> {
    let sql = "SELECT 1 UNION SELECT 2 UNION SELECT 3 ORDER BY 1";
    let id = client.prepare(sql).await?;
    let other = client.prepare("SELECT 'other'").await?;
    client.execute(id, &Values::cursor()).await?;
    client.fetch(id, 2).await?;
    client.execute(other, &Values::default()).await?;
    client.fetch(id, 2).await?;
    client.fetch(id, 2).await?;
    // (Once a statement had a cursor, MySQL 9.7 gives no rows without one, and no end of them.)
    client.execute(id, &Values::cursor()).await?;
    client.execute(id, &Values::cursor()).await?;
    client.reset(id).await?;
    client.fetch(id, 1).await?;
    client.execute(id, &Values::cursor()).await?;
    client.close(id).await?;
    client.execute(other, &Values::default()).await?;
    Ok(())
}

/// Long data for a statement whose cursor is open: the next execution may ask for none.
async fn long_data_behind_a_cursor(client: &mut Raw, _: usize) -> Result<()> {
    let id = client
        .prepare("SELECT CONCAT(?, '!') UNION ALL SELECT 'end'")
        .await?;
    let text = Values::text("text");
    let with_cursor = Values {
        flags: CURSOR,
        ..text.clone()
    };
    let nothing = Values {
        bytes: Vec::new(),
        ..text.clone()
    };
    // (A statement whose first execution has a cursor gives no rows without one on MySQL 9.7.)
    client.execute(id, &text).await?;
    client.execute(id, &with_cursor).await?;
    client.long_data(id, 0, b"in ").await?;
    client.fetch(id, 1).await?;
    client.long_data(id, 0, b"pieces").await?;
    client.execute(id, &nothing).await?;
    client.execute(id, &with_cursor).await?;
    client.long_data(id, 0, b"for a cursor").await?;
    let nothing = Values {
        flags: CURSOR,
        ..nothing
    };
    client.execute(id, &nothing).await?;
    client
        .long_data(id, 0, b"dropped with the last row")
        .await?;
    client.fetch(id, 5).await?;
    client.execute(id, &text).await?;
    client.execute(id, &with_cursor).await?;
    client.long_data(id, 0, b"dropped").await?;
    client.reset(id).await?;
    client.fetch(id, 1).await?;
    client.execute(id, &text).await?;
    client.execute(id, &with_cursor).await?;
    client.long_data(id, 0, b"dropped").await?;
    client.close(id).await?;
    // It takes no place of conditions.
    let warns = client.prepare("SELECT 'a' + ?").await?;
    client.query("BEGIN").await?;
    client.execute(warns, &Values::int(1)).await?;
    client.long_data(warns, 0, b"2").await?;
    client.query("SHOW WARNINGS").await?;
    client.query("ROLLBACK").await?;
    client.close(warns).await?;
    Ok(())
}

/// The same text under two modes: a column, and a literal.
async fn modes(client: &mut Raw) -> Result<()> {
    client.query("SET sql_mode = 'ANSI_QUOTES'").await?;
    let column = client.prepare("SELECT \"n\" FROM who LIMIT 1").await?;
    client.query("SET sql_mode = ''").await?;
    let literal = client.prepare("SELECT \"n\" FROM who LIMIT 1").await?;
    for id in [column, literal, column, literal] {
        client.execute(id, &Values::default()).await?;
    }
    Ok(())
}

/// The same text under other databases and modes, and a table that changes under it.
async fn surroundings(client: &mut Raw, tag: usize) -> Result<()> {
    let (a, b) = (format!("prepared_{tag}_a"), format!("prepared_{tag}_b"));
    for name in [&a, &b] {
        client.query(&format!("CREATE DATABASE {name}")).await?;
        client.query(&format!("USE {name}")).await?;
        client.query("CREATE TABLE who (n VARCHAR(40))").await?;
        client
            .query(&format!("INSERT INTO who VALUES ('{name}')"))
            .await?;
    }
    client.query(&format!("USE {a}")).await?;
    let in_a = client.prepare("SELECT n FROM who").await?;
    client.query(&format!("USE {b}")).await?;
    let in_b = client.prepare("SELECT n FROM who").await?;
    let inserts = client.prepare("INSERT INTO who VALUES (?)").await?;
    for id in [in_a, in_b, in_a] {
        client.execute(id, &Values::default()).await?;
    }
    if !client.is_tidb {
        // TiDB's cache of plans takes the one for the other.
        modes(client).await?;
    }
    client.execute(inserts, &Values::text("another")).await?;
    client
        .query("ALTER TABLE who ADD COLUMN extra INT DEFAULT 7")
        .await?;
    client.execute(in_b, &Values::default()).await?;
    client.query("DROP TABLE who").await?;
    if !client.is_tidb {
        // TiDB tells 8113 where the statement was prepared before, and 1146 where it is new.
        client.execute(in_b, &Values::default()).await?;
        client.execute(inserts, &Values::text("nowhere")).await?;
    }
    client.query("CREATE TABLE who (n VARCHAR(40))").await?;
    client.execute(inserts, &Values::text("back")).await?;
    client.execute(in_b, &Values::default()).await?;
    client.execute(in_a, &Values::default()).await?;
    client.query(&format!("DROP DATABASE {a}")).await?;
    client.query(&format!("DROP DATABASE {b}")).await?;
    Ok(())
}

/// Statements that ask about the one before them, or set what another reads.
async fn state(client: &mut Raw, tag: usize) -> Result<()> {
    let table = format!("prepared_{tag}");
    client.query(&format!("USE {DATABASE}")).await?;
    client
        .query(&format!(
            "CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, n INT)"
        ))
        .await?;
    let insert = client
        .prepare(&format!("INSERT INTO {table} (n) VALUES (?)"))
        .await?;
    let update = client
        .prepare(&format!("UPDATE {table} SET n = n + ?"))
        .await?;
    let id = client.prepare("SELECT LAST_INSERT_ID()").await?;
    for number in 0..3 {
        client.execute(insert, &Values::int(number)).await?;
    }
    client.execute(update, &Values::int(1)).await?;
    client.query("SELECT ROW_COUNT()").await?;
    client.query("SELECT LAST_INSERT_ID()").await?;
    if !client.is_tidb {
        // TiDB warns that its cache of plans cannot have this, and has what it is sent instead.
        let summary = client.execute(id, &Values::default()).await?;
        ensure!(summary.rows == 1, "no last insert id");
    }
    client.query("BEGIN").await?;
    client.execute(insert, &Values::int(9)).await?;
    client.query("ROLLBACK").await?;
    client
        .query(&format!("SELECT COUNT(*) FROM {table}"))
        .await?;
    let limit = client.prepare("SET sql_select_limit = ?").await?;
    client.execute(limit, &Values::int(1)).await?;
    client
        .query(&format!("SELECT n FROM {table} ORDER BY n"))
        .await?;
    client.query("SET sql_select_limit = DEFAULT").await?;
    client.query(&format!("DROP TABLE {table}")).await?;
    let before = client.prepare("SELECT 1").await?;
    client
        .ask("reset".to_owned(), Command::RESET_CONNECTION, &[])
        .await?;
    client.execute(before, &Values::default()).await?;
    Ok(())
}

/// More statements than an origin connection keeps.
async fn many(client: &mut Raw, _: usize) -> Result<()> {
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(client.prepare(&format!("SELECT {number} * ?")).await?);
    }
    for round in 0..3 {
        for id in &ids {
            let values = Values::int(round);
            let values = if round == 0 {
                values
            } else {
                values.without_types()
            };
            client.execute(*id, &values).await?;
        }
    }
    Ok(())
}

/// What parameters were before decides how MySQL and TiDB read others, also those of other sessions
/// on the same connection.
async fn types(client: &mut Raw, tag: usize) -> Result<()> {
    let id = client.prepare("SELECT CONCAT(?, '')").await?;
    let values = match tag % 3 {
        0 => Values::int(5),
        1 => Values::text("five"),
        _ => Values::double(2.5),
    };
    for _ in 0..10 {
        client.execute(id, &values).await?;
    }
    Ok(())
}

/// Parameters of more than one packet, with types and without.
async fn huge(client: &mut Raw, _: usize) -> Result<()> {
    let id = client.prepare("SELECT LENGTH(?)").await?;
    let mut values = Values::text("");
    let [a, b, c, _] = u32::try_from(17 * MIB)?.to_le_bytes();
    values.bytes = vec![0xFD, a, b, c];
    values.bytes.resize(17 * MIB + 4, b'x');
    client.execute(id, &values).await?;
    client.execute(id, &values.without_types()).await?;
    Ok(())
}

async fn play(endpoint: &Endpoint, tag: usize, is_tidb: bool) -> Result<Log> {
    let capabilities = if tag.is_multiple_of(2) {
        Capabilities::DEPRECATE_EOF
    } else {
        Capabilities::empty()
    };
    let mut client = Raw::connect(endpoint, capabilities).await?;
    client.is_tidb = is_tidb;
    arguments(&mut client, tag).await.context("arguments")?;
    if !is_tidb {
        // TiDB answers long data that is wrong, which is against the protocol.
        long_data(&mut client, tag).await.context("long data")?;
        long_data_behind_a_cursor(&mut client, tag)
            .await
            .context("long data behind a cursor")?;
        asking::again(&mut client, tag)
            .await
            .context("asking again")?;
        asking::for_rows(&mut client, tag)
            .await
            .context("asking for rows")?;
    }
    let with_pieces = asking::with_pieces(&mut client, tag).await;
    with_pieces.context("asking with pieces")?;
    cursors(&mut client, tag).await.context("cursors")?;
    surroundings(&mut client, tag)
        .await
        .context("surroundings")?;
    state(&mut client, tag).await.context("state")?;
    many(&mut client, tag).await.context("many")?;
    types(&mut client, tag).await.context("types")?;
    huge(&mut client, tag).await.context("huge")?;
    Ok(client.log)
}

/// The log without what TiDB says of its own cache of plans: whether a statement was taken from it
/// shows as a warning.
fn comparable(log: Log, is_tidb: bool) -> Log {
    let keep = |(what, _): &(String, Vec<u8>)| {
        !is_tidb || !(what.starts_with("reset") || what.contains("LAST_INSERT_ID"))
    };
    log.into_iter().filter(keep).collect()
}

fn ensure_same(seen: &Log, expected: &Log) -> Result<()> {
    for (seen, expected) in seen.iter().zip(expected) {
        ensure!(
            seen == expected,
            "{}\n through tidegate: {:02x?}\n directly: {:02x?}",
            seen.0,
            seen.1,
            expected.1
        );
    }
    ensure!(seen.len() == expected.len(), "they did not do the same");
    Ok(())
}

async fn nobody_can_tell(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let mut admin = server.connect().await?;
    admin
        .query_drop(format!("GRANT ALL ON *.* TO {USER}@'%'"))
        .await?;
    let is_tidb = kind == DatabaseKind::Tidb;
    let expected = play_at_once(&direct(&server), is_tidb).await?;
    let pool = "max = 2\nmax_statements = 8\nwait_timeout = \"60s\"";
    let Some(path) = path(&server).pool(pool).start().await? else {
        return Ok(());
    };
    let seen = play_at_once(path.endpoint(), is_tidb).await?;
    for (tag, (seen, expected)) in seen.iter().zip(&expected).enumerate() {
        ensure_same(seen, expected).with_context(|| format!("client {tag}"))?;
    }
    Ok(())
}

/// All clients at once.
async fn play_at_once(endpoint: &Endpoint, is_tidb: bool) -> Result<Vec<Log>> {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|tag| {
            let endpoint = endpoint.clone();
            tokio::spawn(async move { play(&endpoint, tag, is_tidb).await })
        })
        .collect();
    let mut logs = Vec::new();
    for (tag, client) in clients.into_iter().enumerate() {
        let log = tokio::time::timeout(PATIENCE, client).await??;
        let log = log.with_context(|| format!("client {tag}"))?;
        logs.push(comparable(log, is_tidb));
    }
    Ok(logs)
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_as_on_a_direct_connection_to_mariadb() -> Result<()> {
    nobody_can_tell(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_as_on_a_direct_connection_to_mysql() -> Result<()> {
    nobody_can_tell(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_as_on_a_direct_connection_to_tidb() -> Result<()> {
    nobody_can_tell(DatabaseKind::Tidb).await
}

/// OUT parameters come in a result of their own, in both forms of the protocol.
async fn out_parameters(server: &Database, endpoint: &Endpoint) -> Result<Vec<Log>> {
    let mut admin = server.connect().await?;
    for sql in [
        format!("DROP PROCEDURE IF EXISTS {DATABASE}.twice"),
        format!(
            "CREATE PROCEDURE {DATABASE}.twice(IN n INT, OUT m INT) \
             BEGIN SET m = n * 2; SELECT n; SELECT 'second'; END"
        ),
    ] {
        admin.query_drop(sql).await?;
    }
    let mut logs = Vec::new();
    for capabilities in [Capabilities::DEPRECATE_EOF, Capabilities::empty()] {
        let mut client = Raw::connect(endpoint, capabilities).await?;
        let id = client.prepare("CALL twice(?, ?)").await?;
        let values = Values {
            types: vec![raw::INT, raw::INT],
            count: 2,
            bytes: [3_i32.to_le_bytes(), 0_i32.to_le_bytes()].concat(),
            ..Values::default()
        };
        client.execute(id, &values).await?;
        client.execute(id, &values.without_types()).await?;
        client.query("SELECT 'after'").await?;
        logs.push(client.log);
    }
    Ok(logs)
}

async fn has_out_parameters(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 2").start().await? else {
        return Ok(());
    };
    let expected = out_parameters(&server, &direct(&server)).await?;
    let seen = out_parameters(&server, path.endpoint()).await?;
    for (seen, expected) in seen.iter().zip(&expected) {
        ensure_same(seen, expected)?;
    }
    Ok(())
}

#[tokio::test]
async fn procedures_have_out_parameters_on_mariadb() -> Result<()> {
    has_out_parameters(DatabaseKind::MariaDb).await
}

#[tokio::test]
async fn procedures_have_out_parameters_on_mysql() -> Result<()> {
    has_out_parameters(DatabaseKind::MySql).await
}

/// Fifty sessions with statements of their own that they prepare once, on one origin connection.
#[tokio::test(flavor = "multi_thread")]
async fn open_statements_hold_no_connection() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let path = Arc::new(path);
    let clients: Vec<_> = (0..50_u32)
        .map(|number| {
            let path = Arc::clone(&path);
            tokio::spawn(async move {
                let mut client = path.endpoint().connect().await?;
                let shared = client.prep("SELECT ? * 2").await?;
                let own = client.prep(format!("SELECT {number} + ?")).await?;
                for turn in 0..20_u32 {
                    let twice: Option<u32> = client.exec_first(&shared, (turn,)).await?;
                    let sum: Option<u32> = client.exec_first(&own, (turn,)).await?;
                    ensure!((twice, sum) == (Some(turn * 2), Some(number + turn)));
                }
                client.close(own).await?;
                Ok(client.disconnect().await?)
            })
        })
        .collect();
    for client in clients {
        tokio::time::timeout(PATIENCE, client).await???;
    }
    Ok(())
}
