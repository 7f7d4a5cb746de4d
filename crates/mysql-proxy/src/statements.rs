//! Prepared statements, which live with the session and survive a change of origin connection.
//!
//! ```text
//!   client's id ──► Prepared ──► StatementText ◄── Handle ◄── origin connection
//!   (session)       types,        SQL, effect       id and types
//!                   shape         (hyperdrive)      at the origin
//! ```
//!
//! - [`StatementText`]: the SQL, with what preparing it depends on; shared by all sessions of a
//!   hyperdrive ([`Texts`]).
//! - [`Prepared`]: a statement as one client knows it, by an id of ours ([`Statements`]).
//! - [`Handle`]: the same statement prepared on one origin connection, by the origin's id. A
//!   connection has a bounded number of them ([`Handles`]).
//! - [`Shape`]: what executions have made of a statement at the origin. Only handles of equal shape
//!   stand for each other.
//!
//! Nothing here does I/O; the commands are in `session/statements.rs`.

mod aim;
mod handles;
mod plain;
mod prepared;
mod shape;
mod text;

pub(crate) use aim::{Aim, Target};
pub(crate) use handles::{Handle, HandleKey, HandleLimits, Handles};
pub(crate) use plain::{Made, Plain};
pub(crate) use prepared::{Bound, MAX_PREPARED, Prepared, Statements};
pub(crate) use shape::{Parameters, Shape};
pub(crate) use text::{MAX_ALL_TEXTS, StatementText, Texts};
