//! What the client role answers to a server's plugin.

use super::ClientConfig;
use crate::auth::{
    AuthPlugin, ED25519_NONCE_LEN, caching_sha2, clear_password, ed25519, native_password,
    sha256_password,
};
use crate::wire::Reader;
use crate::{AuthSwitchRequest, HandshakeError, NONCE_LEN};

/// What is sent.
pub(super) enum Answer {
    /// This, and no more.
    Response(Vec<u8>),
    /// This byte, for the server's public key; then the password, encrypted with it.
    PublicKeyRequest(u8),
}

/// The answer to a request to switch to `plugin`, whose nonce is in it. `is_tls`: nobody listens.
pub(super) fn to_switch(
    plugin: &AuthPlugin,
    request: &AuthSwitchRequest,
    config: &ClientConfig,
    is_tls: bool,
) -> Result<Answer, HandshakeError> {
    let password = &config.password;
    Ok(match plugin {
        AuthPlugin::NativePassword | AuthPlugin::CachingSha2Password => {
            Answer::Response(scramble(plugin, password, &request.nonce()?))
        }
        AuthPlugin::Ed25519 => {
            let nonce = Reader::new(&request.data).array::<ED25519_NONCE_LEN>()?;
            Answer::Response(ed25519::sign(password, &nonce))
        }
        AuthPlugin::Sha256Password if password.is_empty() => {
            Answer::Response(vec![sha256_password::NO_PASSWORD])
        }
        AuthPlugin::Sha256Password => {
            request.nonce()?;
            secret(config, is_tls, sha256_password::REQUEST_PUBLIC_KEY)?
        }
        AuthPlugin::ClearPassword if is_tls => Answer::Response(clear_password::response(password)),
        AuthPlugin::ClearPassword => return Err(HandshakeError::ClearPasswordWithoutTls),
        AuthPlugin::Other(name) => return Err(HandshakeError::UnknownPlugin(name.clone())),
    })
}

/// The answer of the two plugins that a login can name: others do not answer a greeting.
pub(super) fn scramble(plugin: &AuthPlugin, password: &[u8], nonce: &[u8; NONCE_LEN]) -> Vec<u8> {
    match plugin {
        AuthPlugin::CachingSha2Password => caching_sha2::scramble(password, nonce),
        _ => native_password::scramble(password, nonce),
    }
}

/// The password itself, or the way to send it when somebody may listen.
pub(super) fn secret(
    config: &ClientConfig,
    is_tls: bool,
    request_public_key: u8,
) -> Result<Answer, HandshakeError> {
    if is_tls {
        Ok(Answer::Response(clear_password::response(&config.password)))
    } else if config.transport_is_private {
        Ok(Answer::PublicKeyRequest(request_public_key))
    } else {
        Err(HandshakeError::FullAuthWithoutTls)
    }
}
