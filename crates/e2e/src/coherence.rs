//! The coherence test of the query cache: many writers and readers on few rows through one edge,
//! and every read is checked against the writes that were acknowledged, and the reads that were
//! completed, before it began.
//!
//! A row is a register whose value only grows. A writer takes the next number before it writes, so
//! whoever reads can tell old from new. The database behind is right by itself; what a read shows
//! too late, the cache has kept too long.
//!
//! ```text
//!   writers ─┐                      ┌─ gate ──► origin
//!   readers ─┼──► edge with cache ──┤  holds packets and answers back, cuts connections,
//!   scenes  ─┘                      └─ delivers a COMMIT when its connection is gone already
//!      │
//!      └─► registers: floor before ≤ value read ≤ begun after, and nothing that was rolled back
//! ```
//!
//! Random load finds what nobody thought of. The scenes (`scenes.rs`) arrange, one by one, the
//! moments at which a cache goes wrong that leaves out a step; each mutant is found by one of them.

mod campaign;
mod client;
mod definitions;
mod gate;
mod meddlers;
mod pace;
mod reading;
mod registers;
mod report;
mod round;
mod scenes;
mod schema;
mod shapes;
mod ways;
mod writing;

pub use campaign::{Campaign, Through};
pub use report::{Summary, Violation};
