//! TCP: listening and dialling, with the socket options that a proxy wants.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use domain::{Address, Via};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::{BoxFuture, BoxStream, Dial, DialError, DialErrorKind};

/// Connections that the kernel holds for us before it refuses: a storm of 1,000 clients fits.
const BACKLOG: i32 = 4096;

/// A silent peer is probed after this long, and dropped after three probes without an answer.
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// What was sent and is not acknowledged for this long ends the connection: keep-alive probes do
/// not go out while data is under way, and the system would try for a quarter of an hour.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// Listens on `address`.
///
/// On Unix the address may be taken again at once after a restart (`SO_REUSEADDR`).
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Sets what every connection of ours has: no delay for small packets, and keep-alive probes, so
/// that a peer that vanished without a word is noticed.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    SockRef::from(stream).set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE_TIME)
            .with_interval(KEEPALIVE_INTERVAL)
            .with_retries(KEEPALIVE_RETRIES),
    )
}

/// Dials origins directly, from this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpDialer;

impl TcpDialer {
    /// Connects to `address`; every address that a name resolves to is tried.
    pub async fn connect(address: &Address) -> Result<TcpStream, DialError> {
        let unreachable = |error: io::Error| {
            DialError::new(
                DialErrorKind::OriginUnreachable,
                format!("cannot connect to {address}: {error}"),
            )
        };
        let stream = TcpStream::connect((address.host.as_str(), address.port))
            .await
            .map_err(unreachable)?;
        prepare(&stream).map_err(unreachable)?;
        Ok(stream)
    }
}

impl Dial for TcpDialer {
    fn dial<'a>(
        &'a self,
        via: Via,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        Box::pin(async move {
            match via {
                Via::Direct => Ok(Box::new(Self::connect(address).await?) as BoxStream),
                Via::Tunnel(id) => Err(DialError::new(
                    DialErrorKind::TunnelDown,
                    format!("no tunnels are served here, so tunnel {id} has no connector"),
                )),
            }
        })
    }
}
