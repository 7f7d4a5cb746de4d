//! `caching_sha2_password`.
//!
//! The fast path is a scramble, as in `mysql_native_password`. A server that has not cached the
//! password's digest asks for the password itself: over TLS in clear text, else encrypted with the
//! server's RSA key (see [`obfuscate`]).
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html>

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::NONCE_LEN;

/// The plugin's name on the wire.
pub const NAME: &str = "caching_sha2_password";

/// Asks for the server's public key.
pub(crate) const REQUEST_PUBLIC_KEY: u8 = 2;
/// The scramble was right; the OK packet follows.
pub(crate) const FAST_AUTH_SUCCESS: u8 = 3;
/// The server needs the password itself.
pub(crate) const FULL_AUTH: u8 = 4;

/// The answer to `nonce`: `SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce)`, 32 bytes;
/// empty for the empty password.
pub fn scramble(password: &[u8], nonce: &[u8; NONCE_LEN]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = Sha256::digest(password);
    let twice = Sha256::digest(once);
    let mask = Sha256::new()
        .chain_update(twice)
        .chain_update(nonce)
        .finalize();
    once.iter().zip(mask).map(|(a, b)| a ^ b).collect()
}

/// True if `response` answers `nonce` with `password`. Takes the same time wherever they differ.
pub fn verify(password: &[u8], nonce: &[u8; NONCE_LEN], response: &[u8]) -> bool {
    scramble(password, nonce).ct_eq(trim(response)).into()
}

/// A client without a password sends nothing, or one NUL (libmysqlclient): makes it nothing.
pub(crate) fn trim(response: &[u8]) -> &[u8] {
    if response == [0] { &[] } else { response }
}

/// What is encrypted with the server's RSA key (OAEP with SHA-1): the password and a NUL, each byte
/// combined by XOR with one of the nonce, over and over. It is as secret as the password.
pub fn obfuscate(password: &[u8], nonce: &[u8; NONCE_LEN]) -> Vec<u8> {
    password
        .iter()
        .chain(&[0])
        .zip(nonce.iter().cycle())
        .map(|(a, b)| a ^ b)
        .collect()
}
