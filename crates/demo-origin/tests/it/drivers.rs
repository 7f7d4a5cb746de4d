//! Types, prepared statements, metadata and errors, by way of a driver.

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{Row, Value, params};

use crate::{code, connect, origin};

#[tokio::test]
async fn the_sample_is_there() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    let tables: Vec<String> = client.query("SHOW TABLES").await.unwrap();
    assert_eq!(tables, ["orders", "products"]);
    let counts: (i64, i64) = client
        .query_first("SELECT (SELECT COUNT(*) FROM demo.products), (SELECT COUNT(*) FROM orders)")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(counts, (12, 36));
    let sold: Vec<(String, i64)> = client
        .query(
            "SELECT p.name, SUM(o.quantity) FROM products p JOIN orders o ON o.product_id = p.id \
             GROUP BY p.id ORDER BY 2 DESC, 1 LIMIT 3",
        )
        .await
        .unwrap();
    assert_eq!(sold.len(), 3);
    let columns: Vec<Row> = client.query("SHOW COLUMNS FROM products").await.unwrap();
    assert_eq!(columns.len(), 5);
    assert_eq!(columns[0].get::<String, _>("Key").unwrap(), "PRI");
}

#[tokio::test]
async fn values_keep_their_types_in_both_protocols() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    let sql = "SELECT 1, -9223372036854775808, 2.5, 'Tide ''n'' gate ☂', NULL, X'00FF80'";
    let text: Row = client.query_first(sql).await.unwrap().unwrap();
    let binary: Row = client.exec_first(sql, ()).await.unwrap().unwrap();
    let types: Vec<ColumnType> = text
        .columns_ref()
        .iter()
        .map(mysql_async::Column::column_type)
        .collect();
    assert_eq!(
        types,
        [
            ColumnType::MYSQL_TYPE_LONGLONG,
            ColumnType::MYSQL_TYPE_LONGLONG,
            ColumnType::MYSQL_TYPE_DOUBLE,
            ColumnType::MYSQL_TYPE_VAR_STRING,
            ColumnType::MYSQL_TYPE_VAR_STRING,
            ColumnType::MYSQL_TYPE_BLOB,
        ]
    );
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    assert_eq!(
        text.unwrap(),
        [
            bytes(b"1"),
            bytes(b"-9223372036854775808"),
            bytes(b"2.5"),
            bytes("Tide 'n' gate ☂".as_bytes()),
            Value::NULL,
            bytes(&[0, 0xFF, 0x80]),
        ]
    );
    assert_eq!(
        binary.unwrap(),
        [
            Value::Int(1),
            Value::Int(i64::MIN),
            Value::Double(2.5),
            bytes("Tide 'n' gate ☂".as_bytes()),
            Value::NULL,
            bytes(&[0, 0xFF, 0x80]),
        ]
    );
}

#[tokio::test]
async fn declared_types_hold_where_there_are_no_rows() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    let result = client
        .query_iter("SELECT id, name, price FROM products WHERE 0")
        .await
        .unwrap();
    let types: Vec<ColumnType> = result
        .columns_ref()
        .iter()
        .map(mysql_async::Column::column_type)
        .collect();
    assert_eq!(
        types,
        [
            ColumnType::MYSQL_TYPE_LONGLONG,
            ColumnType::MYSQL_TYPE_VAR_STRING,
            ColumnType::MYSQL_TYPE_DOUBLE,
        ]
    );
}

#[tokio::test]
async fn parameters_of_all_kinds_arrive() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    let statement = client.prep("SELECT ?, ?, ?, ?, ?").await.unwrap();
    assert_eq!((statement.num_params(), statement.num_columns()), (5, 5));
    for round in 0..2i64 {
        let parameters = (round, -1.5f64, "text", None::<i64>, vec![0u8, 0xFF]);
        let row: (i64, f64, String, Option<i64>, Vec<u8>) = client
            .exec_first(&statement, parameters.clone())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row, (round, -1.5, "text".to_owned(), None, vec![0, 0xFF]));
    }
    let found: Option<String> = client
        .exec_first(
            "SELECT name FROM products WHERE category = :category AND stock < :stock",
            params! { "category" => "gates", "stock" => 2 },
        )
        .await
        .unwrap();
    assert_eq!(found.as_deref(), Some("Oak gate, large"));
    client.close(statement).await.unwrap();
    assert_eq!(
        code(
            &client
                .exec_drop("SELECT nonsense FROM products", ())
                .await
                .unwrap_err()
        ),
        1054
    );
}

#[tokio::test]
async fn writes_tell_rows_and_first_id() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    client
        .query_drop("INSERT INTO products (name, category, price, stock) VALUES ('a', 'x', 1, 1), ('b', 'x', 1, 1)")
        .await
        .unwrap();
    assert_eq!(
        (client.affected_rows(), client.last_insert_id()),
        (2, Some(13))
    );
    let id: Option<i64> = client.query_first("SELECT LAST_INSERT_ID()").await.unwrap();
    assert_eq!(id, Some(13));
    client
        .exec_drop("UPDATE products SET stock = ? WHERE category = ?", (7, "x"))
        .await
        .unwrap();
    assert_eq!((client.affected_rows(), client.last_insert_id()), (2, None));
    client
        .query_drop("CREATE TABLE t (a INTEGER)")
        .await
        .unwrap();
    assert_eq!(client.affected_rows(), 0);
}

#[tokio::test]
async fn errors_have_codes_that_frameworks_know() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    for (sql, expected) in [
        ("SELEC 1", 1064),
        ("SELECT 1; SELECT 2", 1064),
        ("", 1065),
        ("SELECT * FROM missing", 1146),
        ("SELECT missing FROM products", 1054),
        ("SELECT missing(1)", 1305),
        ("SELECT @@missing", 1193),
        ("SELECT ?", 1064),
        (
            "INSERT INTO products (name, category, price, stock) SELECT name, category, price, stock FROM products",
            1062,
        ),
        (
            "INSERT INTO products (name, category, price) VALUES ('n', 'c', 1)",
            1048,
        ),
        (
            "INSERT INTO products (name, category, price, stock) VALUES ('n', 'c', -1, 1)",
            3819,
        ),
        ("DELETE FROM products WHERE id = 1", 1452),
        ("ATTACH DATABASE ':memory:' AS other", 1227),
        ("PRAGMA max_page_count = 1000000", 1227),
        ("SELECT load_extension('libm')", 1227),
    ] {
        let error = client.query_drop(sql).await.expect_err(sql);
        assert_eq!(code(&error), expected, "{sql}: {error}");
    }
    let error = client.query_drop("SELEC 1").await.unwrap_err().to_string();
    assert!(
        error.contains("demo origin") && error.contains("--origin"),
        "{error}"
    );
    // The connection is as good as before.
    client.ping().await.unwrap();
}

#[tokio::test]
async fn reset_forgets_what_the_session_made() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    client
        .query_drop("CREATE TEMPORARY TABLE mine (a INTEGER)")
        .await
        .unwrap();
    client
        .query_drop("SET autocommit = 0, sql_mode = 'TRADITIONAL'")
        .await
        .unwrap();
    client.query_drop("DELETE FROM orders").await.unwrap();
    assert!(client.reset().await.unwrap());
    assert_eq!(
        code(&client.query_drop("SELECT * FROM mine").await.unwrap_err()),
        1146
    );
    let row: (i64, String, i64) = client
        .query_first("SELECT @@autocommit, @@sql_mode, (SELECT COUNT(*) FROM orders)")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row, (1, "ANSI".to_owned(), 36));
}
