//! An origin that refuses what a session had, or cannot read what a session says.

use super::*;
use crate::programs;

/// Longer than the shortest time between two questions.
const PATIENCE: Duration = Duration::from_secs(10);

/// Two sessions on one connection, the first of which went to a database that is not to be had any
/// more.
async fn leaves_a_database(code: u16, then: &str, led: usize) {
    let origin = ScriptedOrigin::start(move |sql| match sql {
        "lent" => Reply::Error(code),
        _ => Reply::Ok {
            in_transaction: false,
        },
    })
    .await;
    let edge = Edge::start(&origin, PoolPolicy { max: 1, ..pool() });
    let (mut first, mut second) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut first, "USE lent").await, Outcome::Rows(0));
    assert_eq!(query(&mut second, "USE shop").await, Outcome::Rows(0));
    assert_eq!(query(&mut first, then).await, Outcome::Rows(0), "{then}");
    assert_eq!(query(&mut first, "SELECT 1").await, Outcome::Rows(0));
    assert_eq!(origin.times("lent"), led, "{then}");
}

#[tokio::test]
async fn a_database_that_is_gone_is_left() {
    for code in [1044, 1049] {
        leaves_a_database(code, "SELECT 2", 1).await;
    }
}

#[tokio::test]
async fn a_statement_is_not_led_to_what_it_leaves() {
    leaves_a_database(1044, "USE other", 0).await;
}

/// What a session has set is refused from then on, wherever it is.
#[tokio::test]
async fn a_step_that_is_always_refused_is_taken_twice_at_most() {
    const STEP: &str = "SET @@SESSION.sql_mode='ANSI'";
    let origin = ScriptedOrigin::start(|sql| match sql {
        STEP => Reply::Error(1231),
        _ => Reply::Ok {
            in_transaction: false,
        },
    })
    .await;
    let edge = Edge::start(&origin, PoolPolicy { max: 1, ..pool() });
    let (mut first, mut second) = (edge.client().await, edge.client().await);
    let set = query(&mut first, "SET sql_mode='ANSI'").await;
    assert_eq!(set, Outcome::Rows(0));
    for (sql, is_used, steps) in [
        ("SELECT 2", true, 2),
        ("SELECT 3", false, 1),
        ("UPDATE t SET a = 1", true, 2),
    ] {
        if is_used {
            assert_eq!(query(&mut second, "SELECT 1").await, Outcome::Rows(0));
        }
        let before = (origin.times(STEP), origin.connections());
        assert_eq!(query(&mut first, sql).await, Outcome::Error(1231), "{sql}");
        assert_eq!(origin.times(STEP) - before.0, steps, "{sql}");
        assert_eq!(origin.connections() - before.1, 1, "{sql}");
    }
    assert_eq!(origin.times("UPDATE t SET a = 1"), 0);
}

/// A MariaDB that was built without profiles refuses to tell of them.
#[tokio::test]
async fn a_server_without_profiles_keeps_its_connections() {
    let origin = ScriptedOrigin::start_as("5.5.5-10.11.0-MariaDB-scripted", |sql| {
        if sql.contains("PROFILING") {
            Reply::Error(1289)
        } else if sql == "SELECT CURRENT_ROLE() LIMIT 1" {
            Reply::Null
        } else if sql.starts_with("SELECT") {
            Reply::Rows(1)
        } else {
            Reply::Ok {
                in_transaction: false,
            }
        }
    })
    .await;
    let edge = Edge::start(&origin, PoolPolicy { max: 1, ..pool() });
    let mut client = edge.client().await;
    for sql in [
        "SET NAMES utf8mb4", // What it has logged in with, is not MariaDB's.
        "USE shop",          // Out of a database no step leads.
        "LOCK TABLES t READ",
        "UNLOCK TABLES",
        "SET @a = 1",
    ] {
        assert_eq!(query(&mut client, sql).await, Outcome::Rows(0), "{sql}");
    }
    assert_eq!(origin.times("SELECT CURRENT_ROLE() LIMIT 1"), 1);
    assert_eq!(origin.connections(), 1);
}

/// The connection dies when its last insert id is asked for, which the client has been told of.
async fn loses_an_insert_id(then: &str) -> Vec<Outcome> {
    let origin = ScriptedOrigin::start(|sql| match sql {
        "INSERT" => Reply::Inserted(11),
        _ if sql.starts_with("SELECT LAST_INSERT_ID(), ") => Reply::Hangup,
        _ if sql.starts_with("SELECT") => Reply::Rows(1),
        _ => Reply::Ok {
            in_transaction: false,
        },
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    let mut outcomes = Vec::new();
    for sql in ["INSERT", "SELECT 1", then] {
        outcomes.push(query(&mut client, sql).await);
    }
    outcomes
}

#[tokio::test]
async fn an_insert_id_that_is_lost_is_not_an_older_one() {
    for (then, outcome) in [
        ("SELECT 2", Outcome::Rows(1)),
        ("SELECT LAST_INSERT_ID()", Outcome::Closed),
        ("UPDATE t SET a = LAST_INSERT_ID()", Outcome::Closed),
        ("SET @a = LAST_INSERT_ID()", Outcome::Closed),
        ("CALL p()", Outcome::Closed),
        ("BEGIN", Outcome::Rows(0)),
        ("LOCK TABLES t READ", Outcome::Rows(0)),
    ] {
        let expected = [Outcome::Rows(0), Outcome::Rows(1), outcome];
        assert_eq!(loses_an_insert_id(then).await, expected, "{then}");
    }
}

/// What was read of it may have run, as a procedure may have said so.
#[tokio::test]
async fn what_may_have_run_in_part_is_kept() {
    let origin = ScriptedOrigin::start(|sql| match sql {
        "frobnicate" | "/*!50003 CALL p('a') */" => Reply::Error(1064),
        _ if sql.starts_with("SELECT") => Reply::Rows(1),
        _ => Reply::Ok {
            in_transaction: false,
        },
    })
    .await;
    let edge = Edge::start(&origin, PoolPolicy { max: 1, ..pool() });
    let (mut first, mut second) = (edge.client().await, edge.client().await);
    // An error does not tell that there is no transaction.
    assert_eq!(query(&mut first, "SELECT 1").await, Outcome::Rows(1));
    for (sql, then) in [
        ("frobnicate", Outcome::Rows(1)),
        ("/*!50003 CALL p('a') */", Outcome::Error(1203)),
    ] {
        assert_eq!(query(&mut first, sql).await, Outcome::Error(1064));
        assert_eq!(query(&mut second, "SELECT 1").await, then, "{sql}");
    }
}

#[tokio::test]
async fn an_origin_is_asked_for_programs_when_one_may_be_new() {
    let origin = ScriptedOrigin::start(|_| Reply::Rows(0)).await;
    let address = login(&origin.address(), "origin-user", "origin-password");
    let connector = OriginConnector::new(address, Arc::new(TcpDialer)).unwrap();
    let asked = async |times| {
        while origin.times("SHOW GRANTS") < times {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let defines = async {
        asked(1).await;
        for _ in 0..5 {
            connector
                .programs()
                .note_definition(mysql_sql::Defines::Anything);
        }
        asked(2).await;
    };
    let done = tokio::time::timeout(PATIENCE, defines);
    tokio::select! {
        () = programs::watch(&connector) => panic!("it is no TiDB"),
        result = done => result.unwrap(),
    }
}
