//! Authentication plugins: how a client proves that it knows a password.

pub mod caching_sha2;
pub mod clear_password;
pub mod ed25519;
mod judge;
pub mod native_password;
pub mod sha256_password;

pub use ed25519::ED25519_NONCE_LEN;

pub(crate) use judge::{Expected, FAST_AUTH_CONFIRMED, Known, Verdict};

/// Bytes of a nonce. The NUL that follows it on the wire is not counted.
pub const NONCE_LEN: usize = 20;

/// An authentication plugin, by the name that goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthPlugin {
    /// `mysql_native_password`: SHA-1. The default of MariaDB and TiDB.
    NativePassword,
    /// `caching_sha2_password`: SHA-256. The default of MySQL 8, the only one of MySQL 9.
    CachingSha2Password,
    /// `mysql_clear_password`: the password itself, or a token in its place.
    ClearPassword,
    /// `sha256_password`: the password itself, encrypted.
    Sha256Password,
    /// `client_ed25519`: a signature. Of MariaDB.
    Ed25519,
    /// Any other.
    Other(String),
}

impl AuthPlugin {
    /// The plugin of this name.
    pub fn from_name(name: &str) -> Self {
        match name {
            native_password::NAME => Self::NativePassword,
            caching_sha2::NAME => Self::CachingSha2Password,
            clear_password::NAME => Self::ClearPassword,
            sha256_password::NAME => Self::Sha256Password,
            ed25519::NAME => Self::Ed25519,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::NativePassword => native_password::NAME,
            Self::CachingSha2Password => caching_sha2::NAME,
            Self::ClearPassword => clear_password::NAME,
            Self::Sha256Password => sha256_password::NAME,
            Self::Ed25519 => ed25519::NAME,
            Self::Other(name) => name,
        }
    }
}
