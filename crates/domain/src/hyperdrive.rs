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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// False: every statement goes to the origin.
    pub enabled: bool,
    /// A result is served as it is for this long; at most [`CachePolicy::MAX_AGE`]. It bounds how
    /// old a read may be after a write that did not pass through this edge.
    pub max_age: Duration,
    /// And for this much longer while a fresh one is fetched.
    pub stale_while_revalidate: Duration,
    /// Most bytes that all results of the hyperdrive may take, with what keeping them costs.
    pub max_bytes: usize,
    /// Most bytes of one result; at most [`CachePolicy::MAX_ENTRY_BYTES`]. A larger one is not
    /// kept.
    pub max_entry_bytes: usize,
    /// How writes are noticed that do not pass through this edge.
    pub follow: Follow,
    /// What holds for some tables only.
    pub rules: Vec<TableRule>,
}

/// How writes are noticed that do not pass through an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Not at all: a read may be as old as `max_age` and `stale_while_revalidate` allow.
    Nothing,
    /// By the origin's binary log, as a replica reads it.
    Binlog,
}

/// What holds for the results that were read from a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRule {
    /// The table's database. `None`: a table of this name in any.
    pub database: Option<String>,
    /// The table's name.
    pub table: String,
    /// What becomes of results.
    pub keep: Keep,
}

/// What becomes of results that were read from a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// They are not kept.
    Never,
    /// They are kept for this long, in the place of the hyperdrive's own `max_age`.
    For(Duration),
}

impl CachePolicy {
    /// Hyperdrive's own limit.
    pub const MAX_AGE: Duration = Duration::from_secs(60 * 60);
    /// Likewise.
    pub const MAX_ENTRY_BYTES: usize = 50_000_000;
}

impl Default for CachePolicy {
    /// Hyperdrive's ages: 60 s, and 15 s while revalidating. The sizes are small: a megabyte is
    /// thousands of rows, and 64 of them are a small part of the smallest machine.
    fn default() -> Self {
        Self {
            enabled: true,
            max_age: Duration::from_secs(60),
            stale_while_revalidate: Duration::from_secs(15),
            max_bytes: 64 << 20,
            max_entry_bytes: 1 << 20,
            follow: Follow::Nothing,
            rules: Vec::new(),
        }
    }
}
