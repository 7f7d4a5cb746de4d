//! The nouns of tidegate, without behaviour: what a hyperdrive, an origin, a tunnel and an ingress
//! rule *are*, and the [`Snapshot`] that the data plane runs on.
//!
//! Nothing here does I/O, reads a clock or knows a protocol. Every other crate may use it.

mod declared;
mod hyperdrive;
mod id;
mod ingress;
mod origin;
mod snapshot;
mod table_name;
mod tunnel;

pub use declared::{DeclaredHyperdrive, DeclaredOrigin, DeclaredTunnel, DeclaredVia};
pub use hyperdrive::{
    CachePolicy, Follow, Hyperdrive, Keep, Limits, LocalCredentials, PoolPolicy, TableRule,
};
pub use id::{AccountTag, ConnIndex, ConnectorId, HyperdriveId, TunnelId};
pub use ingress::{IngressRule, ParseServiceError, Service};
pub use origin::{Address, Origin, OriginTls, ParseAddressError, Via};
pub use secrecy::{ExposeSecret, SecretSlice, SecretString};
pub use snapshot::Snapshot;
pub use table_name::{ParseTableNameError, TableName};
pub use tunnel::Tunnel;
