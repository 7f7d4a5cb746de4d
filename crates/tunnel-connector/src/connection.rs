//! One registered connection: accepts the flows that its edge opens, and leaves in good order.

use std::net::SocketAddr;
use std::sync::Arc;

use net::Draining;
use quinn::{ConnectionError, VarInt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::debug;
use tunnel_proto::{ConnectionDetails, Registration};

use crate::connector::Shared;
use crate::control::Control;
use crate::error::ConnectFailed;
use crate::flow;

/// Connections are closed with this code, as cloudflared does.
const CLOSE: VarInt = VarInt::from_u32(0);

/// A registered connection to an edge. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Connection {
    quic: CloseOnDrop,
    control: Control,
}

/// The thread of the control stream holds the connection too, so it would outlive its owner.
#[derive(Debug)]
struct CloseOnDrop(quinn::Connection);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close(CLOSE, b"");
    }
}

impl Connection {
    /// Opens the control stream, and registers.
    pub(crate) async fn register(
        quic: quinn::Connection,
        registration: Registration,
        shared: &Shared,
    ) -> Result<(Self, ConnectionDetails), ConnectFailed> {
        let quic = CloseOnDrop(quic);
        let configuration = shared.ingress.to_json();
        let (control, details) =
            Control::register(&quic.0, registration, configuration, &shared.rpc).await?;
        Ok((Self { quic, control }, details))
    }

    pub(crate) fn edge(&self) -> SocketAddr {
        self.quic.0.remote_address()
    }

    /// Serves flows until the connection ends, or `draining` begins and the flows are done. Tells
    /// why it ended.
    pub(crate) async fn serve(self, shared: &Arc<Shared>, draining: &Draining) -> String {
        let mut flows = JoinSet::new();
        let lost = tokio::select! {
            reason = accept(&self.quic.0, &mut flows, shared) => Some(reason),
            () = draining.started() => None,
        };
        match lost {
            Some(reason) => reason.to_string(),
            None => self.leave(flows, shared).await,
        }
    }

    /// Tells the edge to open no more flows, lets those that are open go on, and closes.
    async fn leave(self, mut flows: JoinSet<()>, shared: &Arc<Shared>) -> String {
        let deadline = Instant::now() + shared.grace_period;
        let Self { quic, control } = self;
        // A flow may have been opened before the edge read this, so accepting goes on meanwhile.
        tokio::select! {
            () = control.unregister() => {}
            reason = accept(&quic.0, &mut flows, shared) => return reason.to_string(),
        }
        debug!(flows = flows.len(), "Unregistered; open flows go on");
        tokio::select! {
            () = async { while flows.join_next().await.is_some() {} } => "stopped".to_owned(),
            reason = quic.0.closed() => reason.to_string(),
            () = sleep_until(deadline) => "stopped after the grace period".to_owned(),
        }
    }
}

/// Accepts flows until the connection is lost.
async fn accept(
    quic: &quinn::Connection,
    flows: &mut JoinSet<()>,
    shared: &Arc<Shared>,
) -> ConnectionError {
    loop {
        tokio::select! {
            stream = quic.accept_bi() => match stream {
                Ok((send, recv)) => {
                    flows.spawn(flow::serve(send, recv, shared.clone()));
                }
                Err(reason) => return reason,
            },
            Some(_ended) = flows.join_next() => {}
        }
    }
}
