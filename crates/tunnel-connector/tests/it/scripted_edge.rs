//! An edge that registers everybody, and then opens whatever streams a test wants.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty};
use domain::{AccountTag, Address, IngressRule, Service, TunnelId};
use net::Drain;
use net::tls::Authority;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream, ServerConfig};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};
use tunnel_connector::{Connector, ConnectorConfig, DEFAULT_SERVER_NAME, Metrics};
use tunnel_proto::tunnelrpc_capnp::registration_server;
use tunnel_proto::{
    ConnectRequest, ConnectResponse, ConnectionDetails, Credentials, Registration,
    RegistrationReply,
};

/// Longest that anything in these tests may take; a busy machine needs a part of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The edge's end of a registered connection, and the connector behind it. Needs a `LocalSet`.
pub(crate) struct ScriptedEdge {
    pub(crate) connection: Connection,
    _endpoint: Endpoint,
    _connector: JoinHandle<()>,
    _drain: Drain,
}

impl ScriptedEdge {
    /// Starts an edge, and a connector that serves `services` and dials it.
    pub(crate) async fn with_connector(services: &[Address]) -> Self {
        let authority = Authority::ephemeral().unwrap();
        let endpoint = endpoint(&authority);
        let config = ConnectorConfig {
            edges: vec![Address::new(
                "127.0.0.1",
                endpoint.local_addr().unwrap().port(),
            )],
            credentials: Credentials {
                account: AccountTag("acc".to_owned()),
                tunnel: TunnelId::random(),
                secret: vec![7; 32].into(),
                endpoint: None,
            },
            roots_pem: authority.certificate_pem().to_owned(),
            server_name: DEFAULT_SERVER_NAME.to_owned(),
            connections: 1,
            ingress: services
                .iter()
                .map(|service| IngressRule {
                    service: Service::Tcp(service.clone()),
                })
                .collect(),
            grace_period: ConnectorConfig::GRACE_PERIOD,
        };
        let connector = Connector::new(config, Metrics::default()).unwrap();
        let drain = Drain::new();
        let connector = tokio::spawn(connector.run(drain.guard()));
        let accepted = timeout(PATIENCE, endpoint.accept()).await.unwrap();
        let connection = accepted.unwrap().await.unwrap();
        let (send, recv) = connection.accept_bi().await.unwrap();
        let server: registration_server::Client = capnp_rpc::new_client(RegistersAll);
        let rpc = RpcSystem::new(network(send, recv, Side::Server), Some(server.client));
        spawn_local(rpc);
        Self {
            connection,
            _endpoint: endpoint,
            _connector: connector,
            _drain: drain,
        }
    }

    /// Opens a stream, asks, and reads the answer; what follows it is left unread.
    pub(crate) async fn ask(
        &self,
        request: &ConnectRequest,
    ) -> (ConnectResponse, SendStream, RecvStream) {
        let (mut send, mut recv) = self.connection.open_bi().await.unwrap();
        send.write_all(&request.encode()).await.unwrap();
        let response = timeout(PATIENCE, response(&mut recv)).await.unwrap();
        (response, send, recv)
    }
}

/// Reads byte by byte, so as to take nothing of what follows.
pub(crate) async fn response(recv: &mut RecvStream) -> ConnectResponse {
    let mut read = Vec::new();
    loop {
        if let Some((response, _)) = ConnectResponse::decode(&read).unwrap() {
            return response;
        }
        let mut byte = [0];
        recv.read_exact(&mut byte).await.unwrap();
        read.push(byte[0]);
    }
}

pub(crate) fn network(
    send: SendStream,
    recv: RecvStream,
    side: Side,
) -> Box<dyn capnp_rpc::VatNetwork<Side>> {
    Box::new(twoparty::VatNetwork::new(
        recv.compat(),
        send.compat_write(),
        side,
        capnp::message::ReaderOptions::new(),
    ))
}

fn endpoint(authority: &Authority) -> Endpoint {
    let (chain, key) = authority.issue(&[DEFAULT_SERVER_NAME.to_owned()]).unwrap();
    let tls = net::tls::server_config(chain, key, &[b"argotunnel"]).unwrap();
    let tls = QuicServerConfig::try_from(tls).unwrap();
    let config = ServerConfig::with_crypto(Arc::new(tls));
    Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into()).unwrap()
}

struct RegistersAll;

impl registration_server::Server for RegistersAll {
    async fn register_connection(
        self: Rc<Self>,
        params: registration_server::RegisterConnectionParams,
        mut results: registration_server::RegisterConnectionResults,
    ) -> capnp::Result<()> {
        let registration = Registration::read(params.get()?).unwrap();
        assert!(
            registration
                .connector
                .has(tunnel_proto::feature::HALF_CLOSE)
        );
        let details = ConnectionDetails {
            id: uuid::Uuid::new_v4(),
            location: "scripted".to_owned(),
            remotely_managed: false,
        };
        RegistrationReply::Registered(details).write(results.get().init_result());
        Ok(())
    }

    async fn update_local_configuration(
        self: Rc<Self>,
        _: registration_server::UpdateLocalConfigurationParams,
        _: registration_server::UpdateLocalConfigurationResults,
    ) -> capnp::Result<()> {
        Ok(())
    }
}
