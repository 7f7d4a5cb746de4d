//! Prepared statements that have to move: ids that are guessed wrong, preparations that fail, and
//! connections that are lost.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use mysql_proto::{ResponseState, ResponseTracker, Summary};

use super::*;

/// Sends a command and gives what its response tells. `None`: hung up.
async fn ask(client: &mut OriginConn, command: Command, argument: &[u8]) -> Option<Summary> {
    let mut packet = Vec::new();
    write_command(&mut packet, command, argument);
    client.send(&packet).await.ok()?;
    let mut tracker = ResponseTracker::new(command, client.capabilities());
    loop {
        let bytes = client.receive().await.ok()?;
        let fed = tracker.feed(bytes).unwrap();
        if fed.state == ResponseState::Done {
            assert_eq!(fed.consumed, bytes.len(), "more than was asked for");
            return Some(*tracker.summary());
        }
    }
}

async fn prepare(client: &mut OriginConn, sql: &str) -> u32 {
    let summary = ask(client, Command::STMT_PREPARE, sql.as_bytes()).await;
    summary.and_then(|summary| summary.statement_id).unwrap()
}

async fn execute(client: &mut OriginConn, id: u32) -> Outcome {
    let mut argument = id.to_le_bytes().to_vec();
    argument.extend([0, 1, 0, 0, 0]);
    match ask(client, Command::STMT_EXECUTE, &argument).await {
        None => Outcome::Closed,
        Some(summary) => match summary.error {
            Some(code) => Outcome::Error(code),
            None => Outcome::Rows(summary.rows),
        },
    }
}

/// One that prepares with this gap in its ids from the third statement on, and executes all.
async fn origin_with_gap(gap: u32) -> ScriptedOrigin {
    let prepared = AtomicU32::new(0);
    ScriptedOrigin::start(move |sql| match sql.split(' ').next() {
        Some("PREPARE") => {
            let is_early = prepared.fetch_add(1, Ordering::SeqCst) < 3;
            Reply::Prepared {
                gap: if is_early { 0 } else { gap },
            }
        }
        Some("EXECUTE") => Reply::Rows(2),
        _ => Reply::Ok {
            in_transaction: sql == "BEGIN",
        },
    })
    .await
}

/// A client with two statements, prepared on one connection, which another client then takes: they
/// have to be prepared on a second one.
async fn moved(edge: &Edge) -> (OriginConn, [u32; 2], OriginConn) {
    let (mut client, mut other) = (edge.client().await, edge.client().await);
    let one = prepare(&mut client, "SELECT 1").await;
    let two = prepare(&mut client, "SELECT 2").await;
    assert_eq!(query(&mut other, "BEGIN").await, Outcome::Rows(0));
    (client, [one, two], other)
}

#[tokio::test]
async fn statements_follow_their_session() {
    let origin = origin_with_gap(0).await;
    let edge = Edge::start(&origin, pool());
    let (mut client, [one, two], _other) = moved(&edge).await;
    for id in [one, two, one, two] {
        assert_eq!(execute(&mut client, id).await, Outcome::Rows(2));
    }
    assert_eq!(origin.connections(), 2);
    assert_eq!(origin.times("PREPARE SELECT 1"), 2);
    assert_eq!(origin.times("PREPARE SELECT 2"), 2);
    assert_eq!(origin.times("EXECUTE SELECT 2"), 2);
    assert_eq!(origin.times("EXECUTE ?"), 0);
}

#[tokio::test]
async fn a_wrong_guess_of_an_id_is_put_right() {
    let origin = origin_with_gap(3).await;
    let edge = Edge::start(&origin, pool());
    let (mut client, [one, two], _other) = moved(&edge).await;
    assert_eq!(execute(&mut client, one).await, Outcome::Rows(2));
    // The id after that of the first is none.
    assert_eq!(execute(&mut client, two).await, Outcome::Rows(2));
    assert_eq!(origin.times("EXECUTE ?"), 1);
    assert_eq!(origin.times("EXECUTE SELECT 2"), 1);
    assert_eq!(execute(&mut client, two).await, Outcome::Rows(2));
    assert_eq!(origin.times("EXECUTE ?"), 1);
}

#[tokio::test]
async fn a_preparation_that_fails_answers_the_execution() {
    let (is_gone, seen) = (AtomicBool::new(false), AtomicU32::new(0));
    let origin = ScriptedOrigin::start(move |sql| match sql {
        "DROP" => {
            is_gone.store(true, Ordering::SeqCst);
            Reply::Rows(0)
        }
        "BEGIN" => Reply::Ok {
            in_transaction: true,
        },
        "PREPARE SELECT 2" if is_gone.load(Ordering::SeqCst) => Reply::Error(1146),
        _ if sql.starts_with("PREPARE") => {
            seen.fetch_add(1, Ordering::SeqCst);
            Reply::Prepared { gap: 0 }
        }
        _ => Reply::Rows(2),
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let (mut client, [one, two], _other) = moved(&edge).await;
    assert_eq!(query(&mut client, "DROP").await, Outcome::Rows(0));
    // Awaited, as no id is known on that connection; then together with the execution.
    assert_eq!(execute(&mut client, two).await, Outcome::Error(1146));
    assert_eq!(execute(&mut client, one).await, Outcome::Rows(2));
    assert_eq!(execute(&mut client, two).await, Outcome::Error(1146));
    assert_eq!(origin.times("EXECUTE ?"), 1);
    assert_eq!(execute(&mut client, one).await, Outcome::Rows(2));
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn an_execution_that_may_have_run_is_not_sent_again() {
    let origin = ScriptedOrigin::start(|sql| match sql {
        "EXECUTE INSERT" => Reply::Hangup,
        _ if sql.starts_with("PREPARE") => Reply::Prepared { gap: 0 },
        _ => Reply::Rows(1),
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    let insert = prepare(&mut client, "INSERT").await;
    let select = prepare(&mut client, "SELECT 1").await;
    assert_eq!(execute(&mut client, insert).await, Outcome::Error(1158));
    assert_eq!(origin.times("EXECUTE INSERT"), 1);
    assert_eq!(execute(&mut client, select).await, Outcome::Rows(1));
    assert_eq!(origin.times("PREPARE SELECT 1"), 2);
}

#[tokio::test]
async fn a_connection_that_is_lost_while_it_prepares_is_replaced() {
    let preparations = AtomicU32::new(0);
    let origin = ScriptedOrigin::start(move |sql| match sql {
        "BEGIN" => Reply::Ok {
            in_transaction: true,
        },
        _ if sql.starts_with("PREPARE") => match preparations.fetch_add(1, Ordering::SeqCst) {
            2 => Reply::Hangup,
            _ => Reply::Prepared { gap: 0 },
        },
        _ => Reply::Rows(1),
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let (mut client, [one, _], _other) = moved(&edge).await;
    assert_eq!(execute(&mut client, one).await, Outcome::Rows(1));
    assert_eq!(origin.times("PREPARE SELECT 1"), 3);
    assert_eq!(origin.times("EXECUTE SELECT 1"), 1);
}

#[tokio::test]
async fn statements_beyond_the_limit_are_closed_at_the_origin() {
    let origin = origin_with_gap(0).await;
    let policy = PoolPolicy {
        max_statements: 1,
        ..pool()
    };
    let edge = Edge::start(&origin, policy);
    let mut client = edge.client().await;
    let one = prepare(&mut client, "SELECT 1").await;
    let two = prepare(&mut client, "SELECT 2").await;
    assert_eq!(execute(&mut client, two).await, Outcome::Rows(2));
    assert_eq!(origin.times("CLOSE SELECT 1"), 1);
    assert_eq!(execute(&mut client, one).await, Outcome::Rows(2));
    assert_eq!(execute(&mut client, one).await, Outcome::Rows(2));
    assert_eq!(origin.times("CLOSE SELECT 2"), 1);
    assert_eq!(origin.times("CLOSE ?"), 0);
}

/// One that refuses to prepare this text so many times, as it has too many statements.
async fn full_origin(sql: &'static str, times: u32) -> ScriptedOrigin {
    let refused = AtomicU32::new(0);
    ScriptedOrigin::start(move |command| match command {
        "BEGIN" => Reply::Ok {
            in_transaction: true,
        },
        _ if command.strip_prefix("PREPARE ") == Some(sql)
            && refused.fetch_add(1, Ordering::SeqCst) < times =>
        {
            Reply::Error(1461)
        }
        _ if command.starts_with("PREPARE") => Reply::Prepared { gap: 0 },
        _ => Reply::Rows(2),
    })
    .await
}

#[tokio::test]
async fn statements_that_are_kept_make_room_for_one_that_is_wanted() {
    let origin = full_origin("SELECT 3", 1).await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    let one = prepare(&mut client, "SELECT 1").await;
    prepare(&mut client, "SELECT 2").await;
    let three = prepare(&mut client, "SELECT 3").await;
    assert_eq!(origin.times("CLOSE SELECT 1"), 1);
    assert_eq!(origin.times("CLOSE SELECT 2"), 1);
    assert_eq!(execute(&mut client, three).await, Outcome::Rows(2));
    assert_eq!(execute(&mut client, one).await, Outcome::Rows(2));
    assert_eq!(origin.times("PREPARE SELECT 1"), 2);
}

#[tokio::test]
async fn idle_connections_make_room_for_a_statement_that_moves() {
    let prepared = AtomicU32::new(0);
    let origin = ScriptedOrigin::start(move |command| match command {
        "BEGIN" => Reply::Ok {
            in_transaction: true,
        },
        "PREPARE SELECT 2" => match prepared.fetch_add(1, Ordering::SeqCst) {
            1 => Reply::Error(1461),
            _ => Reply::Prepared { gap: 0 },
        },
        _ if command.starts_with("PREPARE") => Reply::Prepared { gap: 0 },
        _ => Reply::Rows(2),
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let (mut client, [_, two], _other) = moved(&edge).await;
    assert_eq!(execute(&mut client, two).await, Outcome::Rows(2));
    assert_eq!(origin.times("PREPARE SELECT 2"), 3);
}

#[tokio::test]
async fn an_origin_without_room_is_told_of() {
    let origin = full_origin("SELECT 1", u32::MAX).await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    let summary = ask(&mut client, Command::STMT_PREPARE, b"SELECT 1").await;
    assert_eq!(summary.unwrap().error, Some(1461));
    assert_eq!(query(&mut client, "SELECT 1").await, Outcome::Rows(2));
}

#[tokio::test]
async fn a_handle_outlives_the_statement_of_its_client() {
    let origin = origin_with_gap(0).await;
    let edge = Edge::start(&origin, pool());
    let (mut client, mut other) = (edge.client().await, edge.client().await);
    let id = prepare(&mut client, "SELECT 1").await;
    let mut close = Vec::new();
    write_command(&mut close, Command::STMT_CLOSE, &id.to_le_bytes());
    client.send(&close).await.unwrap();
    assert_eq!(execute(&mut client, id).await, Outcome::Error(1243));
    let id = prepare(&mut other, "SELECT 1").await;
    assert_eq!(execute(&mut other, id).await, Outcome::Rows(2));
    // The newer one has taken the place of the older one.
    assert_eq!(origin.times("CLOSE SELECT 1"), 1);
}

#[tokio::test]
async fn a_reset_forgets_all_statements() {
    let origin = origin_with_gap(0).await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    let id = prepare(&mut client, "SELECT 1").await;
    assert!(
        ask(&mut client, Command::RESET_CONNECTION, &[])
            .await
            .is_some()
    );
    assert_eq!(execute(&mut client, id).await, Outcome::Error(1243));
}

#[tokio::test]
async fn a_session_may_have_as_many_as_a_server() {
    let origin = origin_with_gap(0).await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    let mut packets = Vec::new();
    for _ in 0..crate::statements::MAX_PREPARED {
        write_command(&mut packets, Command::STMT_PREPARE, b"SELECT 1");
    }
    client.send(&packets).await.unwrap();
    for _ in 0..crate::statements::MAX_PREPARED {
        let response = client.read_over(Command::STMT_PREPARE).await.unwrap();
        assert_eq!(response.unwrap().error, None);
    }
    let one_more = ask(&mut client, Command::STMT_PREPARE, b"SELECT 1").await;
    assert_eq!(one_more.unwrap().error, Some(1461));
    let mut close = Vec::new();
    write_command(&mut close, Command::STMT_CLOSE, &1_u32.to_le_bytes());
    client.send(&close).await.unwrap();
    prepare(&mut client, "SELECT 1").await;
}
