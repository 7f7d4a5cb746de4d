//! Flows carry bytes, ends and refusals.

use std::time::Duration;

use domain::Address;
use net::DialErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::origin;
use crate::world::{PATIENCE, World};

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_both_ways() {
    let origin = origin::echo().await;
    let (edge, _connector) = World::new().pair(std::slice::from_ref(&origin)).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    flow.write_all(b"ping").await.unwrap();
    let mut answer = [0; 4];
    flow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"ping");
    assert_eq!(edge.metric("tunnel_edge_flows_open "), Some(1));
    assert_eq!(
        edge.metric("tunnel_edge_to_connector_bytes_total "),
        Some(4)
    );
    assert_eq!(
        edge.metric("tunnel_edge_from_connector_bytes_total "),
        Some(4)
    );
    drop(flow);
    assert_eq!(edge.metric("tunnel_edge_flows_open "), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_speaks_first_is_heard() {
    let origin = origin::greets().await;
    let (edge, _connector) = World::new().pair(std::slice::from_ref(&origin)).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    let mut greeting = [0; 5];
    flow.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_arrives_whole() {
    let origin = origin::echo().await;
    let (edge, _connector) = World::new().pair(std::slice::from_ref(&origin)).await;
    let flow = edge.dial(&origin).await.unwrap();
    let sent: Vec<u8> = (0..16 * MIB)
        .map(|i| (i * 31 / 7).to_le_bytes()[0])
        .collect();
    let (mut read, mut write) = tokio::io::split(flow);
    let writing = tokio::spawn({
        let sent = sent.clone();
        async move {
            write.write_all(&sent).await.unwrap();
            write.shutdown().await.unwrap();
        }
    });
    let mut received = Vec::new();
    let reading = timeout(2 * PATIENCE, read.read_to_end(&mut received));
    reading.await.unwrap().unwrap();
    assert!(received == sent, "{} bytes came back", received.len());
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_one_direction_leaves_the_other_open() {
    let origin = origin::count_to_the_end().await;
    let (edge, _connector) = World::new().pair(std::slice::from_ref(&origin)).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    flow.write_all(&[1; 1000]).await.unwrap();
    flow.shutdown().await.unwrap();
    let mut answer = String::new();
    let reading = timeout(PATIENCE, flow.read_to_string(&mut answer));
    reading.await.unwrap().unwrap();
    assert_eq!(answer, "1000");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_flows_at_a_time_do_not_mix() {
    let origin = origin::echo().await;
    let (edge, _connector) = World::new().pair(std::slice::from_ref(&origin)).await;
    let edge = std::sync::Arc::new(edge);
    let flows: Vec<_> = (0..200u8)
        .map(|own| {
            let (edge, origin) = (edge.clone(), origin.clone());
            tokio::spawn(async move {
                let mut flow = edge.dial(&origin).await.unwrap();
                for round in 0..20 {
                    let sent = vec![own; 100 + round];
                    flow.write_all(&sent).await.unwrap();
                    let mut answer = vec![0; sent.len()];
                    flow.read_exact(&mut answer).await.unwrap();
                    assert_eq!(answer, sent);
                }
            })
        })
        .collect();
    for flow in flows {
        timeout(PATIENCE, flow).await.unwrap().unwrap();
    }
    assert_eq!(
        edge.metric("tunnel_edge_flows_total{outcome=\"Opened\"} "),
        Some(200)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_are_spread_over_the_connections() {
    let origin = origin::echo().await;
    let world = World::new();
    let (edge, _connector) = world.pair(std::slice::from_ref(&origin)).await;
    let mut flows = Vec::new();
    for _ in 0..8 {
        flows.push(edge.dial(&origin).await.unwrap());
    }
    let status = edge.monitor.status(world.tunnel);
    let open: Vec<_> = status.connectors[0]
        .connections
        .iter()
        .map(|connection| connection.open_flows)
        .collect();
    assert_eq!(open, [2, 2, 2, 2]);
}

/// Clients that do not read their results fill the windows of their flows, and of nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn flows_that_nobody_reads_do_not_stop_the_others() {
    let (floods, echo) = (origin::floods().await, origin::echo().await);
    let (edge, _connector) = World::new().pair(&[floods.clone(), echo.clone()]).await;
    let mut unread = Vec::new();
    for _ in 0..12 {
        let mut flow = edge.dial(&floods).await.unwrap();
        flow.read_u8().await.unwrap();
        unread.push(flow);
    }
    for _ in 0..4 {
        let mut flow = edge.dial(&echo).await.unwrap();
        flow.write_all(b"x").await.unwrap();
        let answer = timeout(PATIENCE, flow.read_u8()).await;
        assert_eq!(answer.unwrap().unwrap(), b'x');
        unread.push(flow);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_by_name_is_resolved_by_the_connector() {
    let origin = origin::echo().await;
    let by_name = Address::new("localhost", origin.port);
    let (edge, _connector) = World::new().pair(std::slice::from_ref(&by_name)).await;
    let mut flow = edge.dial(&by_name).await.unwrap();
    flow.write_all(b"x").await.unwrap();
    assert_eq!(flow.read_u8().await.unwrap(), b'x');
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_refuses_is_unreachable() {
    let nobody = origin::nobody().await;
    let (edge, _connector) = World::new().pair(std::slice::from_ref(&nobody)).await;
    let error = edge.dial(&nobody).await.unwrap_err();
    assert_eq!(error.kind(), DialErrorKind::OriginUnreachable);
    let text = error.to_string();
    assert!(text.contains("refused"), "{text}");
    assert!(text.contains(&nobody.to_string()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_without_a_rule_is_forbidden() {
    let origin = origin::echo().await;
    let (edge, _connector) = World::new().pair(&[Address::new("10.0.0.1", 1)]).await;
    let error = edge.dial(&origin).await.unwrap_err();
    assert_eq!(error.kind(), DialErrorKind::Forbidden);
    assert!(error.to_string().contains("ingress rule"), "{error}");
    assert_eq!(
        edge.metric("tunnel_edge_flows_total{outcome=\"Forbidden\"} "),
        Some(1)
    );
}

/// An edge that drops a flow must not leave the connector waiting for a silent origin.
#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_flow_closes_the_origin_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = crate::world::address(listener.local_addr().unwrap());
    let (edge, _connector) = World::new().pair(std::slice::from_ref(&origin)).await;
    let mut flow = edge.dial(&origin).await.unwrap();
    let (mut accepted, _) = listener.accept().await.unwrap();
    flow.write_all(b"bye").await.unwrap();
    drop(flow);
    let mut read = Vec::new();
    let ended = timeout(PATIENCE, accepted.read_to_end(&mut read)).await;
    ended.unwrap().unwrap();
    assert_eq!(read, b"bye", "what was written before is delivered");
    // The connector holds no half of it: writing fails soon.
    let refused = async {
        while accepted.write_all(b"anyone?").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, refused).await.unwrap();
}
