//! Edges stop and return.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::origin;
use crate::udp_path::UdpPath;
use crate::world::{PATIENCE, World};

/// The promise: a connector serves again this soon after its edge returned.
const BACK_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn connectors_return_to_a_restarted_edge() {
    let world = World::new();
    let origin = origin::echo().await;
    let (edge, mut connector) = world.pair(std::slice::from_ref(&origin)).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    let address = edge.stop().await;
    let error = timeout(PATIENCE, flow.read_u8())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    drop(flow);
    connector.until(|status| status.ready() == 0).await;

    let edge = world.restarted_edge(address).await;
    let returned = Instant::now();
    edge.wait_for(1).await;
    assert!(returned.elapsed() < BACK_WITHIN, "{:?}", returned.elapsed());
    let mut flow = edge.dial(&origin).await.unwrap();
    flow.write_all(b"x").await.unwrap();
    assert_eq!(flow.read_u8().await.unwrap(), b'x');
    edge.wait_for(4).await;
}

/// The edge was killed, and another process stands in its place: with the same reset key it can
/// tell its connectors, which did not notice yet.
#[tokio::test(flavor = "multi_thread")]
async fn connectors_notice_a_killed_edge_by_its_successor() {
    let world = World::new();
    let killed = world.edge();
    let path = UdpPath::to(killed.address).await;
    let _connector = world.connector(path.address, &[]);
    killed.wait_for(4).await;
    path.cut();
    let successor = world.edge();
    path.lead_to(successor.address);
    let returned = Instant::now();
    successor.wait_for(1).await;
    assert!(returned.elapsed() < BACK_WITHIN, "{:?}", returned.elapsed());
    successor.wait_for(4).await;
}

/// Nobody was told, and the edge was away for long: attempts must be near one another.
#[tokio::test(flavor = "multi_thread")]
async fn connectors_meet_an_edge_that_was_away_for_long() {
    let world = World::new();
    let killed = world.edge();
    let path = UdpPath::to(killed.address).await;
    let mut connector = world.connector(path.address, &[]);
    killed.wait_for(4).await;
    path.cut();
    connector.until(|status| status.ready() == 0).await;
    let successor = world.edge();
    path.lead_to(successor.address);
    let returned = Instant::now();
    successor.wait_for(1).await;
    assert!(returned.elapsed() < BACK_WITHIN, "{:?}", returned.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_edge_waits_for_its_flows() {
    let world = World::new();
    let origin = origin::echo().await;
    let (edge, mut connector) = world.pair(std::slice::from_ref(&origin)).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    let draining = tokio::spawn(edge.drain.drain(PATIENCE));
    flow.write_all(b"x").await.unwrap();
    assert_eq!(flow.read_u8().await.unwrap(), b'x');
    assert!(!draining.is_finished());
    drop(flow);
    assert!(draining.await.unwrap(), "the edge ends with its last flow");
    connector.until(|status| status.ready() == 0).await;
}
