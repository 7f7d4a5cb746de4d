//! QUIC as connectors expect it: the socket, TLS, and the transport's limits with their reasons.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::congestion::CubicConfig;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    AckFrequencyConfig, Endpoint, EndpointConfig, IdleTimeout, ServerConfig, TokioRuntime,
    TransportConfig, VarInt,
};
use quinn_proto::HashedConnectionIdGenerator;
use socket2::{Domain, Protocol, Socket, Type};

use crate::{EdgeConfig, Error};

/// The one protocol that connectors offer.
const ALPN: &[u8] = b"argotunnel";

/// A connection without a packet for this long is lost; cloudflared's figure.
const IDLE_TIMEOUT: VarInt = VarInt::from_u32(5_000);

/// An idle connection is kept by a packet this often; cloudflared's figure. Both sides do it, so
/// silence of more than this and a round trip means that the peer, or the way to it, is gone.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// Streams that a connector may have open towards the edge: the control stream, and a few short RPC
/// streams of cloudflared's UDP sessions.
const STREAMS_FROM_CONNECTOR: VarInt = VarInt::from_u32(100);

/// Bytes of one flow that may be under way or unread: 2 MiB fill 160 Mbit/s at 100 ms.
const STREAM_WINDOW: VarInt = VarInt::from_u32(2 * 1024 * 1024);

/// Bytes of all flows of a connection that may be under way or unread. Thirty clients that do not
/// read their results must not stop the other flows of their connection, so it holds 32 full flows.
const CONNECTION_WINDOW: VarInt = VarInt::from_u32(64 * 1024 * 1024);

/// Bytes that flows of a connection may have written and not yet seen acknowledged.
const SEND_WINDOW: u64 = 16 * 1024 * 1024;

/// Packets of a bulk result that the peer may let pass before it acknowledges. quinn's default, one
/// ACK for every two packets, spends a tenth of a core on acknowledgements alone. Only ends of
/// ours know the extension; towards cloudflared it changes nothing.
const ACK_EVERY: VarInt = VarInt::from_u32(10);

/// Kernel buffer of the socket, each way: what cloudflared wants too. The kernel gives what
/// `net.core.rmem_max` allows.
const SOCKET_BUFFER: usize = 7 * 1024 * 1024;

/// Opens the endpoint. Must be called in a tokio runtime, which then drives it.
pub(crate) fn open(config: EdgeConfig) -> Result<Endpoint, Error> {
    let EdgeConfig {
        listen,
        certificate_chain,
        private_key,
        reset_key,
        ..
    } = config;
    let mut tls = net::tls::server_config(certificate_chain, private_key, &[ALPN])?;
    // Connections live for days: a ticket would be sent for nothing.
    tls.send_tls13_tickets = 0;
    let tls = QuicServerConfig::try_from(tls)?;
    let mut server = ServerConfig::with_crypto(Arc::new(tls));
    server.transport_config(Arc::new(transport()));
    let failed = |source| Error::Listen {
        address: listen,
        source,
    };
    let socket = socket(listen).map_err(failed)?;
    Endpoint::new(
        endpoint_config(&reset_key),
        Some(server),
        socket,
        Arc::new(TokioRuntime),
    )
    .map_err(failed)
}

/// Connection ids and reset tokens that an edge with the same key recognises after a restart: it
/// then answers a packet of a connection that it no longer has with a stateless reset.
/// RFC 9000, section 10.3.
fn endpoint_config(reset_key: &[u8; 32]) -> EndpointConfig {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, reset_key);
    let derived = aws_lc_rs::hmac::sign(&key, b"connection ids");
    let id_key = derived
        .as_ref()
        .first_chunk()
        .map(|bytes| u64::from_le_bytes(*bytes))
        .expect("HMAC-SHA256 gives 32 bytes");
    let mut config = EndpointConfig::new(Arc::new(key));
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(id_key)));
    config
}

/// Fairness between streams stays on: without it quinn drains one flow before it turns to the next,
/// and a bulk result starves every point select of its connection. Cubic, not BBR: quinn's BBR
/// is the first version, which takes more than its share from its neighbours and costs more per
/// packet.
fn transport() -> TransportConfig {
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(ACK_EVERY);
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IdleTimeout::from(IDLE_TIMEOUT)))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_concurrent_bidi_streams(STREAMS_FROM_CONNECTOR)
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(STREAM_WINDOW)
        .receive_window(CONNECTION_WINDOW)
        .send_window(SEND_WINDOW)
        .ack_frequency_config(Some(acks))
        .congestion_controller_factory(Arc::new(CubicConfig::default()));
    transport
}

fn socket(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(listen),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    for refused in [
        socket.set_recv_buffer_size(SOCKET_BUFFER),
        socket.set_send_buffer_size(SOCKET_BUFFER),
    ] {
        if let Err(error) = refused {
            tracing::debug!(%error, "Kept the kernel's default for a socket buffer");
        }
    }
    socket.bind(&listen.into())?;
    Ok(socket.into())
}
