//! A connection's control stream, as the rest of the connector uses it.

use quinn::Connection;
use tokio::sync::oneshot;
use tunnel_proto::{ConnectionDetails, Registration};

use crate::error::ConnectFailed;
use crate::rpc::{ControlStream, RpcThread};

/// The registered end of a control stream.
#[derive(Debug)]
pub(crate) struct Control {
    /// Asks the RPC's thread to unregister, which answers when that is done.
    leave: oneshot::Sender<oneshot::Sender<()>>,
}

impl Control {
    /// Opens the control stream, which is a connection's first, registers, and tells the edge our
    /// configuration.
    pub(crate) async fn register(
        connection: &Connection,
        registration: Registration,
        configuration: String,
        rpc: &RpcThread,
    ) -> Result<(Self, ConnectionDetails), ConnectFailed> {
        let failed = |error: &dyn std::fmt::Display| ConnectFailed::Rpc(error.to_string());
        let (send, recv) = connection.open_bi().await.map_err(|error| failed(&error))?;
        let (registered, reply) = oneshot::channel();
        let (leave, asked_to_leave) = oneshot::channel();
        rpc.control(ControlStream {
            connection: connection.clone(),
            send,
            recv,
            registration,
            configuration,
            registered,
            asked_to_leave,
        })
        .await;
        let details = reply
            .await
            .map_err(|_| failed(&"the control stream's thread is gone"))??;
        Ok((Self { leave }, details))
    }

    /// Tells the edge that this connection takes no new flow. Ends when it knows, or cannot be
    /// told.
    pub(crate) async fn unregister(self) {
        let (done, answered) = oneshot::channel();
        if self.leave.send(done).is_ok() {
            // An error means that the stream is gone, and the edge knows by that.
            drop(answered.await);
        }
    }
}
