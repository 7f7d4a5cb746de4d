//! The life of one connector connection, from its first packet to its end.

use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, ConnectionError, Incoming};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tracing::{debug, info};

use crate::registration::{Control, Shared};
use crate::registry::{CLOSE, Registered};
use crate::rpc::RpcThread;

/// Longest from the first packet to a finished handshake; cloudflared gives up after 5 s.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Longest from the handshake to a registration. A probe shakes hands and leaves; a stranger may
/// not stay.
const REGISTRATION_LIMIT: Duration = Duration::from_secs(10);

/// From the last flow of a draining connection to its close: the answer to `unregisterConnection`
/// leaves first, which closing would throw away.
const LAST_WORD: Duration = Duration::from_millis(200);

/// Serves a connection until it ends. `unregistered` is held until it is registered.
pub(crate) async fn serve(
    incoming: Incoming,
    unregistered: OwnedSemaphorePermit,
    shared: Arc<Shared>,
    rpc: RpcThread,
) {
    let remote = incoming.remote_address();
    let connection = match timeout(HANDSHAKE_LIMIT, incoming.into_future()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return debug!(%remote, %error, "Handshake of a connector failed"),
        Err(_) => return debug!(%remote, "Handshake of a connector took too long"),
    };
    let control = Arc::new(Control::new(shared, connection.clone()));
    let _forgotten_at_the_end = Forget(control.clone());
    match timeout(REGISTRATION_LIMIT, register(&connection, &control, &rpc)).await {
        Ok(Ok(registered)) => {
            drop(unregistered);
            let reason = until_closed(&registered).await;
            info!(tunnel = %registered.tunnel, connector = %registered.connector_id(),
                index = %registered.index, %reason, "Connection of a connector ended");
        }
        Ok(Err(reason)) => debug!(%remote, %reason, "Connector left without registering"),
        Err(_) => connection.close(CLOSE, b"not registered in time"),
    }
}

/// The connection is off the registry whichever way its task ends.
struct Forget(Arc<Control>);

impl Drop for Forget {
    fn drop(&mut self) {
        self.0.forget();
    }
}

async fn register(
    connection: &Connection,
    control: &Arc<Control>,
    rpc: &RpcThread,
) -> Result<Arc<Registered>, ConnectionError> {
    // The first stream is the control stream.
    let (send, recv) = connection.accept_bi().await?;
    rpc.serve(control.clone(), send, recv).await;
    tokio::select! {
        registered = control.registered() => Ok(registered),
        reason = connection.closed() => Err(reason),
    }
}

/// Waits until the connection is closed, by either side, and tells why.
async fn until_closed(registered: &Registered) -> ConnectionError {
    let connection = &registered.connection;
    loop {
        tokio::select! {
            // Later streams of a connector report ended UDP sessions, and none was begun here.
            // Dropping a stream refuses it.
            stream = connection.accept_bi() => match stream {
                Ok(_) => debug!(connector = %registered.connector_id(), "Refused a stream of a connector"),
                Err(reason) => return reason,
            },
            () = registered.drained() => {
                tokio::time::sleep(LAST_WORD).await;
                connection.close(CLOSE, b"drained");
            }
            () = registered.suspected() => {
                if registered.stays_silent().await {
                    connection.close(CLOSE, b"silent");
                }
            }
        }
    }
}
