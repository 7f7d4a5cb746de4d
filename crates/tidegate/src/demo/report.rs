//! What the demo found: each hop of the path with its state, and how long things took.

use std::time::Duration;

use domain::SecretString;

/// How a hop stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It did its part.
    Ok,
    /// It is where the path breaks.
    Failed,
    /// Nothing came this far.
    NotReached,
}

impl State {
    /// The word in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::NotReached => "not_reached",
        }
    }
}

/// One hop of the path, from the client to the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// What it is, one word of the glossary.
    pub(super) name: &'static str,
    pub(super) state: State,
    /// What is to be known of it.
    pub(super) detail: String,
    /// What to do, if it failed.
    pub(super) remedy: Option<String>,
}

/// Connect, log in, first row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timings {
    /// To the database itself; the median.
    pub(super) direct: Option<Duration>,
    /// Through the path, the first time.
    pub(super) cold: Option<Duration>,
    /// Through the path, with the origin connection from the pool; the median.
    pub(super) pooled: Option<Duration>,
    /// Measurements behind the medians of `direct` and `pooled`.
    pub(super) rounds: (usize, usize),
}

/// Which database it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OriginSummary {
    /// `given`, `tidb`, `mariadb`, `mysql` or `sqlite`.
    pub(super) kind: &'static str,
    /// Its version, if it answered.
    pub(super) version: Option<String>,
}

/// Everything that is shown.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) path: Vec<Hop>,
    pub(super) timings: Timings,
    pub(super) origin: OriginSummary,
    /// What to paste into a client; holds the local password. `None`: there is no edge.
    pub(super) connection_string: Option<SecretString>,
    /// A command line that connects.
    pub(super) command: Option<SecretString>,
    /// Where `/metrics` and `/ready` are.
    pub(super) admin: Option<String>,
}

impl Report {
    /// True if every hop did its part.
    pub(super) fn is_ready(&self) -> bool {
        self.path.iter().all(|hop| hop.state == State::Ok)
    }
}
