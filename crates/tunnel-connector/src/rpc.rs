//! The RPC of control streams, and of the short RPC streams that an edge may open. The library is
//! not `Send`, so all of it lives on one thread, which is idle nearly always.

use std::time::Duration;

use capnp::capability::Rc as CapabilityRc;
use capnp::message::ReaderOptions;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty};
use domain::ConnIndex;
use quinn::{Connection, RecvStream, SendStream};
use tokio::io::AsyncReadExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};
use tracing::debug;
use tunnel_proto::tunnelrpc_capnp::registration_server::register_connection_results::Reader;
use tunnel_proto::tunnelrpc_capnp::{
    cloudflared_server, configuration_manager, registration_server, session_manager,
};
use tunnel_proto::{ConnectionDetails, Registration, RegistrationReply};

use crate::Error;
use crate::error::ConnectFailed;

/// Streams that wait for the thread. It takes each in microseconds.
const QUEUE: usize = 256;

/// Longest call, and longest RPC stream of an edge; cloudflared's figure.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// Longest message, in words of 8 bytes: a pushed configuration is the longest.
const MAX_MESSAGE_WORDS: usize = 128 * 1024;

/// Bytes that an edge may send on one RPC stream in its whole life.
const MAX_STREAM: u64 = 4 * 1024 * 1024;

const TCP_ONLY: &str = "this connector serves tcp flows only";

const LOCALLY_CONFIGURED: &str =
    "this connector takes its rules from its own configuration file only";

/// The thread that serves RPC. It ends when this is dropped.
#[derive(Clone, Debug)]
pub(crate) struct RpcThread {
    jobs: mpsc::Sender<Job>,
}

/// A control stream to register on.
#[derive(Debug)]
pub(crate) struct ControlStream {
    pub(crate) connection: Connection,
    pub(crate) send: SendStream,
    pub(crate) recv: RecvStream,
    pub(crate) registration: Registration,
    pub(crate) configuration: String,
    pub(crate) registered: oneshot::Sender<Result<ConnectionDetails, ConnectFailed>>,
    pub(crate) asked_to_leave: oneshot::Receiver<oneshot::Sender<()>>,
}

#[derive(Debug)]
enum Job {
    Control(Box<ControlStream>),
    Edge(SendStream, RecvStream),
}

impl RpcThread {
    pub(crate) fn start() -> Result<Self, Error> {
        let (jobs, mut received) = mpsc::channel::<Job>(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(Error::Thread)?;
        std::thread::Builder::new()
            .name("tunnel-conn-rpc".to_owned())
            .spawn(move || {
                LocalSet::new().block_on(&runtime, async move {
                    while let Some(job) = received.recv().await {
                        match job {
                            Job::Control(stream) => drop(spawn_local(control(*stream))),
                            Job::Edge(send, recv) => drop(spawn_local(serve(send, recv))),
                        }
                    }
                });
            })
            .map_err(Error::Thread)?;
        Ok(Self { jobs })
    }

    /// Registers on a control stream, and keeps it.
    pub(crate) async fn control(&self, stream: ControlStream) {
        self.send(Job::Control(Box::new(stream))).await;
    }

    /// Serves an RPC stream that the edge opened, after its signature.
    pub(crate) async fn serve(&self, send: SendStream, recv: RecvStream) {
        self.send(Job::Edge(send, recv)).await;
    }

    async fn send(&self, job: Job) {
        if self.jobs.send(job).await.is_err() {
            debug!("The thread for control streams is gone");
        }
    }
}

fn network(send: SendStream, recv: RecvStream, side: Side) -> Box<dyn capnp_rpc::VatNetwork<Side>> {
    let mut options = ReaderOptions::new();
    options.traversal_limit_in_words(Some(MAX_MESSAGE_WORDS));
    Box::new(twoparty::VatNetwork::new(
        recv.take(MAX_STREAM).compat(),
        send.compat_write(),
        side,
        options,
    ))
}

// === The control stream: the edge serves ===

async fn control(stream: ControlStream) {
    let ControlStream {
        connection,
        send,
        recv,
        registration,
        configuration,
        registered,
        asked_to_leave,
    } = stream;
    let mut rpc = RpcSystem::new(network(send, recv, Side::Client), None);
    let edge: registration_server::Client = rpc.bootstrap(Side::Server);
    let driving = spawn_local(rpc);
    let first = registration.index == ConnIndex(0);
    let reply = call(register(&edge, &registration)).await;
    let keep = reply.is_ok();
    if registered.send(reply).is_ok() && keep {
        if first && let Err(error) = call(configure(&edge, &configuration)).await {
            debug!(%error, "The edge did not take our configuration");
        }
        tokio::select! {
            Ok(left) = asked_to_leave => {
                if let Err(error) = call(unregister(&edge)).await {
                    debug!(%error, "Cannot unregister");
                }
                drop(left);
                // The stream's end would be taken for the connection's.
                connection.closed().await;
            }
            _ = connection.closed() => {}
        }
    }
    driving.abort();
}

/// A call within its time limit.
async fn call<T>(call: impl Future<Output = Result<T, ConnectFailed>>) -> Result<T, ConnectFailed> {
    timeout(CALL_LIMIT, call)
        .await
        .unwrap_or_else(|_| Err(ConnectFailed::Rpc("no answer within 5 s".to_owned())))
}

async fn register(
    edge: &registration_server::Client,
    registration: &Registration,
) -> Result<ConnectionDetails, ConnectFailed> {
    let mut request = edge.register_connection_request();
    registration.write(request.get());
    let response = request.send().promise.await.map_err(rpc_failed)?;
    let result = response.get().and_then(Reader::get_result);
    let reply = RegistrationReply::read(result.map_err(rpc_failed)?);
    match reply.map_err(|error| ConnectFailed::Rpc(error.to_string()))? {
        RegistrationReply::Registered(details) => Ok(details),
        RegistrationReply::Refused(cause) => Err(ConnectFailed::Refused(cause)),
    }
}

async fn configure(
    edge: &registration_server::Client,
    configuration: &str,
) -> Result<(), ConnectFailed> {
    let mut request = edge.update_local_configuration_request();
    request.get().set_config(configuration.as_bytes());
    request.send().promise.await.map_err(rpc_failed)?;
    Ok(())
}

async fn unregister(edge: &registration_server::Client) -> Result<(), ConnectFailed> {
    let request = edge.unregister_connection_request();
    request.send().promise.await.map_err(rpc_failed)?;
    Ok(())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn rpc_failed(error: capnp::Error) -> ConnectFailed {
    ConnectFailed::Rpc(error.to_string())
}

// === RPC streams of the edge: we serve, and say that we do not ===

async fn serve(send: SendStream, recv: RecvStream) {
    let server: cloudflared_server::Client = capnp_rpc::new_client(LocallyConfigured);
    let rpc = RpcSystem::new(network(send, recv, Side::Server), Some(server.client));
    match timeout(CALL_LIMIT, rpc).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "RPC stream of the edge ended"),
        Err(_) => debug!("RPC stream of the edge took too long"),
    }
}

struct LocallyConfigured;

impl cloudflared_server::Server for LocallyConfigured {}

impl configuration_manager::Server for LocallyConfigured {
    fn update_configuration(
        self: CapabilityRc<Self>,
        _: configuration_manager::UpdateConfigurationParams,
        mut results: configuration_manager::UpdateConfigurationResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        let mut response = results.get().init_result();
        // No pushed version was ever applied.
        response.set_latest_applied_version(-1);
        response.set_err(LOCALLY_CONFIGURED);
        std::future::ready(Ok(()))
    }
}

impl session_manager::Server for LocallyConfigured {
    fn register_udp_session(
        self: CapabilityRc<Self>,
        _: session_manager::RegisterUdpSessionParams,
        mut results: session_manager::RegisterUdpSessionResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        results.get().init_result().set_err(TCP_ONLY);
        std::future::ready(Ok(()))
    }

    fn unregister_udp_session(
        self: CapabilityRc<Self>,
        _: session_manager::UnregisterUdpSessionParams,
        _: session_manager::UnregisterUdpSessionResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        std::future::ready(Ok(()))
    }
}
