//! Why logging cannot start.

use tracing_subscriber::filter::ParseError;

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A part of the filter is neither a level nor `target=level`.
    #[error(
        "`{0}` in the log filter is no level; allowed: off, error, warn, info, debug, trace, or \
         target=level, several separated by commas"
    )]
    Level(String),
    /// The filter is broken otherwise.
    #[error("the log filter `{filter}` is broken")]
    Filter {
        /// The whole filter.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Logging was started before in this process.
    #[error("logging was started before in this process")]
    Started,
}
