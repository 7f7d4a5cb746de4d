//! The file as it is written: one struct per table, one field per key, nothing filled in.
//!
//! Every key is described in `docs/configuration.md`; a test compares. A key's position is kept
//! (`Spanned`) where a later check may have to point at it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domain::{
    Address, CachePolicy, Follow, SecretSlice, SecretString, Service, TableName, TunnelId,
};
use serde::Deserialize;
use toml::Spanned;

use crate::value::{
    Filter, MaxAge, Name, Number, OriginTlsMode, ServerVersion, Size, StaleFor, Switch, Text,
    TimeLimit,
};
use crate::{LogFormat, OriginUrl, TlsMode};

/// A key that may be absent.
type Key<T> = Option<Text<T>>;
/// A key that may be absent, and that a later check may point at.
type Placed<T> = Option<Spanned<Text<T>>>;

/// Most clients that can be asked for: more needs more ports and files than a machine gives.
pub(crate) const MAX_CLIENTS: usize = 1_000_000;
/// Most origin connections that can be asked for: the highest `max_connections` of MySQL.
pub(crate) const MAX_POOL: usize = 100_000;
/// Most prepared statements on one connection that can be asked for: what a MySQL allows all its
/// clients together by default (`max_prepared_stmt_count`).
pub(crate) const MAX_STATEMENTS: usize = 16_382;
/// Least memory for results: less would hold no more than the largest one by default.
pub(crate) const MIN_CACHE: u64 = 1 << 20;
/// Most memory for results: a tebibyte, more than a machine of these days has.
pub(crate) const MAX_CACHE: u64 = 1 << 40;
/// Memory for one result.
pub(crate) type EntrySize = Size<1, { CachePolicy::MAX_ENTRY_BYTES as u64 }>;
/// Most connections of one connector: four are enough for redundancy, each is kept alive.
pub(crate) const MAX_CONNECTIONS: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct File {
    pub(crate) log: Option<Log>,
    pub(crate) edge: Option<Edge>,
    pub(crate) connector: Option<Spanned<Connector>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Log {
    pub(crate) level: Key<Filter>,
    pub(crate) format: Key<LogFormat>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Edge {
    pub(crate) state_dir: Key<PathBuf>,
    pub(crate) listen: Placed<SocketAddr>,
    pub(crate) tunnel_listen: Key<SocketAddr>,
    pub(crate) admin_listen: Placed<SocketAddr>,
    pub(crate) server_version: Key<ServerVersion>,
    pub(crate) max_clients: Option<Number<1, MAX_CLIENTS>>,
    pub(crate) login_timeout: Key<Duration>,
    pub(crate) drain_timeout: Key<Duration>,
    pub(crate) tls: Option<EdgeTls>,
    #[serde(default)]
    pub(crate) tunnels: Vec<Spanned<Tunnel>>,
    #[serde(default)]
    pub(crate) hyperdrives: Vec<Spanned<Hyperdrive>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct EdgeTls {
    pub(crate) mode: Key<TlsMode>,
    pub(crate) cert_file: Placed<PathBuf>,
    pub(crate) key_file: Placed<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Tunnel {
    pub(crate) name: Placed<Name>,
    pub(crate) id: Placed<TunnelId>,
    pub(crate) secret: Key<SecretSlice<u8>>,
    pub(crate) account: Key<Name>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Hyperdrive {
    pub(crate) name: Placed<Name>,
    pub(crate) user: Placed<Name>,
    pub(crate) password: Key<SecretString>,
    pub(crate) origin: Key<OriginUrl>,
    pub(crate) tunnel: Placed<Name>,
    pub(crate) tls: Placed<OriginTlsMode>,
    pub(crate) ca_file: Placed<PathBuf>,
    pub(crate) pool: Option<Pool>,
    pub(crate) limits: Option<Limits>,
    pub(crate) cache: Option<Cache>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Pool {
    pub(crate) min: Option<Spanned<Number<0, MAX_POOL>>>,
    pub(crate) max: Option<Number<1, MAX_POOL>>,
    pub(crate) max_waiting: Option<Number<0, MAX_CLIENTS>>,
    pub(crate) wait_timeout: Key<Duration>,
    pub(crate) connect_timeout: Key<Duration>,
    pub(crate) idle_timeout: Key<Duration>,
    pub(crate) max_lifetime: Key<Duration>,
    pub(crate) max_statements: Option<Number<1, MAX_STATEMENTS>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Limits {
    pub(crate) max_user_connections: Option<Number<0, MAX_CLIENTS>>,
    pub(crate) query_timeout: Key<TimeLimit>,
    pub(crate) transaction_timeout: Key<TimeLimit>,
    pub(crate) idle_transaction_timeout: Key<TimeLimit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Cache {
    pub(crate) enabled: Option<Switch>,
    pub(crate) max_age: Key<MaxAge>,
    pub(crate) stale_while_revalidate: Key<StaleFor>,
    pub(crate) max_bytes: Key<Size<MIN_CACHE, MAX_CACHE>>,
    pub(crate) max_entry_bytes: Placed<EntrySize>,
    pub(crate) follow: Key<Follow>,
    #[serde(default)]
    pub(crate) tables: Vec<Spanned<CacheTable>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct CacheTable {
    pub(crate) table: Placed<TableName>,
    pub(crate) never: Option<Switch>,
    pub(crate) max_age: Placed<MaxAge>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Connector {
    #[serde(default)]
    pub(crate) edge: Vec<Text<Address>>,
    pub(crate) token: Placed<SecretString>,
    pub(crate) token_file: Placed<PathBuf>,
    pub(crate) credentials_file: Placed<PathBuf>,
    pub(crate) ca_file: Key<PathBuf>,
    pub(crate) connections: Option<Number<1, MAX_CONNECTIONS>>,
    pub(crate) grace_period: Key<Duration>,
    pub(crate) admin_listen: Placed<SocketAddr>,
    #[serde(default)]
    pub(crate) ingress: Vec<Spanned<Ingress>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Ingress {
    pub(crate) service: Key<Service>,
}
