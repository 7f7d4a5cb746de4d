//! What a connector answers to each kind of stream.

use capnp_rpc::RpcSystem;
use capnp_rpc::rpc_twoparty_capnp::Side;
use domain::Address;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;
use tunnel_proto::tunnelrpc_capnp::configuration_manager;
use tunnel_proto::{ConnectRequest, ConnectionType, Refusal, StreamKind};

use crate::scripted_edge::{PATIENCE, ScriptedEdge, network, response};

async fn listener() -> (TcpListener, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, Address::new("127.0.0.1", port))
}

#[tokio::test]
async fn http_is_refused_with_a_sentence() {
    let test = async {
        let edge = ScriptedEdge::with_connector(&[]).await;
        for kind in [ConnectionType::Http, ConnectionType::Websocket] {
            let request = ConnectRequest {
                destination: "http://x/".to_owned(),
                kind,
                metadata: Vec::new(),
            };
            let (response, ..) = edge.ask(&request).await;
            assert!(response.error.contains("tcp"), "{response:?}");
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn only_what_a_rule_names_is_dialled() {
    let test = async {
        let (listener, served) = listener().await;
        let edge = ScriptedEdge::with_connector(std::slice::from_ref(&served)).await;
        let (forbidden, ..) = edge.ask(&ConnectRequest::tcp("127.0.0.1:1")).await;
        let refusal = forbidden.into_result().unwrap_err();
        assert!(matches!(refusal, Refusal::Forbidden(_)), "{refusal:?}");
        let (malformed, ..) = edge.ask(&ConnectRequest::tcp("nonsense")).await;
        let refusal = malformed.into_result().unwrap_err();
        assert!(matches!(refusal, Refusal::Failed(_)), "{refusal:?}");
        let (allowed, ..) = edge.ask(&ConnectRequest::tcp(served.to_string())).await;
        assert_eq!(allowed.into_result(), Ok(()));
        listener.accept().await.unwrap();
    };
    LocalSet::new().run_until(test).await;
}

/// An edge may send the flow's bytes with its request; and a path may split it anywhere.
#[tokio::test]
async fn a_request_in_pieces_with_bytes_behind_it_loses_nothing() {
    let test = async {
        let (listener, served) = listener().await;
        let edge = ScriptedEdge::with_connector(std::slice::from_ref(&served)).await;
        let (mut send, mut recv) = edge.connection.open_bi().await.unwrap();
        let request = ConnectRequest::tcp(served.to_string()).encode();
        let (last, first) = request.split_last().unwrap();
        for byte in first {
            send.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        send.write_all(&[&[*last], b"early".as_slice()].concat())
            .await
            .unwrap();
        send.finish().unwrap();
        let opened = timeout(PATIENCE, response(&mut recv)).await.unwrap();
        assert_eq!(opened.into_result(), Ok(()));
        let (mut accepted, _) = listener.accept().await.unwrap();
        let mut read = String::new();
        let ended = timeout(PATIENCE, accepted.read_to_string(&mut read)).await;
        ended.unwrap().unwrap();
        assert_eq!(read, "early");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_pushed_configuration_is_declined() {
    let test = async {
        let edge = ScriptedEdge::with_connector(&[]).await;
        let (mut send, recv) = edge.connection.open_bi().await.unwrap();
        send.write_all(StreamKind::Rpc.signature()).await.unwrap();
        let mut rpc = RpcSystem::new(network(send, recv, Side::Client), None);
        let connector: configuration_manager::Client = rpc.bootstrap(Side::Server);
        spawn_local(rpc);
        let mut request = connector.update_configuration_request();
        request.get().set_version(1);
        request.get().set_config(b"{}");
        let reply = timeout(PATIENCE, request.send().promise).await.unwrap();
        let reply = reply.unwrap();
        let result = reply.get().unwrap().get_result().unwrap();
        assert_eq!(result.get_latest_applied_version(), -1);
        let error = result.get_err().unwrap().to_str().unwrap();
        assert!(error.contains("its own configuration file"), "{error}");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn nonsense_ends_its_stream_and_no_other() {
    let test = async {
        let (_listener, served) = listener().await;
        let edge = ScriptedEdge::with_connector(std::slice::from_ref(&served)).await;
        let (mut send, mut recv) = edge.connection.open_bi().await.unwrap();
        send.write_all(&[0xFF; 64]).await.unwrap();
        let answer = timeout(PATIENCE, recv.read_to_end(1)).await.unwrap();
        assert!(answer.unwrap().is_empty(), "nothing is answered");
        let request = ConnectRequest::tcp(served.to_string());
        let (opened, ..) = edge.ask(&request).await;
        assert_eq!(opened.into_result(), Ok(()));
    };
    LocalSet::new().run_until(test).await;
}
