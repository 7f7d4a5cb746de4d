//! A way to a database, and the processes on it.

use super::server::Server;
use super::sysbench::Target;

/// The hop that the others are compared with.
pub(super) const HAPROXY: &str = "HAProxy";
pub(super) const EDGE: &str = "edge";
pub(super) const DATABASE: &str = "database";

/// The way without a hop.
pub(super) const DIRECT: &str = "direct";

/// One way to a database.
#[derive(Debug)]
pub(super) struct Leg<'a> {
    pub(super) name: &'static str,
    pub(super) target: Target,
    /// The processes on it, the database last.
    pub(super) hops: Vec<Hop<'a>>,
}

/// A process on a way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop<'a> {
    pub(super) name: &'static str,
    pub(super) server: &'a Server,
}
