//! Connectors leave, with and without a word.

use std::io::ErrorKind;
use std::time::Duration;

use net::DialErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::origin;
use crate::udp_path::UdpPath;
use crate::world::{PATIENCE, World};

#[tokio::test(flavor = "multi_thread")]
async fn flows_of_a_stopped_connector_end_at_once() {
    let world = World::new();
    let origin = origin::echo().await;
    let (edge, connector) = world.pair(std::slice::from_ref(&origin)).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    connector.stop().await;
    let started = Instant::now();
    let error = timeout(PATIENCE, flow.read_u8())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert!(started.elapsed() < Duration::from_secs(1));
    edge.until(|status| status.connectors.is_empty()).await;
    let error = edge.dial(&origin).await.unwrap_err();
    assert_eq!(error.kind(), DialErrorKind::TunnelDown);
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_of_a_vanished_connector_end_within_the_idle_timeout_and_others_live() {
    let world = World::new();
    let origin = origin::echo().await;
    let edge = world.edge();
    let path = UdpPath::to(edge.address).await;
    let _doomed = world.connector(path.address, std::slice::from_ref(&origin));
    edge.wait_for(4).await;
    let _survivor = world.connector(edge.address, std::slice::from_ref(&origin));
    edge.wait_for(8).await;
    // Each connection gets one.
    let mut flows = Vec::new();
    for _ in 0..8 {
        flows.push(edge.dial(&origin).await.unwrap());
    }
    path.cut();
    let started = Instant::now();
    edge.until(|status| status.connectors.len() == 1).await;
    let took = started.elapsed();
    assert!(took < Duration::from_millis(6500), "{took:?}");

    let mut lost = 0;
    for flow in &mut flows {
        match flow.write_all(b"x").await {
            Ok(()) => assert_eq!(flow.read_u8().await.unwrap(), b'x'),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
                lost += 1;
            }
        }
    }
    assert_eq!(lost, 4);
    let mut new = edge.dial(&origin).await.unwrap();
    new.write_all(b"y").await.unwrap();
    assert_eq!(new.read_u8().await.unwrap(), b'y');
}

/// The process was killed and started again: its successor is served at once, and what hangs on
/// the dead connections is let go well before the idle timeout.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_lets_the_dead_connections_go() {
    let world = World::new();
    let origin = origin::echo().await;
    let edge = world.edge();
    let path = UdpPath::to(edge.address).await;
    let _killed = world.connector(path.address, std::slice::from_ref(&origin));
    edge.wait_for(4).await;
    let mut lost = edge.dial(&origin).await.unwrap();
    path.cut();
    let started = Instant::now();
    let _successor = world.connector(edge.address, std::slice::from_ref(&origin));
    edge.until(|status| status.connectors.len() == 2).await;
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "seen within a second"
    );

    // All connections look alike to the edge: some of these try a dead one first.
    for _ in 0..4 {
        let mut new = edge.dial(&origin).await.unwrap();
        new.write_all(b"x").await.unwrap();
        assert_eq!(new.read_u8().await.unwrap(), b'x');
    }
    let error = timeout(PATIENCE, lost.read_u8())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_connector_finishes_its_flows() {
    let world = World::new();
    let origin = origin::echo().await;
    let (edge, connector) = world.pair(std::slice::from_ref(&origin)).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    let draining = tokio::spawn(connector.drain.drain(PATIENCE));
    edge.until(|status| status.connections() == 0).await;
    let error = edge.dial(&origin).await.unwrap_err();
    assert_eq!(error.kind(), DialErrorKind::TunnelDown);

    flow.write_all(b"still here").await.unwrap();
    let mut answer = [0; 10];
    flow.read_exact(&mut answer).await.unwrap();
    assert!(!draining.is_finished());
    drop(flow);
    assert!(
        draining.await.unwrap(),
        "the connector ends with its last flow"
    );
    edge.until(|status| status.connectors.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_connector_cuts_flows_after_the_grace_period() {
    let world = World::new();
    let origin = origin::echo().await;
    let edge = world.edge();
    let mut config = world.connector_config(edge.address, std::slice::from_ref(&origin));
    config.grace_period = Duration::from_millis(100);
    let connector = crate::world::run(config);
    edge.wait_for(4).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    assert!(connector.drain.drain(PATIENCE).await);
    let error = timeout(PATIENCE, flow.read_u8())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
