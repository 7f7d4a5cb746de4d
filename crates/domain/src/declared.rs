//! What somebody asked for, before the store completed it: ids, secrets and local passwords may be
//! absent. A configuration file says this much; the store turns it into a
//! [`Snapshot`](crate::Snapshot).

use secrecy::{SecretSlice, SecretString};

use crate::{AccountTag, Address, CachePolicy, Limits, OriginTls, PoolPolicy, TunnelId};

/// A hyperdrive as it was asked for.
#[derive(Clone, Debug)]
pub struct DeclaredHyperdrive {
    /// What people call it; unique on an edge.
    pub name: String,
    /// User name that clients present to the edge; unique on an edge.
    pub user: String,
    /// The password that goes with it. `None`: made once, and kept by the store.
    pub password: Option<SecretString>,
    /// The database itself.
    pub origin: DeclaredOrigin,
    /// How many origin connections, and for how long.
    pub pool: PoolPolicy,
    /// How much of it each client may take.
    pub limits: Limits,
    /// Which results are kept, and for how long.
    pub cache: CachePolicy,
}

/// An origin as it was asked for.
#[derive(Clone, Debug)]
pub struct DeclaredOrigin {
    /// Host and port of the database, as seen from where it is dialled.
    pub address: Address,
    /// Whether the edge dials it itself or through a tunnel.
    pub via: DeclaredVia,
    /// How the connection to it is secured.
    pub tls: OriginTls,
    /// The database user.
    pub user: String,
    /// That user's password; may be empty.
    pub password: SecretString,
    /// The database that a session starts in when its client names none.
    pub database: Option<String>,
}

/// The way from the edge to an origin, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredVia {
    /// The edge opens a TCP connection itself.
    Direct,
    /// A connector of the declared tunnel of this name opens it.
    Tunnel(String),
}

/// A tunnel as it was asked for.
#[derive(Clone, Debug)]
pub struct DeclaredTunnel {
    /// What people call it; unique on an edge.
    pub name: String,
    /// `None`: made once, and kept by the store.
    pub id: Option<TunnelId>,
    /// The account that the credentials name.
    pub account: AccountTag,
    /// Shared with the connectors. `None`: made once, and kept by the store.
    pub secret: Option<SecretSlice<u8>>,
}

impl DeclaredTunnel {
    /// The account of tunnels that name none.
    pub const DEFAULT_ACCOUNT: &str = "tidegate";

    /// A tunnel with nothing but a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            account: AccountTag(Self::DEFAULT_ACCOUNT.to_owned()),
            secret: None,
        }
    }
}
