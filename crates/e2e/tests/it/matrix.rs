//! Every client sees through tidegate what it sees on a direct connection: clients × databases ×
//! ways.

use anyhow::{Context, Result, ensure};
use e2e::{Client, Way};
use serde_json::Value;
use testkit::DatabaseKind;

use crate::world::{direct, path, server};

/// Runs every client's session directly and through the path, and compares.
async fn same_as_direct(kind: DatabaseKind, way: Way) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let direct = direct(&server);
    let Some(path) = path(&server).way(way).start().await? else {
        return Ok(());
    };
    let mut differences = Vec::new();
    for client in Client::ALL {
        let expected = client
            .session(&direct)
            .await
            .with_context(|| format!("{client}, directly"))?;
        let Some(expected) = expected else { continue };
        match client.session(path.endpoint()).await {
            Ok(Some(seen)) => compare(&client.to_string(), &expected, &seen, &mut differences),
            Ok(None) => {}
            Err(error) => differences.push(format!("{client}: {error:#}")),
        }
    }
    ensure!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    Ok(())
}

/// Notes where two outcomes differ, down to the smallest part.
fn compare(place: &str, expected: &Value, seen: &Value, differences: &mut Vec<String>) {
    match (expected, seen) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            for (key, value) in left {
                compare(&format!("{place}.{key}"), value, &right[key], differences);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{place}[{at}]"), left, right, differences);
            }
        }
        _ if expected == seen => {}
        _ => differences.push(format!(
            "{place}: directly {expected}, through tidegate {seen}"
        )),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_through_the_edge() -> Result<()> {
    same_as_direct(DatabaseKind::MariaDb, Way::Direct).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_through_edge_and_tunnel() -> Result<()> {
    same_as_direct(DatabaseKind::MariaDb, Way::Tunnel).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_through_edge_and_cloudflared() -> Result<()> {
    same_as_direct(DatabaseKind::MariaDb, Way::Cloudflared).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tidb_through_the_edge() -> Result<()> {
    same_as_direct(DatabaseKind::Tidb, Way::Direct).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tidb_through_edge_and_tunnel() -> Result<()> {
    same_as_direct(DatabaseKind::Tidb, Way::Tunnel).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_through_the_edge() -> Result<()> {
    same_as_direct(DatabaseKind::MySql, Way::Direct).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_through_edge_and_tunnel() -> Result<()> {
    same_as_direct(DatabaseKind::MySql, Way::Tunnel).await
}
