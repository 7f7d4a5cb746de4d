//! `client_ed25519`, MariaDB's: the client signs the nonce with a key that is made of the password.
//!
//! It is Ed25519 (RFC 8032, section 5.1.6) but for one thing: where that takes the SHA-512 of a
//! secret of 32 bytes, this takes the SHA-512 of the password, which has any length.
//!
//! <https://mariadb.com/kb/en/authentication-plugin-ed25519/>

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use sha2::digest::consts::U32;
use sha2::{Digest, Sha512};

/// The plugin's name on the wire.
pub const NAME: &str = "client_ed25519";

/// Bytes of the plugin's nonce, which no NUL follows.
pub const ED25519_NONCE_LEN: usize = 32;

/// The signature of `nonce`, 64 bytes. The empty password signs like any other.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "it is arithmetic modulo the order of the group, which cannot overflow"
)]
pub fn sign(password: &[u8], nonce: &[u8; ED25519_NONCE_LEN]) -> Vec<u8> {
    let (key, prefix) = Sha512::digest(password).split::<U32>();
    let key = Scalar::from_bytes_mod_order(clamp_integer(key.into()));
    let public = EdwardsPoint::mul_base(&key).compress();
    let r = hash(&[&prefix, nonce]);
    let commitment = EdwardsPoint::mul_base(&r).compress();
    let challenge = hash(&[commitment.as_bytes(), public.as_bytes(), nonce]);
    let proof = challenge * key + r;
    [commitment.to_bytes(), proof.to_bytes()].concat()
}

fn hash(parts: &[&[u8]]) -> Scalar {
    let mut hash = Sha512::new();
    for part in parts {
        hash.update(part);
    }
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}
