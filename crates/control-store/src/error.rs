//! Why the store cannot do what it is asked, and what a person can do about it.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store cannot do what it is asked. No secret is shown in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or a file in it cannot be made, read or written.
    #[error("cannot use {} in the state folder", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Secrets are sealed, and the key is gone.
    #[error(
        "the sealing key {} is missing, and the store's secrets cannot be read without it; put it back \
         from a backup, or move the state folder away to begin anew with new ids, secrets and passwords",
        path.display()
    )]
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// The key file has not 32 bytes.
    #[error("{} is no sealing key: it must have exactly 32 bytes", path.display())]
    KeyMalformed {
        /// The key file.
        path: PathBuf,
    },
    /// Everybody on the machine may read the key.
    #[error(
        "the sealing key {} may be read by every user of this machine (mode {mode:03o}); mend it with \
         chmod 600",
        path.display()
    )]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key is not the one that the secrets were sealed with.
    #[error(
        "the sealing key {} is not the one that this store's secrets were sealed with; put the right one \
         back from a backup",
        path.display()
    )]
    WrongKey {
        /// The key file.
        path: PathBuf,
    },
    /// A secret is not what was sealed at this place.
    #[error(
        "{column} of {table} `{row}` cannot be unsealed: it was changed, or moved here from elsewhere; \
         restore the store from a backup"
    )]
    Tampered {
        /// Table of the secret.
        table: &'static str,
        /// Column of the secret.
        column: &'static str,
        /// Id of its row.
        row: String,
    },
    /// Another process has the database locked for too long.
    #[error(
        "the store is busy: another process has it locked; is another edge running on this state folder?"
    )]
    Busy,
    /// The database file is broken.
    #[error(
        "the store's database is damaged ({0}); restore it from a backup, or move the state folder away to \
         begin anew with new ids, secrets and passwords"
    )]
    Damaged(String),
    /// A later version of tidegate wrote the database.
    #[error(
        "the store has version {found} and this tidegate knows {known} at most; use the newer tidegate"
    )]
    Newer {
        /// The version of the database.
        found: usize,
        /// The latest that is known here.
        known: usize,
    },
    /// A hyperdrive names a tunnel that is not declared, or one was asked for that is not there.
    #[error("there is no tunnel `{0}`")]
    UnknownTunnel(String),
    /// Two of those that are declared share what must be unique: a name, a local user or an id.
    #[error("a name, user or id is declared twice ({0})")]
    Duplicate(String),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// Anything else that the database refuses, such as a full disk.
    #[error("the store's database refuses")]
    Database(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            Some(ErrorCode::ConstraintViolation) => Self::Duplicate(error.to_string()),
            _ => Self::Database(error),
        }
    }
}
