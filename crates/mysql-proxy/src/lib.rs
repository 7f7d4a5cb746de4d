//! The MySQL front end of the edge: it takes clients in, and lends each transaction an origin
//! connection.
//!
//! The life of a query, with the file of each step:
//!
//! ```text
//! accept            listener.rs              a session per client, within the limits
//! log in            session/login.rs         local credentials; the user selects the hyperdrive
//! read a command    downstream.rs
//! classify          session/command.rs       mysql-sql says what the text does to a connection
//! take a lease      session/lease.rs         from the pool of the hyperdrive, or the one in hand
//! relay             session/relay.rs         bytes both ways until the response is complete
//! note              session/note.rs          what the response tells of the session
//! settle            session/settle.rs        give the lease back, or pin it with a reason
//! ```
//!
//! What goes wrong is told to the client in one place, `refusal.rs`. Origin connections are opened
//! in `origin/`, over whatever the `net::Dial` that it was given leads through.

mod bring;
mod cache;
mod collation;
mod compression;
mod config;
mod databases;
mod downstream;
mod error;
mod follow;
mod hyperdrives;
mod kill;
mod listener;
mod metrics;
mod mutant;
mod origin;
mod outlines;
mod profile;
mod programs;
mod refusal;
mod registry;
mod session;
mod show;
mod state;
mod statements;
mod states;
mod striped;

#[cfg(test)]
mod tests;

pub use config::{ProxyConfig, TlsMode};
pub use error::{OriginError, PurgeError};
pub use hyperdrives::{HyperdriveStatus, Hyperdrives};
pub use listener::MySqlListener;
pub use metrics::Metrics;
pub use mutant::Mutant;
