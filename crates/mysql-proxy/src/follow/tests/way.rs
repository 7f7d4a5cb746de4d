//! A way to a database that can be closed, and that can fall silent.

use std::net::Ipv4Addr;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// They go through.
    Open,
    /// They stay, and nothing goes through. For good: they are of no use when it opens again.
    Silent,
    /// There are none.
    Closed,
}

/// The way. It ends when dropped.
#[derive(Debug)]
pub(super) struct Way {
    port: u16,
    state: watch::Sender<State>,
    _tasks: JoinSet<()>,
}

impl Way {
    /// Opens a way to this port.
    pub(super) async fn to(server: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (state, states) = watch::channel(State::Open);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server, states));
        Ok(Self {
            port,
            state,
            _tasks: tasks,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn accept(listener: TcpListener, server: u16, states: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if *states.borrow() == State::Open {
            connections.spawn(pass(client, server, states.clone()));
        }
    }
}

async fn pass(mut client: TcpStream, server: u16, states: watch::Receiver<State>) {
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        () = until(&states, |state| state != State::Open) => {
            // Both stay open for as long.
            until(&states, |state| state != State::Silent).await;
        }
    }
}

async fn until(states: &watch::Receiver<State>, is: impl Fn(State) -> bool) {
    // It ends with the way.
    let mut states = states.clone();
    let _ended = states.wait_for(|state| is(*state)).await;
}
