//! The embedded demo origin: real SQL on real rows, so that the whole path can be tried on a
//! machine without a database. It is SQLite behind the server side of the MySQL protocol, and says
//! so: its version is [`SERVER_VERSION`], and where SQLite does not know a statement of MySQL, the
//! error tells why.
//!
//! ```text
//! client ──TCP──► connection (async) ──packets──► session (a thread with its own SQLite) ──► file
//!                                    ◄──chunks───                                        WAL,
//! temporary
//! ```
//!
//! - [`DemoOrigin`] listens on a loopback port, and removes its database when it is dropped.
//! - `connection` does the login and carries packets; a result is never held whole: chunks wait in
//!   a queue of a few (`session::CHUNKS_IN_FLIGHT`), and back-pressure reaches SQLite.
//! - `session` answers commands; `dialect` translates the little that MySQL drivers and people ask
//!   and that SQLite does not know; everything else goes to SQLite as it is.
//!
//! Isolation is SQLite's: a transaction reads one snapshot, and one transaction writes at a time.
//! Two that get in each other's way end as they would on MySQL: 1205 (lock wait timeout) or 1213
//! (deadlock, rolled back).
//!
//! What differs from MySQL, besides SQL itself: affected rows are the rows found, not the rows
//! changed; a value may be of another type than its column was declared with, and is converted in
//! the binary protocol; session variables other than `autocommit` are remembered, and have no
//! effect.

mod config;
mod connection;
mod dialect;
mod error;
mod origin;
mod sample;
mod session;

pub use config::DemoConfig;
pub use error::DemoError;
pub use origin::{DemoOrigin, SERVER_VERSION};
