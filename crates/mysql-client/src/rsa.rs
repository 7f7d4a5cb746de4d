//! RSA for `caching_sha2_password` without TLS: the server sends its public key, the client sends
//! the password encrypted with it.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html>

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use mysql_proto::HandshakeError;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

/// Encrypts `message` by RSA-OAEP (SHA-1) with a public key in PEM.
pub(crate) fn encrypt(public_key_pem: &str, message: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    let key = SubjectPublicKeyInfoDer::from_pem_slice(public_key_pem.as_bytes())
        .map_err(|_| HandshakeError::BadPublicKey)?;
    let key = PublicEncryptingKey::from_der(&key).map_err(|_| HandshakeError::BadPublicKey)?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| HandshakeError::BadPublicKey)?;
    let mut encrypted = vec![0; key.ciphertext_size()];
    key.encrypt(&OAEP_SHA1_MGF1SHA1, message, &mut encrypted, None)
        .map(|encrypted| encrypted.to_vec())
        .map_err(|_| HandshakeError::BadPublicKey)
}
