//! Opens a flow: chooses a connection of the tunnel, asks its connector, and reads the answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::{Address, TunnelId, Via};
use net::{BoxFuture, BoxStream, Dial, DialError, DialErrorKind};
use quinn::RecvStream;
use tokio::time::timeout;
use tracing::debug;
use tunnel_proto::{ConnectRequest, ConnectResponse, MAX_CONNECT_MESSAGE, Refusal};

use crate::flow::Flow;
use crate::metrics::FlowOutcome;
use crate::registration::Shared;
use crate::registry::{OpenFlow, Unavailable, Wanted};

/// Longest that a connector may take to answer: its own limit for connecting is 5 s, and the way
/// there and back comes on top.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Dials origins through the tunnels of this edge.
#[derive(Debug)]
pub(crate) struct TunnelDialer {
    shared: Arc<Shared>,
}

/// Why one connection did not open a flow.
enum Attempt {
    /// The connection is gone, or silent: another one may do. Only a TCP connection was asked
    /// for, so asking again repeats nothing.
    Lost(String),
    /// The connector answered, and said no.
    Refused(Refusal),
}

impl Dial for TunnelDialer {
    fn dial<'a>(
        &'a self,
        via: Via,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        Box::pin(async move {
            let result = match via {
                Via::Tunnel(tunnel) => self.through(tunnel, address).await,
                Via::Direct => Err(DialError::new(
                    DialErrorKind::OriginUnreachable,
                    format!("{address} is to be dialled directly, not through a tunnel"),
                )),
            };
            self.shared.metrics.count_flow(outcome(&result));
            result.map(|flow| Box::new(flow) as BoxStream)
        })
    }
}

impl TunnelDialer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    async fn through(&self, tunnel: TunnelId, address: &Address) -> Result<Flow, DialError> {
        let wanted = Wanted {
            tunnel,
            by_name: address.host.parse::<IpAddr>().is_err(),
        };
        let request = ConnectRequest::tcp(address.to_string()).encode();
        match timeout(ANSWER_LIMIT, self.on_any(wanted, address, &request)).await {
            Ok(result) => result,
            Err(_) => Err(DialError::new(
                DialErrorKind::OriginUnreachable,
                format!(
                    "no answer from the connector about {address} within {} s",
                    ANSWER_LIMIT.as_secs()
                ),
            )),
        }
    }

    /// Tries one connection after the other, until one answers.
    async fn on_any(
        &self,
        wanted: Wanted,
        address: &Address,
        request: &[u8],
    ) -> Result<Flow, DialError> {
        let mut tried = Vec::new();
        loop {
            let open = match self.shared.registry.pick(wanted, &tried) {
                Ok(open) => open,
                Err(unavailable) => return Err(self.unavailable(unavailable, wanted, address)),
            };
            let through = open.through().clone();
            tried.push(through.clone());
            let mut opening = std::pin::pin!(open_flow(open, request));
            let attempt = tokio::select! {
                result = &mut opening => result,
                () = through.silent() => match self.shared.registry.pick(wanted, &tried) {
                    Ok(_another) => Err(Attempt::Lost("nothing arrives from it".to_owned())),
                    Err(_) => opening.await,
                },
            };
            match attempt {
                Ok(flow) => return Ok(flow),
                Err(Attempt::Refused(refusal)) => return Err(refused(refusal)),
                Err(Attempt::Lost(reason)) => {
                    debug!(%address, %reason, index = %through.index, "Tries another connection");
                }
            }
        }
    }

    fn unavailable(
        &self,
        unavailable: Unavailable,
        wanted: Wanted,
        address: &Address,
    ) -> DialError {
        let snapshot = self.shared.snapshots.borrow();
        let Some(tunnel) = snapshot.tunnel(wanted.tunnel) else {
            return DialError::new(
                DialErrorKind::TunnelDown,
                format!("this edge has no tunnel with the id {}", wanted.tunnel),
            );
        };
        let name = &tunnel.name;
        match unavailable {
            Unavailable::NoConnection => DialError::new(
                DialErrorKind::TunnelDown,
                format!(
                    "no connector of the tunnel `{name}` is connected; start one with the \
                     tunnel's token, and see its log if it does not register"
                ),
            ),
            Unavailable::NoNames => DialError::new(
                DialErrorKind::OriginUnreachable,
                format!(
                    "the connectors of the tunnel `{name}` are cloudflared, which reaches IP \
                     addresses only; give the origin `{address}` by its IP address, or run a \
                     tidegate connector"
                ),
            ),
        }
    }
}

async fn open_flow(open: OpenFlow, request: &[u8]) -> Result<Flow, Attempt> {
    let lost = |error: &dyn std::fmt::Display| Attempt::Lost(error.to_string());
    let connection = &open.through().connection;
    let (mut send, mut recv) = connection.open_bi().await.map_err(|error| lost(&error))?;
    send.write_all(request)
        .await
        .map_err(|error| lost(&error))?;
    let (response, early) = answer(&mut recv).await?;
    response.into_result().map_err(Attempt::Refused)?;
    Ok(Flow::new(open, send, recv, early))
}

/// The connector's answer, and what of the flow's bytes came with it.
async fn answer(recv: &mut RecvStream) -> Result<(ConnectResponse, Bytes), Attempt> {
    let mut read = BytesMut::new();
    loop {
        let chunk = recv.read_chunk(MAX_CONNECT_MESSAGE, true).await;
        let Some(chunk) = chunk.map_err(|error| Attempt::Lost(error.to_string()))? else {
            return Err(failed("the connector ended the stream without an answer"));
        };
        read.extend_from_slice(&chunk.bytes);
        match ConnectResponse::decode(&read) {
            Ok(Some((response, length))) => return Ok((response, read.split_off(length).freeze())),
            Ok(None) => {}
            Err(error) => return Err(failed(&format!("the connector's answer is bad: {error}"))),
        }
    }
}

fn failed(reason: &str) -> Attempt {
    Attempt::Refused(Refusal::Failed(reason.to_owned()))
}

fn refused(refusal: Refusal) -> DialError {
    match refusal {
        Refusal::Forbidden(reason) => DialError::new(DialErrorKind::Forbidden, reason),
        Refusal::Failed(reason) => DialError::new(DialErrorKind::OriginUnreachable, reason),
    }
}

fn outcome<T>(result: &Result<T, DialError>) -> FlowOutcome {
    match result.as_ref().map_err(DialError::kind) {
        Ok(_) => FlowOutcome::Opened,
        Err(DialErrorKind::TunnelDown) => FlowOutcome::TunnelDown,
        Err(DialErrorKind::OriginUnreachable) => FlowOutcome::OriginUnreachable,
        Err(DialErrorKind::Forbidden) => FlowOutcome::Forbidden,
    }
}
