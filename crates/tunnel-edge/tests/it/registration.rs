//! Who may register, and what becomes of those who may not.

use std::sync::Arc;

use domain::{ConnIndex, Snapshot, TunnelId};
use net::DialErrorKind;
use tokio::time::timeout;
use tunnel_connector::{ConnectionState, ConnectorStatus};
use tunnel_proto::{RegistrationReply, feature};

use crate::origin;
use crate::raw::RawConnector;
use crate::world::{PATIENCE, World, run};

fn reason(status: &ConnectorStatus) -> Option<&str> {
    match &status.connections[0] {
        ConnectionState::Down { reason } => reason.as_deref(),
        ConnectionState::Registered { .. } => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_who_is_connected() {
    let world = World::new();
    let origin = origin::echo().await;
    let (edge, _connector) = world.pair(std::slice::from_ref(&origin)).await;
    let rule = origin.to_string();
    edge.until(|status| {
        let told = status.connectors[0].configuration.as_ref();
        told.is_some_and(|told| told.contains(&rule))
    })
    .await;
    let statuses = edge.monitor.statuses();
    let connectors = &statuses[&world.tunnel].connectors;
    assert_eq!(connectors.len(), 1);
    let connector = &connectors[0];
    assert!(connector.version.starts_with("tidegate-"), "{connector:?}");
    assert!(connector.features.contains(&feature::HALF_CLOSE.to_owned()));
    let indexes: Vec<_> = connector
        .connections
        .iter()
        .map(|one| one.index.0)
        .collect();
    assert_eq!(indexes, [0, 1, 2, 3]);
    assert_eq!(edge.metric("tunnel_edge_connections "), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused_with_a_sentence() {
    let world = World::new();
    let edge = world.edge();
    let mut config = world.connector_config(edge.address, &[]);
    config.credentials.secret = vec![8; 32].into();
    let mut connector = run(config);
    connector
        .until(|status| reason(status).is_some_and(|reason| reason.contains("Unauthorized")))
        .await;
    assert!(edge.monitor.statuses().is_empty());
    let refused = "tunnel_edge_registrations_total{outcome=\"WrongSecret\"} ";
    assert!(edge.metric(refused) >= Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_tunnel_is_refused_in_the_same_words() {
    let world = World::new();
    let edge = world.edge();
    let mut config = world.connector_config(edge.address, &[]);
    config.credentials.tunnel = TunnelId::random();
    let mut connector = run(config);
    connector
        .until(|status| reason(status).is_some_and(|reason| reason.contains("Unauthorized")))
        .await;
    let refused = "tunnel_edge_registrations_total{outcome=\"UnknownTunnel\"} ";
    assert!(edge.metric(refused) >= Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_too_often_is_blocked() {
    let world = World::new();
    let edge = world.edge();
    let blocked = async {
        loop {
            let mut wrong = world.credentials();
            wrong.secret = vec![8; 32].into();
            let Ok(mut raw) = RawConnector::connect(&world, edge.address).await else {
                return;
            };
            let reply = raw.register(&RawConnector::registration(&wrong, 0)).await;
            assert!(!matches!(reply, Ok(RegistrationReply::Registered(_))));
        }
    };
    let local = tokio::task::LocalSet::new();
    let blocked = local.run_until(timeout(PATIENCE, blocked)).await;
    blocked.expect("a handshake is refused after some failures");
    let refused = edge.metric("tunnel_edge_registrations_total{outcome=\"WrongSecret\"} ");
    // On a slow machine some are forgiven meanwhile.
    assert!((20..30).contains(&refused.unwrap()), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_takes_the_place_of_its_predecessor() {
    let world = World::new();
    let edge = world.edge();
    let both = async {
        let registration = RawConnector::registration(&world.credentials(), 2);
        let mut first = RawConnector::connect(&world, edge.address).await.unwrap();
        let reply = first.register(&registration).await.unwrap();
        assert!(matches!(reply, RegistrationReply::Registered(_)));
        let again = first.register(&registration).await.unwrap();
        assert!(
            matches!(again, RegistrationReply::Refused(_)),
            "once is enough"
        );

        let mut second = RawConnector::connect(&world, edge.address).await.unwrap();
        second.register(&registration).await.unwrap();
        let ended = timeout(PATIENCE, first.connection.closed()).await.unwrap();
        assert!(ended.to_string().contains("replaced"), "{ended}");
        let status = edge.monitor.status(world.tunnel);
        assert_eq!(status.connections(), 1);
        assert_eq!(status.connectors[0].connections[0].index, ConnIndex(2));
        drop(second);
    };
    tokio::task::LocalSet::new().run_until(both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_no_harm() {
    let world = World::new();
    let edge = world.edge();
    let hostile = async {
        // A probe: handshake, then gone.
        drop(RawConnector::connect(&world, edge.address).await.unwrap());
        // Bytes that are no RPC.
        let garbage = RawConnector::quic(&world, edge.address).await.unwrap();
        let (mut send, _recv) = garbage.open_bi().await.unwrap();
        send.write_all(&[0xFF; 4096]).await.unwrap();
        timeout(PATIENCE, garbage.closed()).await.unwrap();
    };
    tokio::task::LocalSet::new().run_until(hostile).await;
    let _connector = world.connector(edge.address, &[]);
    edge.wait_for(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_tunnel_loses_its_connections() {
    let world = World::new();
    let origin = origin::echo().await;
    let (edge, mut connector) = world.pair(std::slice::from_ref(&origin)).await;
    world.snapshots.send_replace(Arc::new(Snapshot::default()));
    edge.until(|status| status.connectors.is_empty()).await;
    connector.until(|status| status.ready() == 0).await;
    let error = edge.dial(&origin).await.unwrap_err();
    assert_eq!(error.kind(), DialErrorKind::TunnelDown);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connector_the_error_says_what_to_do() {
    let edge = World::new().edge();
    let error = edge.dial(&origin::nobody().await).await.unwrap_err();
    assert_eq!(error.kind(), DialErrorKind::TunnelDown);
    let text = error.to_string();
    assert!(
        text.contains("`office`") && text.contains("token"),
        "{text}"
    );
}
