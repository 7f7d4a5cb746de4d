//! Logs in to a MySQL server over any stream: what `mysql-proto` leaves to its caller, done once
//! for all who need it (the pool's origin connections, and the demo's client).
//!
//! ```text
//! greeting ─► [TLS] ─► login ─► [switch of plugin] ─► [password by RSA] ─► OK or error
//! ```

mod error;
mod login;
mod rsa;

pub use error::LoginError;
pub use login::{LoggedIn, log_in};
