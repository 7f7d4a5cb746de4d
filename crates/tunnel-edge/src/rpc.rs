//! The control streams' RPC. Its library is not `Send`, so all of them live on one thread; it is
//! idle nearly always: a connection makes three calls in its life.

use std::sync::Arc;

use capnp::capability::Rc as CapabilityRc;
use capnp::message::ReaderOptions;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{RpcSystem, twoparty};
use quinn::{RecvStream, SendStream};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};
use tracing::debug;
use tunnel_proto::Registration;
use tunnel_proto::tunnelrpc_capnp::registration_server;
use tunnel_proto::tunnelrpc_capnp::registration_server::update_local_configuration_params::Reader;

use crate::Error;
use crate::registration::Control;

/// Control streams that wait for the thread. It takes each in microseconds.
const QUEUE: usize = 256;

/// Longest message, in words of 8 bytes: a connector's configuration is the longest.
const MAX_MESSAGE_WORDS: usize = 32 * 1024;

/// Bytes that a connector may send on its control stream in a connection's whole life: its three
/// calls, with room. What the RPC library remembers of a peer is bounded by this.
const MAX_STREAM: u64 = 1024 * 1024;

/// The thread that serves control streams. It ends when this is dropped.
#[derive(Clone, Debug)]
pub(crate) struct RpcThread {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    control: Arc<Control>,
    send: SendStream,
    recv: RecvStream,
}

impl RpcThread {
    pub(crate) fn start() -> Result<Self, Error> {
        let (jobs, mut received) = mpsc::channel::<Job>(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(Error::Thread)?;
        std::thread::Builder::new()
            .name("tunnel-edge-rpc".to_owned())
            .spawn(move || {
                LocalSet::new().block_on(&runtime, async move {
                    while let Some(job) = received.recv().await {
                        tokio::task::spawn_local(serve(job));
                    }
                });
            })
            .map_err(Error::Thread)?;
        Ok(Self { jobs })
    }

    /// Serves a connection's control stream, until either side ends it.
    pub(crate) async fn serve(&self, control: Arc<Control>, send: SendStream, recv: RecvStream) {
        let job = Job {
            control,
            send,
            recv,
        };
        if self.jobs.send(job).await.is_err() {
            debug!("The thread for control streams is gone");
        }
    }
}

async fn serve(job: Job) {
    let control = job.control.clone();
    let mut options = ReaderOptions::new();
    options.traversal_limit_in_words(Some(MAX_MESSAGE_WORDS));
    let network = twoparty::VatNetwork::new(
        job.recv.take(MAX_STREAM).compat(),
        job.send.compat_write(),
        Side::Server,
        options,
    );
    let server: registration_server::Client = capnp_rpc::new_client(Server(job.control));
    // The connector ends its session with an abort, which arrives here as an error.
    if let Err(error) = RpcSystem::new(Box::new(network), Some(server.client)).await {
        debug!(%error, "Control stream ended");
    }
    control.ended();
}

struct Server(Arc<Control>);

impl registration_server::Server for Server {
    fn register_connection(
        self: CapabilityRc<Self>,
        params: registration_server::RegisterConnectionParams,
        mut results: registration_server::RegisterConnectionResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        let presented = params.get().map(Registration::read);
        let answered = presented.map(|presented| {
            let reply = self.0.register(presented);
            reply.write(results.get().init_result());
        });
        std::future::ready(answered)
    }

    fn unregister_connection(
        self: CapabilityRc<Self>,
        _: registration_server::UnregisterConnectionParams,
        _: registration_server::UnregisterConnectionResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        self.0.unregister();
        std::future::ready(Ok(()))
    }

    fn update_local_configuration(
        self: CapabilityRc<Self>,
        params: registration_server::UpdateLocalConfigurationParams,
        _: registration_server::UpdateLocalConfigurationResults,
    ) -> impl Future<Output = capnp::Result<()>> + 'static {
        let told = params.get().and_then(Reader::get_config);
        std::future::ready(told.map(|configuration| self.0.configure(configuration)))
    }
}
