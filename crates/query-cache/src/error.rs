//! Why a result is not kept.

/// Why a result is not kept. It is right all the same for whoever asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFilled {
    /// A write was on its way when it was to be sent, or began since.
    #[error("what the result depends on has changed")]
    Moved,
    /// It takes more than [`crate::CacheConfig::entry_bytes`].
    #[error("the result takes {bytes} bytes, and {limit} is the most")]
    TooLarge {
        /// What it would take, in bytes.
        bytes: usize,
        /// The limit, in bytes.
        limit: usize,
    },
}
