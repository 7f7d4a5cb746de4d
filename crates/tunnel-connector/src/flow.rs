//! One flow: reads what the edge asks for, dials it if a rule names it, and relays.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use domain::Address;
use net::TcpDialer;
use quinn::{RecvStream, SendStream};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;
use tunnel_proto::{
    ConnectRequest, ConnectResponse, ConnectionType, MAX_CONNECT_MESSAGE, Refusal, SIGNATURE_LEN,
    StreamKind,
};

use crate::connector::Shared;
use crate::metrics::FlowOutcome;
use crate::{Metrics, relay};

/// Longest from a stream's opening to its whole request; an edge writes it at once.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// Longest that connecting to an origin may take; cloudflared's figure.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A refusal, and how it is counted.
struct Refused(FlowOutcome, Refusal);

/// Serves a stream that the edge opened, to its end.
pub(crate) async fn serve(mut send: SendStream, mut recv: RecvStream, shared: Arc<Shared>) {
    let kind = match timeout(REQUEST_LIMIT, kind(&mut recv)).await {
        Ok(Ok(kind)) => kind,
        // Dropping the stream refuses it.
        Ok(Err(reason)) => return debug!(reason, "Stream of the edge makes no sense"),
        Err(_) => return debug!("Stream of the edge stayed empty"),
    };
    match kind {
        StreamKind::Rpc => shared.rpc.serve(send, recv).await,
        StreamKind::Data => match open(&mut recv, &shared).await {
            Ok((origin, early)) => {
                shared.metrics.count_flow(FlowOutcome::Opened);
                carry(send, recv, origin, early, &shared).await;
            }
            Err(Refused(outcome, refusal)) => {
                shared.metrics.count_flow(outcome);
                debug!(?refusal, "Refused a flow");
                let response = ConnectResponse::from(refusal).encode();
                if let Err(error) = send.write_all(&response).await {
                    debug!(%error, "Cannot tell the edge why a flow is refused");
                }
            }
        },
    }
}

async fn kind(recv: &mut RecvStream) -> Result<StreamKind, String> {
    let mut signature = [0; SIGNATURE_LEN];
    recv.read_exact(&mut signature)
        .await
        .map_err(|error| error.to_string())?;
    StreamKind::of(&signature).map_err(|error| error.to_string())
}

/// Reads the request and connects to its destination. Gives the origin, and what the edge sent
/// after the request.
async fn open(recv: &mut RecvStream, shared: &Shared) -> Result<(TcpStream, BytesMut), Refused> {
    let malformed = |reason: String| Refused(FlowOutcome::Malformed, Refusal::Failed(reason));
    let (request, early) = timeout(REQUEST_LIMIT, request(recv))
        .await
        .map_err(|_| malformed("the request was not complete within 5 s".to_owned()))?
        .map_err(malformed)?;
    if request.kind != ConnectionType::Tcp {
        return Err(Refused(
            FlowOutcome::Unsupported,
            Refusal::Failed("this connector serves tcp flows only, not HTTP".to_owned()),
        ));
    }
    let destination: Address = request
        .destination
        .parse()
        .map_err(|error: domain::ParseAddressError| malformed(error.to_string()))?;
    let service = shared.ingress.service_of(&destination).ok_or_else(|| {
        Refused(
            FlowOutcome::Forbidden,
            Refusal::Forbidden(format!(
                "no ingress rule of the connector names {destination}; add the service \
                 `tcp://{destination}` to its configuration to allow it"
            )),
        )
    })?;
    Ok((dial(service).await?, early))
}

async fn request(recv: &mut RecvStream) -> Result<(ConnectRequest, BytesMut), String> {
    let mut read = BytesMut::new();
    loop {
        let chunk = recv.read_chunk(MAX_CONNECT_MESSAGE, true).await;
        let Some(chunk) = chunk.map_err(|error| error.to_string())? else {
            return Err("the stream ended before its request".to_owned());
        };
        read.extend_from_slice(&chunk.bytes);
        match ConnectRequest::decode(&read) {
            Ok(Some((request, length))) => return Ok((request, read.split_off(length))),
            Ok(None) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

async fn dial(service: &Address) -> Result<TcpStream, Refused> {
    let failed = |reason: String| Refused(FlowOutcome::OriginUnreachable, Refusal::Failed(reason));
    match timeout(CONNECT_LIMIT, TcpDialer::connect(service)).await {
        Ok(connected) => connected.map_err(|error| failed(format!("connector: {error}"))),
        Err(_) => Err(failed(format!(
            "connector: no answer from {service} within {} s",
            CONNECT_LIMIT.as_secs()
        ))),
    }
}

async fn carry(
    mut send: SendStream,
    recv: RecvStream,
    origin: TcpStream,
    early: BytesMut,
    shared: &Shared,
) {
    let _open = Open::new(&shared.metrics);
    let accepted = ConnectResponse::accepted().encode();
    if let Err(error) = send.write_all(&accepted).await {
        return debug!(%error, "The edge gave a flow up while it was dialled");
    }
    if let Err(error) = relay::run(send, recv, origin, early.to_vec(), &shared.metrics).await {
        debug!(%error, "A flow was cut");
    }
}

/// Counts a flow while it is open.
struct Open<'a>(&'a Metrics);

impl<'a> Open<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.flows_open.inc();
        Self(metrics)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.flows_open.dec();
    }
}
