//! QUIC towards an edge: the socket, TLS, and the transport's limits with their reasons.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::congestion::CubicConfig;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    AckFrequencyConfig, ClientConfig, Endpoint, EndpointConfig, IdleTimeout, TokioRuntime,
    TransportConfig, VarInt,
};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use socket2::{Domain, Protocol, Socket, Type};

use crate::Error;

/// The one protocol of the wire.
const ALPN: &[u8] = b"argotunnel";

/// A connection without a packet for this long is lost; cloudflared's figure.
const IDLE_TIMEOUT: VarInt = VarInt::from_u32(5_000);

/// An idle connection is kept by a packet this often; cloudflared's figure. It is also how soon a
/// restarted edge can tell us that it does not know us.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// Flows that an edge may have open on one connection. quinn reserves some 50 bytes for each.
const FLOWS: VarInt = VarInt::from_u32(4096);

/// Bytes of one flow that may be under way or unread: 2 MiB fill 160 Mbit/s at 100 ms.
const STREAM_WINDOW: VarInt = VarInt::from_u32(2 * 1024 * 1024);

/// Bytes of all flows of a connection that may be under way or unread: 32 origins that do not read
/// must not stop the other flows of their connection.
const CONNECTION_WINDOW: VarInt = VarInt::from_u32(64 * 1024 * 1024);

/// Bytes that flows of a connection may have written and not yet seen acknowledged.
const SEND_WINDOW: u64 = 16 * 1024 * 1024;

/// Packets of a bulk result that the edge may let pass before it acknowledges; see the edge.
const ACK_EVERY: VarInt = VarInt::from_u32(10);

/// Taken for the round trip before it is measured: a lost first packet is sent again after three
/// times this, so that a connector that waits for its edge meets it soon after it returns.
const INITIAL_RTT: Duration = Duration::from_millis(100);

/// Kernel buffer of the socket, each way: what cloudflared wants too. The kernel gives what
/// `net.core.rmem_max` allows.
const SOCKET_BUFFER: usize = 7 * 1024 * 1024;

/// TLS and transport towards edges whose certificate one of `roots_pem` signed.
pub(crate) fn client_config(roots_pem: &str) -> Result<ClientConfig, Error> {
    let mut tls = rustls::ClientConfig::builder_with_provider(net::tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots(roots_pem)?)
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // A connection is made a few times a day: nothing is gained by resuming, and the edge gives
    // no tickets.
    tls.resumption = rustls::client::Resumption::disabled();
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(Arc::new(transport()));
    Ok(config)
}

/// A socket for connections to edges of this address's family. Must be called in a tokio runtime,
/// which then drives it.
pub(crate) fn endpoint(edge: SocketAddr) -> io::Result<Endpoint> {
    let any: SocketAddr = match edge {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = Socket::new(Domain::for_address(any), Type::DGRAM, Some(Protocol::UDP))?;
    for refused in [
        socket.set_recv_buffer_size(SOCKET_BUFFER),
        socket.set_send_buffer_size(SOCKET_BUFFER),
    ] {
        if let Err(error) = refused {
            tracing::debug!(%error, "Kept the kernel's default for a socket buffer");
        }
    }
    socket.bind(&any.into())?;
    Endpoint::new(
        EndpointConfig::default(),
        None,
        socket.into(),
        Arc::new(TokioRuntime),
    )
}

/// Fairness between streams stays on, and Cubic is the congestion control, for the edge's reasons:
/// one bulk flow must not starve the others, and quinn's BBR is the first version.
fn transport() -> TransportConfig {
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(ACK_EVERY);
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IdleTimeout::from(IDLE_TIMEOUT)))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        .max_concurrent_bidi_streams(FLOWS)
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(STREAM_WINDOW)
        .receive_window(CONNECTION_WINDOW)
        .send_window(SEND_WINDOW)
        .ack_frequency_config(Some(acks))
        .congestion_controller_factory(Arc::new(CubicConfig::default()));
    transport
}

fn roots(pem: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| Error::Roots(error.to_string()))?;
        roots.add(certificate)?;
    }
    if roots.is_empty() {
        return Err(Error::Roots("no certificate in it".to_owned()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_must_be_certificates() {
        for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n!\n"] {
            assert!(matches!(client_config(pem), Err(Error::Roots(_))), "{pem}");
        }
        let authority = net::tls::Authority::ephemeral().unwrap();
        client_config(authority.certificate_pem()).unwrap();
    }
}
