//! How a process is watched: logs, metrics, and whether it is ready.
//!
//! - [`init`] starts `tracing` on standard error.
//! - [`registry`] makes the metrics registry in which each engine registers its `Metrics`.
//! - [`serve_admin`] answers `/metrics`, `/ready` and `/healthz` over HTTP, and routes that are
//!   handed in.

mod admin;
mod error;
mod log;
mod metrics;
mod readiness;

pub use admin::serve_admin;
pub use error::InitError;
pub use log::{LogFormat, init};
pub use metrics::registry;
pub use prometheus_client::registry::Registry;
pub use readiness::{Check, CheckState, Readiness};
