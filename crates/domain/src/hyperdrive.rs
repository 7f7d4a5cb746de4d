//! One configured database, as clients of the edge see it.

use std::time::Duration;

use secrecy::SecretString;

use crate::{HyperdriveId, Origin};

/// One configured database: origin, pool, cache policy and local credentials.
#[derive(Clone, Debug)]
pub struct Hyperdrive {
    /// Never changes.
    pub id: HyperdriveId,
    /// What people call it; unique on an edge.
    pub name: String,
    /// The database itself.
    pub origin: Origin,
    /// What clients log in to the edge with. The origin's user and password are never theirs.
    pub credentials: LocalCredentials,
    /// How many origin connections, and for how long.
    pub pool: PoolPolicy,
    /// Which results are kept, and for how long.
    pub cache: CachePolicy,
}

/// What a client presents to the edge. The user selects the hyperdrive: it is unique on an edge.
#[derive(Clone, Debug)]
pub struct LocalCredentials {
    /// User name of the connection string.
    pub user: String,
    /// Password of the connection string. Letters and digits only when generated, because
    /// workerd's `connectionString` is not percent-encoded.
    pub password: SecretString,
}

/// Limits of a hyperdrive's pool of origin connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolPolicy {
    /// Most origin connections open at a time.
    pub max: usize,
    /// Most sessions that may wait for a lease at a time; one more is refused at once.
    pub max_waiting: usize,
    /// Longest that a session waits for a lease.
    pub wait_timeout: Duration,
    /// Longest that connecting and logging in to the origin may take.
    pub connect_timeout: Duration,
    /// An origin connection that nobody used for this long is closed.
    pub idle_timeout: Duration,
    /// An origin connection older than this is closed when it is given back.
    pub max_lifetime: Duration,
}

impl Default for PoolPolicy {
    /// 20 connections, as Hyperdrive's free plan; idle and lifetime stay below TiDB Cloud's idle
    /// cut of 340 s and its advice of 5 minutes.
    fn default() -> Self {
        Self {
            max: 20,
            max_waiting: 10_000,
            wait_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(240),
            max_lifetime: Duration::from_secs(300),
        }
    }
}

/// Which results are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// False: every statement goes to the origin.
    pub enabled: bool,
    /// A result is served as it is for this long.
    pub max_age: Duration,
    /// And for this much longer while a fresh one is fetched.
    pub stale_while_revalidate: Duration,
}

impl Default for CachePolicy {
    /// Hyperdrive's defaults: 60 s, and 15 s while revalidating.
    fn default() -> Self {
        Self {
            enabled: true,
            max_age: Duration::from_secs(60),
            stale_while_revalidate: Duration::from_secs(15),
        }
    }
}
