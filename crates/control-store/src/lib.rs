//! Durable state of an edge: hyperdrives, tunnels and keys in `SQLite`, secrets sealed.
//!
//! A folder holds two files: `tidegate.db`, and `sealing.key` with the 32 bytes that its secrets
//! are sealed with. A copy of the database alone gives no secret away.
//!
//! ```text
//! configuration file ─ Declared… ─ Store::declare ─ completed with what was made before ─ Snapshot
//! ```
//!
//! Everything here blocks (files, `fsync`): call it before the engines start, or with
//! `spawn_blocking`. The data plane never does; it runs on the [`Snapshot`](domain::Snapshot).

mod declare;
mod error;
mod folder;
mod random;
mod rows;
mod schema;
mod sealing;
mod store;

pub use error::StoreError;
pub use store::Store;
