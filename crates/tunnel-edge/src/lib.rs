//! The public side of the tunnels: accepts connectors over QUIC, registers them, and dials origins
//! through them.
//!
//! ```text
//! edge ─ accept loop ─┬─ connection (one task per connector connection)
//!                     │    └─ control stream ──► rpc thread ──► registration ──► registry
//! dial ── registry.pick ── open stream ── request/response ──► Flow
//! ```
//!
//! A connection passes through these states; the task in `connection` owns it, the registry lists
//! it while it is registered:
//!
//! ```text
//! handshake ──► waiting for registration ──► registered ──► draining ──► closed
//!     └──────────────── 10 s, or refused ─────────┴─── lost, replaced ──────┘
//! ```
//!
//! The wire is cloudflared's (crate `tunnel-proto`), so an unmodified cloudflared is served too.

mod config;
mod connection;
mod dial;
mod edge;
mod error;
mod failures;
mod flow;
mod metrics;
mod registration;
mod registry;
mod rpc;
mod status;
mod transport;

pub use config::{CERTIFICATE_NAMES, EdgeConfig};
pub use edge::TunnelEdge;
pub use error::Error;
pub use metrics::Metrics;
pub use status::{ConnectionStatus, ConnectorStatus, TunnelMonitor, TunnelStatus};
