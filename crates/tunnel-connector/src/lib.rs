//! The private side of a tunnel: dials an edge, registers, keeps its connections, and serves the
//! flows that the edge opens to what its ingress rules name. It listens on nothing.
//!
//! ```text
//! Connector::run ── slot (one task per connection index)
//!                    │ resolve, QUIC handshake
//!                    │ control stream ──► rpc thread: registerConnection
//!                    │ accept loop ──► flow (one task each): request, rule, dial, relay
//!                    └ lost: back off, again
//! ```
//!
//! The wire is cloudflared's (crate `tunnel-proto`), with two extensions that are announced as
//! features: half-close, and destinations by name.

mod config;
mod connection;
mod connector;
mod control;
mod error;
mod flow;
mod ingress;
mod metrics;
mod relay;
mod rpc;
mod slot;
mod status;
mod transport;

pub use config::{ConnectorConfig, DEFAULT_SERVER_NAME};
pub use connector::Connector;
pub use error::Error;
pub use metrics::Metrics;
pub use status::{ConnectionState, ConnectorStatus};
