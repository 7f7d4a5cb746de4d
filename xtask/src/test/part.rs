//! One thing that tests need: a server, a client, a runtime. It is there, or it is not and why.

use std::fmt;
use std::path::{Path, PathBuf};

/// A thing that tests need.
#[derive(Debug)]
pub(super) enum Part {
    /// It can be used.
    Present {
        name: &'static str,
        /// Version, or whatever else tells it from others.
        version: String,
        program: PathBuf,
        /// The variable by which the tests find it; none: they find it on `PATH`.
        variable: Option<&'static str>,
    },
    /// It cannot be had here, and the tests that need it are skipped.
    Absent { name: &'static str, why: String },
}

impl Part {
    pub(super) fn present(
        name: &'static str,
        version: Option<String>,
        program: &Path,
        variable: Option<&'static str>,
    ) -> Vec<Self> {
        vec![Self::Present {
            name,
            version: version.unwrap_or_else(|| "unknown version".to_owned()),
            program: program.to_owned(),
            variable,
        }]
    }

    pub(super) fn absent(name: &'static str, why: impl Into<String>) -> Vec<Self> {
        vec![Self::Absent {
            name,
            why: why.into(),
        }]
    }

    /// What to put into the environment of the tests.
    pub(super) fn variable(&self) -> Option<(&'static str, &Path)> {
        match self {
            Self::Present {
                program, variable, ..
            } => Some(((*variable)?, program)),
            Self::Absent { .. } => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present {
                name,
                version,
                program,
                ..
            } => {
                write!(f, "{name}: {version} ({})", program.display())
            }
            Self::Absent { name, why } => write!(f, "skipped: {name}: {why}"),
        }
    }
}
