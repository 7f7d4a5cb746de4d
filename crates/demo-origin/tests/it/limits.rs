//! Large results, clients that leave in the middle, too many clients, drain.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};

use crate::{code, connect, options, origin};

/// Rows without end.
const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

#[tokio::test]
async fn rows_stream() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    let mut result = client.query_iter(ENDLESS).await.unwrap();
    // More than all buffers on the way hold.
    for expected in 1..=200_000i64 {
        let row = result.next().await.unwrap().unwrap();
        assert_eq!(mysql_async::from_row::<i64>(row), expected);
    }
}

#[tokio::test]
async fn packets_over_the_size_of_one_frame_go_through() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    // With the four bytes of its length exactly a full packet, which an empty one follows.
    let sql = "SELECT zeroblob(16777211)";
    let bytes: Option<Vec<u8>> = client.query_first(sql).await.unwrap();
    assert_eq!(bytes.map(|bytes| bytes.len()), Some(16_777_211));
    for too_long in [
        "SELECT zeroblob(16777217)",
        "SELECT zeroblob(9000000), zeroblob(9000000)",
    ] {
        let text = client.query_drop(too_long).await.unwrap_err();
        let binary = client.exec_drop(too_long, ()).await.unwrap_err();
        assert_eq!((code(&text), code(&binary)), (1153, 1153), "{too_long}");
    }
}

#[tokio::test]
async fn a_statement_ends_when_its_client_leaves() {
    let origin = origin().await;
    let mut busy = connect(&origin).await;
    // It holds the only write lock, and would for ever.
    let forever = format!(
        "INSERT INTO orders (product_id, customer, quantity, ordered_at) SELECT 1, 'x', 1, 'now' FROM ({ENDLESS}) WHERE i < 0"
    );
    let task = tokio::spawn(async move { busy.query_drop(forever).await });
    let mut other = connect(&origin).await;
    // It does not get the lock while the first one has it: that one is running then.
    let refused = tokio::time::timeout(Duration::from_secs(60), async {
        while other
            .query_drop("DELETE FROM orders WHERE id = 1")
            .await
            .is_ok()
        {}
    });
    refused.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    other
        .query_drop("DELETE FROM orders WHERE id = 2")
        .await
        .unwrap();
}

#[tokio::test]
async fn one_client_too_many_is_told_so() {
    let origin = origin().await;
    let mut clients = Vec::new();
    let error = loop {
        match Conn::new(Opts::from(options(&origin))).await {
            Ok(client) => clients.push(client),
            Err(error) => break error,
        }
        assert!(clients.len() <= 151, "no limit");
    };
    assert_eq!((code(&error), clients.len()), (1040, 151));
}

#[tokio::test]
async fn drain_closes_idle_connections() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    assert!(origin.drain(Duration::from_secs(30)).await);
    assert!(client.ping().await.is_err());
}
