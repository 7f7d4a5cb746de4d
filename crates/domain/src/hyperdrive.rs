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
    /// How much of it each client may take.
    pub limits: Limits,
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
    /// Origin connections that are kept open, also when nobody asks; at most `max`.
    pub min: usize,
    /// Most origin connections open at a time.
    pub max: usize,
    /// Most sessions that may wait for a lease at a time; one more is refused at once.
    pub max_waiting: usize,
    /// Longest that a session waits for a lease.
    pub wait_timeout: Duration,
    /// Longest that connecting and logging in to the origin may take.
    pub connect_timeout: Duration,
    /// An origin connection that nobody used for this long is closed, while more than `min` are
    /// open.
    pub idle_timeout: Duration,
    /// An origin connection older than this is not lent again.
    pub max_lifetime: Duration,
    /// Most prepared statements kept on one origin connection; the least recently used makes room.
    pub max_statements: usize,
}

impl Default for PoolPolicy {
    /// 20 connections, as Hyperdrive's free plan; idle and lifetime stay below TiDB Cloud's idle
    /// cut of 340 s and its advice of 5 minutes. 20 connections with 256 statements each take a
    /// third of what `max_prepared_stmt_count` gives all clients of a MySQL together (16,382).
    fn default() -> Self {
        Self {
            min: 0,
            max: 20,
            max_waiting: 10_000,
            wait_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(240),
            max_lifetime: Duration::from_secs(300),
            max_statements: 256,
        }
    }
}

/// What the clients of a hyperdrive may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most clients of the hyperdrive's local user at a time. `None`: as many as the edge takes.
    pub max_user_connections: Option<usize>,
    /// Longest that a statement may run; then it is killed at the origin. `None`: no limit.
    pub query_timeout: Option<Duration>,
    /// Longest that a transaction may be open; then it is rolled back and its session ended.
    /// `None`: no limit.
    pub transaction_timeout: Option<Duration>,
    /// Longest that a client may say nothing within a transaction; then that is abandoned: rolled
    /// back, and its session ended. `None`: no limit.
    pub idle_transaction_timeout: Option<Duration>,
}

impl Default for Limits {
    /// A transaction that its client forgot holds locks, and a connection that others wait for:
    /// after 10 minutes it is one. Nothing else is limited, as at the origin itself.
    fn default() -> Self {
        Self {
            max_user_connections: None,
            query_timeout: None,
            transaction_timeout: None,
            idle_transaction_timeout: Some(Duration::from_secs(600)),
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
