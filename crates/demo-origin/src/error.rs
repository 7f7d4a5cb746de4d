//! Why the demo origin cannot start.

use std::io;

/// Why the demo origin cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No loopback port could be had.
    #[error("cannot listen on loopback: {0}")]
    Listen(#[source] io::Error),
    /// There is no place for the database.
    #[error("cannot make a temporary folder: {0}")]
    Folder(#[source] io::Error),
    /// SQLite refused the sample tables.
    #[error("cannot make the sample database: {0}")]
    Sample(#[from] rusqlite::Error),
    /// The runtime stopped while the sample database was made.
    #[error("stopped while starting")]
    Stopped,
}
