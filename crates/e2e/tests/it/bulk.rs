//! `COM_STMT_BULK_EXECUTE` of MariaDB: arrays of parameters.

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_proto::{Capabilities, Command};
use testkit::DatabaseKind;

use crate::wire::Wire;
use crate::world::{direct, path, server};

const SQL: &str = "INSERT INTO many (v) VALUES (?)";

const LONGLONG: [u8; 2] = [8, 0];
const DOUBLE: [u8; 2] = [5, 0];

/// Types follow the flags.
const SENDS_TYPES: u16 = 128;

/// Rows of one number, with its type or without.
fn bulk(id: u32, types: Option<[u8; 2]>, values: &[i64]) -> Vec<u8> {
    let flags = types.map_or(0, |_| SENDS_TYPES);
    let mut argument = id.to_le_bytes().to_vec();
    argument.extend(flags.to_le_bytes());
    argument.extend(
        types
            .unwrap_or_default()
            .iter()
            .take(types.map_or(0, |_| 2)),
    );
    for value in values {
        // It is neither NULL nor a default.
        argument.push(0);
        argument.extend(value.to_le_bytes());
    }
    argument
}

/// One client inserts arrays, and another one runs the same statement with a parameter of another
/// type, before the first one leaves the type out.
async fn play(endpoint: &Endpoint) -> Result<Vec<Vec<u8>>> {
    let bulk_operations = Capabilities::MARIADB_STMT_BULK_OPERATIONS;
    let mut many = Wire::open(endpoint, bulk_operations).await?;
    ensure!(
        many.capabilities.contains(bulk_operations),
        "it is not offered"
    );
    let mut one = Wire::open(endpoint, Capabilities::empty()).await?;
    for sql in [
        "DROP TABLE IF EXISTS many",
        "CREATE TABLE many (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40))",
    ] {
        many.query(sql).await?;
    }
    let (id, prepared) = many.prepare(SQL).await?;
    let mut replies = vec![prepared];
    let with_types = bulk(id, Some(LONGLONG), &[1, 2, 3]);
    replies.push(many.ask(Command::STMT_BULK_EXECUTE, &with_types).await?);
    let (other, _) = one.prepare(SQL).await?;
    let mut execution = other.to_le_bytes().to_vec();
    execution.extend([0, 1, 0, 0, 0, 0, 1]);
    execution.extend(DOUBLE);
    execution.extend(2.5_f64.to_le_bytes());
    replies.push(one.ask(Command::STMT_EXECUTE, &execution).await?);
    let without_types = bulk(id, None, &[4, 5]);
    replies.push(many.ask(Command::STMT_BULK_EXECUTE, &without_types).await?);
    for sql in ["SELECT LAST_INSERT_ID()", "SELECT v FROM many ORDER BY id"] {
        replies.push(many.query(sql).await?);
    }
    let too_short = many.ask(Command::STMT_BULK_EXECUTE, &[1, 0]).await?;
    replies.push(too_short);
    Ok(replies)
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_keep_their_types() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let expected = play(&direct(&server)).await.context("directly")?;
    for _ in 0..2 {
        let seen = play(path.endpoint()).await.context("through tidegate")?;
        ensure!(seen == expected, "{seen:?}\ndirectly\n{expected:?}");
    }
    Ok(())
}
