//! `mysql_native_password`.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_native_password_authentication.html>

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use crate::NONCE_LEN;

/// The plugin's name on the wire.
pub const NAME: &str = "mysql_native_password";

/// The answer to `nonce`: `SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password)))`, 20 bytes; empty
/// for the empty password.
pub fn scramble(password: &[u8], nonce: &[u8; NONCE_LEN]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = Sha1::digest(password);
    let twice = Sha1::digest(once);
    let mask = Sha1::new()
        .chain_update(nonce)
        .chain_update(twice)
        .finalize();
    once.iter().zip(mask).map(|(a, b)| a ^ b).collect()
}

/// True if `response` answers `nonce` with `password`. Takes the same time wherever they differ.
pub fn verify(password: &[u8], nonce: &[u8; NONCE_LEN], response: &[u8]) -> bool {
    scramble(password, nonce).ct_eq(response).into()
}
