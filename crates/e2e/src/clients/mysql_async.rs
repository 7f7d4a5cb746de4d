//! `mysql_async`, the Rust client, in the process of the test.

use anyhow::Result;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, TxOpts, Value as Cell, params};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::Endpoint;

const MIB: usize = 1024 * 1024;
const PARALLEL: usize = 8;

pub(super) async fn session(endpoint: &Endpoint) -> Result<Value> {
    let mut connection = endpoint.connect().await?;
    let outcome = json!({
        "types": types(&mut connection).await?,
        "prepared": prepared(&mut connection).await?,
        "transaction": transaction(&mut connection).await?,
        "errors": errors(&mut connection).await?,
        "state": state(&mut connection).await?,
        "big_result": big_result(&mut connection).await?,
        "reset": reset(&mut connection).await?,
        "parallel": parallel(endpoint).await?,
    });
    connection.disconnect().await?;
    Ok(outcome)
}

async fn types(connection: &mut Conn) -> Result<Value> {
    connection
        .query_drop("DROP TABLE IF EXISTS rs_types")
        .await?;
    connection
        .query_drop(
            "CREATE TABLE rs_types (id INT PRIMARY KEY AUTO_INCREMENT, big BIGINT, \
             wide BIGINT UNSIGNED, exact DECIMAL(30,10), near DOUBLE, moment DATETIME(6), \
             span TIME(3), doc JSON, bytes BLOB, words VARCHAR(200) CHARACTER SET utf8mb4)",
        )
        .await?;
    connection
        .exec_drop(
            "INSERT INTO rs_types VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                i64::MIN,
                u64::MAX,
                "12345678901234567890.0123456789",
                0.1_f64,
                "2026-11-22 23:59:59.123456",
                "-838:59:58.999",
                r#"{"a": [1, "b"]}"#,
                vec![0_u8, 255, 39, 92],
                "naïve ☃ 𝄞",
            ),
        )
        .await?;
    let id = connection.last_insert_id();
    let text: Vec<Row> = connection
        .query("SELECT * FROM rs_types ORDER BY id")
        .await?;
    let binary: Vec<Row> = connection
        .exec("SELECT * FROM rs_types ORDER BY id", ())
        .await?;
    Ok(json!({ "id": id, "text": plain(text), "binary": plain(binary) }))
}

async fn prepared(connection: &mut Conn) -> Result<Value> {
    let statement = connection
        .prep("SELECT :n * 2 AS twice, CONCAT(:a, 'z') AS joined")
        .await?;
    let mut seen = Vec::new();
    for turn in 0..5 {
        let values = params! { "n" => turn, "a" => format!("a{turn}") };
        seen.push(plain(connection.exec(&statement, values).await?));
    }
    connection.close(statement).await?;
    Ok(seen.into())
}

async fn transaction(connection: &mut Conn) -> Result<Value> {
    let all = "SELECT * FROM rs_accounts ORDER BY id";
    for statement in [
        "DROP TABLE IF EXISTS rs_accounts",
        "CREATE TABLE rs_accounts (id INT PRIMARY KEY, amount INT)",
        "INSERT INTO rs_accounts VALUES (1, 100), (2, 0)",
    ] {
        connection.query_drop(statement).await?;
    }
    let mut seen = Vec::new();
    for commit in [true, false] {
        let mut transaction = connection.start_transaction(TxOpts::default()).await?;
        transaction
            .exec_drop(
                "UPDATE rs_accounts SET amount = amount - ? WHERE id = 1",
                (30,),
            )
            .await?;
        transaction
            .query_drop("UPDATE rs_accounts SET amount = amount + 30 WHERE id = 2")
            .await?;
        seen.push(plain(transaction.query(all).await?));
        if commit {
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
        seen.push(plain(connection.query(all).await?));
    }
    Ok(seen.into())
}

async fn errors(connection: &mut Conn) -> Result<Value> {
    let mut seen = Vec::new();
    for statement in [
        "SELECT * FROM rs_missing",
        "SELEC 1",
        "SELECT no_such_column",
    ] {
        let text = connection.query_drop(statement).await;
        let binary = connection.exec_drop(statement, ()).await;
        seen.push(format!("{text:?} / {binary:?}"));
    }
    let after = plain(connection.query("SELECT 'still here'").await?);
    Ok(json!({ "failures": seen, "after": after }))
}

async fn state(connection: &mut Conn) -> Result<Value> {
    connection
        .query_drop("SET @word = 'kept', SESSION time_zone = '+09:00'")
        .await?;
    connection
        .query_drop("CREATE TEMPORARY TABLE rs_scratch (x INT)")
        .await?;
    connection
        .query_drop("INSERT INTO rs_scratch VALUES (1), (2)")
        .await?;
    let changed = connection.affected_rows();
    let kept = connection
        .query("SELECT @word, @@time_zone, COUNT(*) FROM rs_scratch")
        .await?;
    connection
        .query_drop("DROP TEMPORARY TABLE rs_scratch")
        .await?;
    Ok(json!({ "changed": changed, "kept": plain(kept) }))
}

async fn big_result(connection: &mut Conn) -> Result<Value> {
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) \
         SELECT i, REPEAT(CHAR(64 + i USING ascii), {MIB}) FROM n"
    );
    let text: Vec<Row> = connection.query(&sql).await?;
    let binary: Vec<Row> = connection.exec(&sql, ()).await?;
    let huge: Vec<Row> = connection
        .query(format!("SELECT REPEAT('y', {})", 17 * MIB))
        .await?;
    let there: Vec<Row> = connection
        .exec("SELECT LENGTH(?)", (vec![b'z'; 17 * MIB],))
        .await?;
    Ok(json!([
        plain(text),
        plain(binary),
        plain(huge),
        plain(there)
    ]))
}

/// `COM_RESET_CONNECTION`: nothing of the session is left.
async fn reset(connection: &mut Conn) -> Result<Value> {
    connection.query_drop("SET @word = 'forgotten'").await?;
    let done = connection.reset().await?;
    let left = connection
        .query("SELECT @word, @@autocommit, DATABASE()")
        .await?;
    Ok(json!({ "done": done, "left": plain(left) }))
}

async fn parallel(endpoint: &Endpoint) -> Result<Value> {
    let mut tasks = Vec::new();
    for worker in 0..PARALLEL {
        let endpoint = endpoint.clone();
        tasks.push(tokio::spawn(async move {
            let mut own = endpoint.connect().await?;
            own.query_drop(format!("SET @me = {worker}")).await?;
            let mut seen = Vec::new();
            for turn in 0..10 {
                let rows: Vec<Row> = own.exec("SELECT @me, ?", (turn,)).await?;
                seen.push(plain(rows));
            }
            own.disconnect().await?;
            anyhow::Ok(Value::from(seen))
        }));
    }
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await??);
    }
    Ok(seen.into())
}

/// Rows as text, with the types of their columns; of long values only length and digest.
fn plain(rows: Vec<Row>) -> Value {
    let columns = rows.first().map(|row| {
        let described = row.columns_ref().iter().map(|column| {
            format!(
                "{} {:?} {:?}",
                column.name_str(),
                column.column_type(),
                column.flags()
            )
        });
        described.collect::<Vec<_>>()
    });
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| row.unwrap().iter().map(cell).collect())
        .collect();
    json!({ "columns": columns, "rows": rows })
}

fn cell(value: &Cell) -> String {
    match value {
        Cell::Bytes(bytes) if bytes.len() > 200 => {
            format!("{} bytes, {:?}", bytes.len(), Sha1::digest(bytes))
        }
        other => other.as_sql(false),
    }
}
