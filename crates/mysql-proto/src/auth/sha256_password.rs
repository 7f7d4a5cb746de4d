//! `sha256_password`: the password itself, over TLS in clear text, else encrypted with the server's
//! RSA key as in the full path of [`caching_sha2`](super::caching_sha2).
//!
//! Deprecated, yet still what some accounts of MySQL have.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_sha256_password_authentication.html>

/// The plugin's name on the wire.
pub const NAME: &str = "sha256_password";

/// Asks for the server's public key.
pub(crate) const REQUEST_PUBLIC_KEY: u8 = 1;

/// Says that there is no password.
pub(crate) const NO_PASSWORD: u8 = 0;
