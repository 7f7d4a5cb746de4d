//! A cache of results that is never older than a write which passed through it, and knows nothing
//! of what it keeps.
//!
//! Two halves that meet in an [`Entry`]:
//!
//! - [`Versions`] are what results depend on: one version per table, which moves with each write.
//!   A write is [`Committing`] from before it is sent until its outcome is known; a read has its
//!   tables [`Noted`] before it is sent. Why that makes reads linearizable is argued in the file
//!   `versions.rs`.
//! - A [`QueryCache`] keeps results by key within a budget of bytes. What is missing is fetched in
//!   one *flight* per key, however many ask for it.
//!
//! ```text
//!                 ┌─ Hit ────────────────────────────────────────────────► serve it
//!  lookup(key) ───┼─ Stale ──────────────────────────────────────────────► serve it
//!                 │    └─ with a RefreshPermit ──► refresh(key) ──► Leader, in the background
//!                 └─ Miss
//!                      │
//!                  join(key) ─┬─ Lead ──► note ──► ask the origin ──► fill
//!                             ├─ Follow ──► outcome ─┬─ Filled ─────────► serve it
//!                             │                      ├─ Retry ──────────► join(key)
//!                             │                      └─ Alone ─┐
//!                             ├─ Filled ───────────────────────┼────────► serve it
//!                             └─ Alone ────────────────────────┴────────► ask the origin
//! ```
//!
//! Time is an argument. Nothing here spawns, and no lock is held across an await.

mod cache;
mod config;
mod declined;
mod entry;
mod error;
mod flight;
mod flights;
mod key;
mod mutant;
mod noted;
mod store;
mod table;
mod versions;
mod weight;
mod writes;

#[cfg(test)]
mod tests;

pub use cache::{Joined, Lookup, QueryCache};
pub use config::{CacheConfig, Lifetime};
pub use entry::{Entry, RefreshPermit};
pub use error::NotFilled;
pub use flight::{Follower, Leader, Outcome};
pub use key::{Key, Sought};
pub use mutant::Mutant;
pub use noted::{Dependencies, Noted};
pub use quick_cache::DefaultHashBuilder;
pub use store::CacheStats;
pub use table::Table;
pub use versions::{Committing, Generation, Versions};
pub use weight::Weigh;
pub use writes::Writes;
