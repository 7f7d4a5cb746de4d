//! Killed statements and sessions, limits, and clients that vanish.

use std::time::Duration;

use domain::{Limits, PoolPolicy};
use mysql_proto::{Command, write_command};

use super::origin::{Reply, ScriptedOrigin};
use super::{Edge, Outcome, hyperdrive, pool, query};
use crate::origin::OriginConn;

/// One connection, which others wait for.
fn one() -> PoolPolicy {
    PoolPolicy {
        max: 1,
        wait_timeout: Duration::from_secs(10),
        ..pool()
    }
}

/// Waits to be killed.
const SLEEP: &str = "SELECT SLEEP(9)";
/// Waits also after that.
const STUCK: &str = "SELECT SLEEP(99)";

/// `BEGIN` and `UPDATE` leave a transaction open.
async fn origin() -> ScriptedOrigin {
    ScriptedOrigin::start(|sql| match sql {
        SLEEP => Reply::UntilKilled,
        STUCK => Reply::Silence,
        sql => Reply::Ok {
            in_transaction: matches!(sql, "BEGIN" | "UPDATE"),
        },
    })
    .await
}

/// An edge with a hyperdrive of one connection and these limits. Its sessions have a database: one
/// that is in none cannot use a connection that was reset.
fn limited(origin: &ScriptedOrigin, limits: Limits) -> Edge {
    let mut drive = hyperdrive("app", origin, one());
    drive.limits = limits;
    drive.origin.database = Some("shop".to_owned());
    Edge::start_all([drive])
}

fn edge(origin: &ScriptedOrigin) -> Edge {
    limited(origin, Limits::default())
}

/// Everything that a client is still told until its connection is closed.
async fn last_words(client: &mut OriginConn) -> Vec<u8> {
    let mut words = Vec::new();
    while let Ok(bytes) = client.receive().await {
        words.extend_from_slice(bytes);
    }
    words
}

/// The code of an error packet.
fn code(packet: &[u8]) -> u16 {
    u16::from_le_bytes(packet[5..7].try_into().unwrap())
}

async fn send(client: &mut OriginConn, sql: &str) {
    let mut packet = Vec::new();
    write_command(&mut packet, Command::QUERY, sql.as_bytes());
    client.send(&packet).await.unwrap();
}

#[tokio::test]
async fn kill_query_interrupts_what_a_session_runs() {
    let origin = origin().await;
    let edge = edge(&origin);
    let (mut victim, mut killer) = (edge.client().await, edge.client().await);
    let id = victim.thread();
    assert_eq!(query(&mut victim, "DELETE").await, Outcome::Rows(0));
    send(&mut victim, SLEEP).await;
    origin.has_seen(SLEEP).await;
    let kill = format!("KILL QUERY {id}");
    assert_eq!(query(&mut killer, &kill).await, Outcome::Rows(0));
    assert_eq!(code(victim.receive().await.unwrap()), 1317);
    // The connection is not lent on: the next statement is on another.
    assert_eq!(query(&mut victim, "UPDATE").await, Outcome::Rows(0));
    assert_eq!(origin.times("KILL QUERY 1"), 1);
    assert_eq!(origin.connections(), 3);
}

#[tokio::test]
async fn what_runs_nothing_is_not_killed() {
    let origin = origin().await;
    let edge = edge(&origin);
    let (mut idle, mut killer) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut idle, "BEGIN").await, Outcome::Rows(0));
    // Its session rests a moment after its answer.
    let kill = format!("KILL QUERY {}", idle.thread());
    while query(&mut killer, &kill).await != Outcome::Rows(0) {}
    assert_eq!(query(&mut idle, "UPDATE").await, Outcome::Rows(0));
}

#[tokio::test]
async fn what_waits_for_a_lease_is_interrupted() {
    let origin = origin().await;
    let edge = edge(&origin);
    let (mut holder, mut victim) = (edge.client().await, edge.client().await);
    let mut killer = edge.client().await;
    assert_eq!(query(&mut holder, "BEGIN").await, Outcome::Rows(0));
    let id = victim.thread();
    let waiting = tokio::spawn(async move { query(&mut victim, "DELETE").await });
    while !waiting.is_finished() {
        query(&mut killer, &format!("KILL QUERY {id}")).await;
    }
    assert_eq!(waiting.await.unwrap(), Outcome::Error(1317));
    assert_eq!(origin.times("DELETE"), 0);
}

#[tokio::test]
async fn kill_ends_a_session_wherever_it_is() {
    let origin = origin().await;
    let edge = edge(&origin);
    let mut killer = edge.client().await;
    // Idle within a transaction, which is rolled back.
    let mut victim = edge.client().await;
    assert_eq!(query(&mut victim, "BEGIN").await, Outcome::Rows(0));
    let kill = format!("KILL {}", victim.thread());
    assert_eq!(query(&mut killer, &kill).await, Outcome::Rows(0));
    // It is gone by the time that the killer has its answer.
    let sessions = query(&mut killer, "SHOW TIDEGATE SESSIONS").await;
    assert_eq!(sessions, Outcome::Rows(1));
    assert!(victim.receive().await.is_err());
    assert_eq!(query(&mut killer, "DELETE").await, Outcome::Rows(0));
    // Amid a statement, which is killed.
    let mut victim = edge.client().await;
    send(&mut victim, SLEEP).await;
    origin.has_seen(SLEEP).await;
    let kill = format!("KILL CONNECTION {}", victim.thread());
    assert_eq!(query(&mut killer, &kill).await, Outcome::Rows(0));
    assert!(victim.receive().await.is_err());
    assert_eq!(query(&mut killer, "DELETE").await, Outcome::Rows(0));
    // One connection served everybody, beside the one that killed.
    assert_eq!(origin.connections(), 2);
    // By the protocol's own command.
    let mut victim = edge.client().await;
    let mut packet = Vec::new();
    let id = victim.thread().to_le_bytes();
    write_command(&mut packet, Command::PROCESS_KILL, &id);
    killer.send(&packet).await.unwrap();
    assert_eq!(killer.receive().await.unwrap()[4], 0);
    assert!(victim.receive().await.is_err());
}

#[tokio::test]
async fn sessions_of_other_hyperdrives_are_out_of_reach() {
    let origin = origin().await;
    let drives = ["app", "other"].map(|name| hyperdrive(name, &origin, pool()));
    let edge = Edge::start_all(drives);
    let mut app = edge.client().await;
    let mut other = edge.try_client("other", "local").await.unwrap();
    for statement in ["KILL", "KILL QUERY"] {
        let sql = format!("{statement} {}", other.thread());
        assert_eq!(query(&mut app, &sql).await, Outcome::Error(1094));
    }
    assert_eq!(query(&mut other, "DELETE").await, Outcome::Rows(0));
    // What is nobody's of ours may be the origin's.
    assert_eq!(query(&mut app, "KILL QUERY 77").await, Outcome::Rows(0));
    assert_eq!(origin.times("KILL QUERY 77"), 1);
}

#[tokio::test]
async fn who_kills_itself_is_told() {
    let origin = origin().await;
    let edge = edge(&origin);
    let mut client = edge.client().await;
    for sql in ["KILL QUERY CONNECTION_ID()", "kill query connection_id() ;"] {
        assert_eq!(query(&mut client, sql).await, Outcome::Error(1317));
    }
    let sql = format!("KILL {}", client.thread());
    assert_eq!(query(&mut client, &sql).await, Outcome::Error(1317));
    assert!(client.receive().await.is_err());
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_a_clean_connection() {
    let origin = origin().await;
    let edge = edge(&origin);
    let (mut vanishing, mut next) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut vanishing, "BEGIN").await, Outcome::Rows(0));
    send(&mut vanishing, SLEEP).await;
    origin.has_seen(SLEEP).await;
    drop(vanishing);
    assert_eq!(query(&mut next, "DELETE").await, Outcome::Rows(0));
    // The second one killed.
    assert_eq!(origin.connections(), 2);
    assert_eq!(origin.times("KILL QUERY 1"), 1);
}

#[tokio::test]
async fn what_cannot_be_killed_is_closed() {
    let origin = origin().await;
    let edge = edge(&origin);
    let (mut vanishing, mut next) = (edge.client().await, edge.client().await);
    send(&mut vanishing, STUCK).await;
    origin.has_seen(STUCK).await;
    drop(vanishing);
    assert_eq!(query(&mut next, "DELETE").await, Outcome::Rows(0));
    assert_eq!(origin.times("KILL QUERY 1"), 1);
    assert_eq!(origin.connections(), 3);
}

const SHORT: Option<Duration> = Some(Duration::from_millis(50));

#[tokio::test]
async fn a_query_that_takes_too_long_is_killed() {
    let origin = origin().await;
    let limits = Limits {
        query_timeout: SHORT,
        ..Limits::default()
    };
    let edge = limited(&origin, limits);
    let (mut client, mut other) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut client, SLEEP).await, Outcome::Error(1317));
    assert_eq!(query(&mut client, "BEGIN").await, Outcome::Rows(0));
    // There is no connection for this one.
    assert_eq!(query(&mut other, "DELETE").await, Outcome::Error(3024));
    // A transaction outlives the statement that was killed in it.
    assert_eq!(query(&mut client, SLEEP).await, Outcome::Error(1317));
    assert_eq!(query(&mut client, "UPDATE").await, Outcome::Rows(0));
}

#[tokio::test]
async fn a_transaction_that_is_open_for_too_long_ends_with_its_session() {
    let origin = origin().await;
    let limits = Limits {
        transaction_timeout: SHORT,
        ..Limits::default()
    };
    let edge = limited(&origin, limits);
    let (mut client, mut other) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut client, "BEGIN").await, Outcome::Rows(0));
    send(&mut client, SLEEP).await;
    let words = last_words(&mut client).await;
    assert_eq!(code(&words), 1317);
    let second = 4 + usize::from(words[0]);
    assert_eq!(code(&words[second..]), 1927);
    assert_eq!(query(&mut other, "DELETE").await, Outcome::Rows(0));
    // Without a transaction there is time.
    assert_eq!(query(&mut other, "SELECT 1").await, Outcome::Rows(0));
}

#[tokio::test]
async fn a_transaction_that_its_client_forgot_is_abandoned() {
    let origin = origin().await;
    let limits = Limits {
        idle_transaction_timeout: SHORT,
        ..Limits::default()
    };
    let edge = limited(&origin, limits);
    let (mut client, mut other) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut client, "BEGIN").await, Outcome::Rows(0));
    assert_eq!(code(&last_words(&mut client).await), 4031);
    assert_eq!(query(&mut other, "DELETE").await, Outcome::Rows(0));
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn a_user_has_as_many_clients_as_it_may() {
    let origin = origin().await;
    let limits = Limits {
        max_user_connections: Some(1),
        ..Limits::default()
    };
    let edge = limited(&origin, limits);
    let first = edge.client().await;
    match edge.try_client("app", "local").await {
        Err(crate::OriginError::Login(mysql_client::LoginError::Refused(error))) => {
            assert_eq!(error.code, 1226);
        }
        other => panic!("{other:?}"),
    }
    drop(first);
    while edge.try_client("app", "local").await.is_err() {}
}

#[tokio::test]
async fn the_edge_is_looked_at_without_an_origin() {
    let origin = origin().await;
    let edge = edge(&origin);
    drop(origin);
    let mut client = edge.client().await;
    for (table, rows) in [
        ("POOLS", 1),
        ("sessions", 1),
        ("PINS", 0),
        ("STATEMENTS", 0),
    ] {
        let sql = format!("SHOW TIDEGATE {table}");
        assert_eq!(query(&mut client, &sql).await, Outcome::Rows(rows));
    }
    let sql = "SHOW TIDEGATE SECRETS";
    assert_eq!(query(&mut client, sql).await, Outcome::Error(1064));
}
