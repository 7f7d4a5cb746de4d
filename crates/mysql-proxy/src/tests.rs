//! The front end against an origin that does what a real one cannot be made to do: dies at a given
//! moment, sends byte by byte, counts what it was sent.

mod gone;
mod kill;
mod origin;
mod prepared;

use std::sync::Arc;
use std::time::Duration;

use domain::{
    Address, CachePolicy, Hyperdrive, HyperdriveId, Limits, LocalCredentials, Origin, OriginTls,
    PoolPolicy, Snapshot, Via,
};
use mysql_proto::{Capabilities, Command, write_command};
use net::{Drain, TcpDialer, listen};
use prometheus_client::registry::Registry;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::origin::{OriginConn, OriginConnector};
use crate::profile::Profile;
use crate::{Hyperdrives, Metrics, Mutant, MySqlListener, ProxyConfig, TlsMode};
use origin::{Reply, ScriptedOrigin};

/// An edge with one hyperdrive before a scripted origin.
struct Edge {
    address: Address,
    drain: Drain,
    _snapshot: watch::Sender<Arc<Snapshot>>,
}

impl Edge {
    fn start(origin: &ScriptedOrigin, pool: PoolPolicy) -> Self {
        Self::start_all([hyperdrive("app", origin, pool)])
    }

    fn start_all(hyperdrives: impl IntoIterator<Item = Hyperdrive>) -> Self {
        let known = Arc::new(Snapshot::new(hyperdrives, []));
        let (snapshot, snapshots) = watch::channel(Arc::clone(&known));
        let metrics = Metrics::register(&mut Registry::default());
        let hyperdrives = Hyperdrives::new(
            snapshots,
            Arc::new(TcpDialer),
            metrics.clone(),
            Handle::current(),
            Mutant::default(),
        );
        // Nobody asks these origins.
        for hyperdrive in known.hyperdrives() {
            let user = &hyperdrive.credentials.user;
            if let Some(Ok(served)) = hyperdrives.of_user(user) {
                served.pool.connector().programs().believe_in_none();
            }
        }
        let config = ProxyConfig {
            server_version: "8.0.11-test".to_owned(),
            max_clients: 10,
            login_timeout: Duration::from_secs(5),
            tls: TlsMode::Off,
            mutant: Mutant::default(),
        };
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = MySqlListener::new(listener, config, hyperdrives, metrics);
        let address = listener.local_addr().unwrap();
        let drain = Drain::new();
        tokio::spawn(listener.run(drain.guard()));
        Self {
            address: Address::new("127.0.0.1", address.port()),
            drain,
            _snapshot: snapshot,
        }
    }

    /// A client: our own origin connector serves as one.
    async fn client(&self) -> OriginConn {
        self.try_client("app", "local").await.unwrap()
    }

    async fn try_client(
        &self,
        user: &str,
        password: &str,
    ) -> Result<OriginConn, crate::OriginError> {
        let origin = login(&self.address, user, password);
        let connector = OriginConnector::new(origin, Arc::new(TcpDialer)).unwrap();
        let profile = Profile::new(Capabilities::DEPRECATE_EOF, 45, None);
        connector.open(&profile).await
    }
}

/// A hyperdrive of which the local user has its name.
fn hyperdrive(name: &str, origin: &ScriptedOrigin, pool: PoolPolicy) -> Hyperdrive {
    Hyperdrive {
        id: HyperdriveId::random(),
        name: name.to_owned(),
        origin: login(&origin.address(), "origin-user", "origin-password"),
        credentials: LocalCredentials {
            user: name.to_owned(),
            password: "local".into(),
        },
        pool,
        limits: Limits::default(),
        cache: CachePolicy {
            enabled: false,
            ..CachePolicy::default()
        },
    }
}

fn login(address: &Address, user: &str, password: &str) -> Origin {
    Origin {
        address: address.clone(),
        via: Via::Direct,
        tls: OriginTls::Disabled,
        user: user.to_owned(),
        password: password.into(),
        database: None,
    }
}

fn pool() -> PoolPolicy {
    PoolPolicy {
        max: 2,
        wait_timeout: Duration::from_millis(200),
        ..PoolPolicy::default()
    }
}

/// Sends a query and gives the whole response as text, which is enough to look for codes in.
async fn query(client: &mut OriginConn, sql: &str) -> Outcome {
    let mut packet = Vec::new();
    write_command(&mut packet, Command::QUERY, sql.as_bytes());
    if client.send(&packet).await.is_err() {
        return Outcome::Closed;
    }
    let mut tracker = mysql_proto::ResponseTracker::new(Command::QUERY, client.capabilities());
    loop {
        let Ok(bytes) = client.receive().await else {
            return Outcome::Closed;
        };
        let fed = tracker.feed(bytes).unwrap();
        if fed.state == mysql_proto::ResponseState::Done {
            let summary = tracker.summary();
            return match summary.error {
                Some(code) => Outcome::Error(code),
                None => Outcome::Rows(summary.rows),
            };
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Rows(u64),
    Error(u16),
    Closed,
}

#[tokio::test]
async fn relays_a_response_that_comes_byte_by_byte() {
    let origin = ScriptedOrigin::start(|_| Reply::Trickled { rows: 3 }).await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    assert_eq!(query(&mut client, "SELECT 1").await, Outcome::Rows(3));
    assert_eq!(query(&mut client, "SELECT 1").await, Outcome::Rows(3));
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn does_not_send_again_what_may_have_run() {
    let origin = ScriptedOrigin::start(|sql| match sql {
        "INSERT" => Reply::Hangup,
        _ => Reply::Rows(1),
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    assert_eq!(query(&mut client, "INSERT").await, Outcome::Error(1158));
    assert_eq!(query(&mut client, "SELECT 1").await, Outcome::Rows(1));
    assert_eq!(origin.times("INSERT"), 1);
}

#[tokio::test]
async fn ends_the_session_whose_transaction_is_gone() {
    let origin = ScriptedOrigin::start(|sql| match sql {
        "BEGIN" => Reply::Ok {
            in_transaction: true,
        },
        "UPDATE" => Reply::Hangup,
        _ => Reply::Rows(1),
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    assert_eq!(query(&mut client, "BEGIN").await, Outcome::Rows(0));
    assert_eq!(query(&mut client, "UPDATE").await, Outcome::Error(1158));
    assert_eq!(query(&mut client, "UPDATE").await, Outcome::Closed);
    assert_eq!(origin.times("UPDATE"), 1);
}

#[tokio::test]
async fn ends_a_result_that_breaks_between_two_rows_with_an_error() {
    let origin = ScriptedOrigin::start(|_| Reply::RowsThenHangup { amid: false }).await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    assert_eq!(query(&mut client, "SELECT 1").await, Outcome::Error(1158));
}

#[tokio::test]
async fn hangs_up_when_a_result_breaks_amid_a_row() {
    let origin = ScriptedOrigin::start(|_| Reply::RowsThenHangup { amid: true }).await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    assert_eq!(query(&mut client, "SELECT 1").await, Outcome::Closed);
}

#[tokio::test]
async fn does_not_lend_a_connection_that_the_origin_closed() {
    let origin = ScriptedOrigin::start(|sql| match sql {
        "SELECT 1" => Reply::RowsThenClose,
        _ => Reply::Rows(1),
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    assert_eq!(query(&mut client, "SELECT 1").await, Outcome::Rows(1));
    origin.closed_once().await;
    assert_eq!(query(&mut client, "SELECT 2").await, Outcome::Rows(1));
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn does_not_lend_a_connection_that_spoke_unasked() {
    let origin = ScriptedOrigin::start(|_| Reply::RowsAndMore).await;
    let edge = Edge::start(&origin, pool());
    let mut first = edge.client().await;
    assert_eq!(query(&mut first, "SELECT 1").await, Outcome::Rows(1));
    drop(first);
    let mut second = edge.client().await;
    assert_eq!(query(&mut second, "SELECT 1").await, Outcome::Rows(1));
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn tells_when_the_pool_is_exhausted() {
    let origin = ScriptedOrigin::start(|sql| Reply::Ok {
        in_transaction: sql == "BEGIN",
    })
    .await;
    let edge = Edge::start(&origin, PoolPolicy { max: 1, ..pool() });
    let (mut holder, mut other) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut holder, "BEGIN").await, Outcome::Rows(0));
    assert_eq!(query(&mut other, "DELETE").await, Outcome::Error(1203));
    assert_eq!(query(&mut holder, "COMMIT").await, Outcome::Rows(0));
    assert_eq!(query(&mut other, "DELETE").await, Outcome::Rows(0));
}

#[tokio::test]
async fn rolls_back_by_closing_what_a_client_left_open() {
    let origin = ScriptedOrigin::start(|sql| Reply::Ok {
        in_transaction: sql == "BEGIN",
    })
    .await;
    let edge = Edge::start(&origin, PoolPolicy { max: 1, ..pool() });
    let mut holder = edge.client().await;
    assert_eq!(query(&mut holder, "BEGIN").await, Outcome::Rows(0));
    drop(holder);
    let mut other = edge.client().await;
    assert_eq!(query(&mut other, "DELETE").await, Outcome::Rows(0));
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn passes_commands_of_more_than_one_packet() {
    let origin = ScriptedOrigin::start(|sql| {
        Reply::Rows(u64::from(sql.len() == (17 << 20) && sql.ends_with('z')))
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let mut client = edge.client().await;
    let mut sql = "x".repeat((17 << 20) - 1);
    sql.push('z');
    assert_eq!(query(&mut client, &sql).await, Outcome::Rows(1));
}

#[tokio::test]
async fn refuses_logins_by_their_own_codes() {
    let origin = ScriptedOrigin::start(|_| Reply::Rows(1)).await;
    let edge = Edge::start(&origin, pool());
    for (user, password, code) in [("app", "wrong", 1045), ("nobody", "local", 1049)] {
        match edge.try_client(user, password).await {
            Err(crate::OriginError::Login(mysql_client::LoginError::Refused(error))) => {
                assert_eq!(error.code, code);
            }
            other => panic!("{user}: {other:?}"),
        }
    }
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn tells_when_the_origin_is_down() {
    let origin = ScriptedOrigin::start(|_| Reply::Rows(1)).await;
    let edge = Edge::start(&origin, pool());
    drop(origin);
    let mut client = edge.client().await;
    assert_eq!(query(&mut client, "SELECT 1").await, Outcome::Error(1429));
}

#[tokio::test]
async fn drains_idle_sessions_at_once_and_open_transactions_at_their_end() {
    let origin = ScriptedOrigin::start(|sql| Reply::Ok {
        in_transaction: matches!(sql, "BEGIN" | "UPDATE"),
    })
    .await;
    let edge = Edge::start(&origin, pool());
    let (mut idle, mut busy) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut busy, "BEGIN").await, Outcome::Rows(0));
    let draining = tokio::spawn(edge.drain.drain(Duration::from_secs(10)));
    // The idle one is told, and closed.
    assert!(matches!(
        query(&mut idle, "SELECT 1").await,
        Outcome::Closed | Outcome::Error(1053)
    ));
    assert_eq!(query(&mut busy, "UPDATE").await, Outcome::Rows(0));
    assert_eq!(query(&mut busy, "COMMIT").await, Outcome::Rows(0));
    assert!(draining.await.unwrap());
}

#[tokio::test]
async fn does_not_run_the_command_of_a_client_that_left_while_it_waited() {
    let origin = ScriptedOrigin::start(|sql| Reply::Ok {
        in_transaction: sql == "BEGIN",
    })
    .await;
    let long = Duration::from_secs(10);
    let policy = PoolPolicy {
        max: 1,
        wait_timeout: long,
        ..pool()
    };
    let edge = Edge::start(&origin, policy);
    let (mut holder, mut leaver) = (edge.client().await, edge.client().await);
    assert_eq!(query(&mut holder, "BEGIN").await, Outcome::Rows(0));
    let mut packet = Vec::new();
    write_command(&mut packet, Command::QUERY, b"DELETE");
    leaver.send(&packet).await.unwrap();
    drop(leaver);
    // Whoever queues behind it is served at once, and the command of the one before never came.
    assert_eq!(query(&mut holder, "COMMIT").await, Outcome::Rows(0));
    assert_eq!(query(&mut holder, "UPDATE").await, Outcome::Rows(0));
    assert_eq!(origin.times("DELETE"), 0);
}

#[tokio::test]
async fn lets_go_of_a_lease_whose_client_left_amid_the_statement() {
    let origin = ScriptedOrigin::start(|sql| match sql {
        "SLEEP" => Reply::UntilKilled,
        _ => Reply::Rows(1),
    })
    .await;
    let edge = Edge::start(&origin, PoolPolicy { max: 1, ..pool() });
    let (mut sleeper, mut other) = (edge.client().await, edge.client().await);
    let mut packet = Vec::new();
    write_command(&mut packet, Command::QUERY, b"SLEEP");
    sleeper.send(&packet).await.unwrap();
    origin.has_seen("SLEEP").await;
    assert_eq!(query(&mut other, "SELECT 1").await, Outcome::Error(1203));
    drop(sleeper);
    assert_eq!(query(&mut other, "SELECT 1").await, Outcome::Rows(1));
}

#[tokio::test]
async fn a_refused_command_keeps_no_lease() {
    let origin = ScriptedOrigin::start(|_| Reply::Rows(1)).await;
    let edge = Edge::start(&origin, PoolPolicy { max: 1, ..pool() });
    let (mut refused, mut other) = (edge.client().await, edge.client().await);
    // The very first statement logs in to the origin, to learn how literals read there.
    let sql = "SHOW TIDEGATE 'nothing'";
    assert_eq!(query(&mut refused, sql).await, Outcome::Error(1064));
    assert_eq!(query(&mut other, "SELECT 1").await, Outcome::Rows(1));
}
