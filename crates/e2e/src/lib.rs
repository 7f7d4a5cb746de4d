//! Black-box tests with real databases, drivers and clients, in the words of a user: an origin, a
//! [`Path`] to it (an edge, and a tunnel where one is wanted), and [`Client`]s at its end. Only the
//! built binary, its configuration file and its ports are touched.
//!
//! The tests are in `tests/it`, one file per concern.

mod clients;
pub mod coherence;
pub mod differential;
mod endpoint;
mod path;
mod random;
mod tunnel;

pub use clients::Client;
pub use endpoint::{Endpoint, Failure, expect_failure};
pub use path::{Path, PathBuilder, Way};
