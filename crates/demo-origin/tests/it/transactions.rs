//! Transactions of two connections, and what the status says of them.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};

use crate::{code, connect, origin};

async fn stock(client: &mut Conn) -> i64 {
    client
        .query_first("SELECT stock FROM products WHERE id = 1")
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_transaction_is_seen_by_others_only_when_committed() {
    let origin = origin().await;
    let (mut writer, mut reader) = (connect(&origin).await, connect(&origin).await);

    let mut transaction = writer.start_transaction(TxOpts::default()).await.unwrap();
    transaction
        .query_drop("UPDATE products SET stock = 1000 WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(stock(&mut reader).await, 120);
    transaction.commit().await.unwrap();
    assert_eq!(stock(&mut reader).await, 1000);
}

#[tokio::test]
async fn a_reader_keeps_its_snapshot() {
    let origin = origin().await;
    let (mut writer, mut reader) = (connect(&origin).await, connect(&origin).await);

    reader
        .query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        .await
        .unwrap();
    writer
        .query_drop("UPDATE products SET stock = 5 WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(stock(&mut reader).await, 120);
    reader.query_drop("COMMIT").await.unwrap();
    assert_eq!(stock(&mut reader).await, 5);
}

#[tokio::test]
async fn a_write_upon_an_old_snapshot_is_a_deadlock_and_rolled_back() {
    let origin = origin().await;
    let (mut first, mut second) = (connect(&origin).await, connect(&origin).await);

    first.query_drop("BEGIN").await.unwrap();
    assert_eq!(stock(&mut first).await, 120);
    second
        .query_drop("UPDATE products SET stock = 5 WHERE id = 1")
        .await
        .unwrap();
    let error = first
        .query_drop("UPDATE products SET stock = 6 WHERE id = 1")
        .await
        .unwrap_err();
    assert_eq!(code(&error), 1213);
    // Outside a transaction again, it sees what the other wrote.
    assert_eq!(stock(&mut first).await, 5);
}

#[tokio::test]
async fn without_autocommit_a_transaction_begins_by_itself() {
    let origin = origin().await;
    let (mut writer, mut reader) = (connect(&origin).await, connect(&origin).await);

    writer.query_drop("SET autocommit=0").await.unwrap();
    writer
        .query_drop("UPDATE products SET stock = 1 WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(stock(&mut reader).await, 120);
    writer.query_drop("ROLLBACK").await.unwrap();
    assert_eq!(stock(&mut writer).await, 120);
    writer
        .query_drop("UPDATE products SET stock = 2 WHERE id = 1")
        .await
        .unwrap();
    writer.query_drop("SET autocommit=1").await.unwrap();
    assert_eq!(stock(&mut reader).await, 2);
}

#[tokio::test]
async fn a_client_that_leaves_is_rolled_back() {
    let origin = origin().await;
    let mut writer = connect(&origin).await;
    writer.query_drop("BEGIN").await.unwrap();
    writer.query_drop("DELETE FROM orders").await.unwrap();
    writer.disconnect().await.unwrap();
    // Waits for the lock, at most, as long as the other session takes to go.
    let mut other = connect(&origin).await;
    other
        .query_drop("DELETE FROM orders WHERE id = 1")
        .await
        .unwrap();
    let left: Option<i64> = other
        .query_first("SELECT COUNT(*) FROM orders")
        .await
        .unwrap();
    assert_eq!(left, Some(35));
}
