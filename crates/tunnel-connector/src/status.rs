//! How a connector's connections are, for people and for whoever waits.

use std::net::SocketAddr;

use domain::ConnIndex;
use tokio::sync::watch;

/// A connector, at one moment.
#[derive(Clone, Debug)]
pub struct ConnectorStatus {
    /// Each connection, by index.
    pub connections: Vec<ConnectionState>,
}

/// One connection of a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not up: not tried yet, or trying again.
    Down {
        /// Why the last attempt failed, or the last connection ended.
        reason: Option<String>,
    },
    /// Registered with an edge.
    Registered {
        /// The edge's address.
        edge: SocketAddr,
        /// The edge's name for itself.
        location: String,
    },
}

impl ConnectorStatus {
    /// How many connections are registered. A connector is ready with one.
    pub fn ready(&self) -> usize {
        let registered = |state: &&ConnectionState| state.is_registered();
        self.connections.iter().filter(registered).count()
    }
}

impl ConnectionState {
    /// Whether the connection takes flows.
    pub fn is_registered(&self) -> bool {
        matches!(self, Self::Registered { .. })
    }
}

/// The writing end: one state per connection.
#[derive(Clone, Debug)]
pub(crate) struct StatusBoard(watch::Sender<ConnectorStatus>);

impl StatusBoard {
    pub(crate) fn new(connections: u8) -> Self {
        let down = ConnectionState::Down { reason: None };
        Self(watch::Sender::new(ConnectorStatus {
            connections: vec![down; usize::from(connections)],
        }))
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<ConnectorStatus> {
        self.0.subscribe()
    }

    pub(crate) fn set(&self, index: ConnIndex, state: ConnectionState) {
        self.0.send_modify(|status| {
            if let Some(slot) = status.connections.get_mut(usize::from(index.0)) {
                *slot = state;
            }
        });
    }
}
