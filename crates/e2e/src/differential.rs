//! The differential test: random sessions run through tidegate by many clients at once, with two
//! origin connections between them, and each also on a direct connection of its own. Every reply
//! has to be equal: rows, columns, ids, warnings, errors, status, down to what a client can see.
//!
//! The same is asked of an edge with a cache: then programs read more than once, and what is kept
//! has to be what a direct connection is told.
//!
//! There are two servers, one for the direct sessions and one behind tidegate, so that both sides
//! have the same names, ids and locks. A session works in databases that no other session has at
//! the time, so its replies depend on nobody else, unless state leaks through the pool, which is
//! what the test is for.
//!
//! ```text
//! seed ─► scenario: lanes × programs ─► play ─┬─ direct ──► server        ─┐
//!                                             └─ tidegate ─► other server ─┴─► compare ─► shrink
//! ```

mod campaign;
mod compare;
mod connection;
mod exceptions;
mod execute;
mod generate;
mod narrow;
mod play;
mod read;
mod repeat;
mod reply;
mod report;
mod schema;
mod shrink;
mod stage;
mod step;
mod without;
mod world;

pub use campaign::{Campaign, Summary};
pub use report::Finding;
pub use world::Through;
