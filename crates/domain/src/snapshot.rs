//! The configuration that the data plane runs on. It is immutable: a change is a new snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{Hyperdrive, Tunnel, TunnelId};

/// Everything that the data plane may know of the configuration, at one moment.
///
/// It reaches the engines through a `tokio::sync::watch::Receiver<Arc<Snapshot>>`; they never read
/// the store, and serve on when the control plane is down.
#[derive(Debug, Default)]
pub struct Snapshot {
    by_user: HashMap<String, Arc<Hyperdrive>>,
    tunnels: HashMap<TunnelId, Arc<Tunnel>>,
}

impl Snapshot {
    /// Makes a snapshot. Local users are unique; of two hyperdrives with the same one, the last
    /// stays.
    pub fn new(
        hyperdrives: impl IntoIterator<Item = Hyperdrive>,
        tunnels: impl IntoIterator<Item = Tunnel>,
    ) -> Self {
        Self {
            by_user: hyperdrives
                .into_iter()
                .map(|hyperdrive| (hyperdrive.credentials.user.clone(), Arc::new(hyperdrive)))
                .collect(),
            tunnels: tunnels
                .into_iter()
                .map(|tunnel| (tunnel.id, Arc::new(tunnel)))
                .collect(),
        }
    }

    /// The hyperdrive that this local user selects.
    pub fn hyperdrive_of_user(&self, user: &str) -> Option<&Arc<Hyperdrive>> {
        self.by_user.get(user)
    }

    /// All hyperdrives, in no order.
    pub fn hyperdrives(&self) -> impl Iterator<Item = &Arc<Hyperdrive>> {
        self.by_user.values()
    }

    /// The tunnel with this id.
    pub fn tunnel(&self, id: TunnelId) -> Option<&Arc<Tunnel>> {
        self.tunnels.get(&id)
    }

    /// All tunnels, in no order.
    pub fn tunnels(&self) -> impl Iterator<Item = &Arc<Tunnel>> {
        self.tunnels.values()
    }
}
