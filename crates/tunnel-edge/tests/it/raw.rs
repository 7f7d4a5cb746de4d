//! A connector without manners: single steps of the wire, for what a good one never does.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty};
use domain::{ConnIndex, ConnectorId};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};
use tunnel_proto::tunnelrpc_capnp::registration_server;
use tunnel_proto::{ConnectorInfo, Credentials, Registration, RegistrationReply};

use crate::world::World;

/// Needs a `LocalSet`.
pub(crate) struct RawConnector {
    pub(crate) connection: Connection,
    edge: registration_server::Client,
}

impl RawConnector {
    /// The handshake alone.
    pub(crate) async fn quic(
        world: &World,
        edge: SocketAddr,
    ) -> Result<Connection, ConnectionError> {
        let mut roots = RootCertStore::empty();
        let pem = world.authority.certificate_pem().as_bytes();
        roots
            .add(CertificateDer::from_pem_slice(pem).unwrap())
            .unwrap();
        let mut tls = rustls::ClientConfig::builder_with_provider(net::tls::provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"argotunnel".to_vec()];
        let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let connecting = endpoint.connect_with(config, edge, "quic.cftunnel.com");
        connecting.unwrap().await
    }

    /// The handshake, and the control stream without a call.
    pub(crate) async fn connect(world: &World, edge: SocketAddr) -> Result<Self, ConnectionError> {
        let connection = Self::quic(world, edge).await?;
        let (send, recv) = connection.open_bi().await?;
        let network = twoparty::VatNetwork::new(
            recv.compat(),
            send.compat_write(),
            Side::Client,
            capnp::message::ReaderOptions::new(),
        );
        let mut rpc = RpcSystem::new(Box::new(network), None);
        let edge = rpc.bootstrap(Side::Server);
        tokio::task::spawn_local(rpc);
        Ok(Self { connection, edge })
    }

    pub(crate) async fn register(
        &mut self,
        registration: &Registration,
    ) -> capnp::Result<RegistrationReply> {
        let mut request = self.edge.register_connection_request();
        registration.write(request.get());
        let response = request.send().promise.await?;
        Ok(RegistrationReply::read(response.get()?.get_result()?).unwrap())
    }

    pub(crate) fn registration(credentials: &Credentials, index: u8) -> Registration {
        Registration {
            account: credentials.account.clone(),
            secret: credentials.secret.clone(),
            tunnel: credentials.tunnel,
            index: ConnIndex(index),
            connector: ConnectorInfo {
                id: ConnectorId::random(),
                features: Vec::new(),
                version: "raw".to_owned(),
                arch: "none".to_owned(),
            },
            previous_attempts: 0,
        }
    }
}
