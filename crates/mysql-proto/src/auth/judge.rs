//! How the server role judges a client's answer: by the two plugins whose answers it can compute.

use subtle::ConstantTimeEq;

use super::{AuthPlugin, NONCE_LEN, caching_sha2, native_password};
use crate::AuthSwitchRequest;
use crate::handshake::AUTH_MORE_DATA;

/// Stands in for the password of an unknown user, so that the work is the same.
const NOBODYS_PASSWORD: &[u8] = b"the password of nobody";

/// What the client of a right scramble of `caching_sha2_password` waits for.
pub(crate) const FAST_AUTH_CONFIRMED: [u8; 2] = [AUTH_MORE_DATA, caching_sha2::FAST_AUTH_SUCCESS];

/// A plugin that answers can be judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Native,
    CachingSha2,
}

/// The one answer that is right. As secret as a password while the connection lasts, so it has no
/// `Debug`.
pub(crate) struct Expected {
    plugin: Known,
    response: Vec<u8>,
    user_exists: bool,
}

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    /// Right; the client waits for an OK packet.
    Right,
    /// Right; the client waits for `01 03`, and then for an OK packet or an ERR packet.
    RightToConfirm,
}

impl Known {
    pub(crate) fn of(plugin: &AuthPlugin) -> Option<Self> {
        match plugin {
            AuthPlugin::NativePassword => Some(Self::Native),
            AuthPlugin::CachingSha2Password => Some(Self::CachingSha2),
            _ => None,
        }
    }

    /// The plugin that a client names; one that names none means `mysql_native_password`.
    pub(crate) fn named(plugin: Option<&str>) -> Option<Self> {
        plugin.map_or(Some(Self::Native), |name| {
            Self::of(&AuthPlugin::from_name(name))
        })
    }

    /// What clients with other plugins are asked to switch to.
    pub(crate) fn fallback(default_plugin: &AuthPlugin) -> Self {
        Self::of(default_plugin).unwrap_or(Self::Native)
    }

    /// The request to switch to this plugin, and to answer `nonce`.
    pub(crate) fn switch_request(self, nonce: &[u8; NONCE_LEN]) -> AuthSwitchRequest {
        let mut data = nonce.to_vec();
        data.push(0);
        AuthSwitchRequest {
            plugin: match self {
                Self::Native => native_password::NAME.to_owned(),
                Self::CachingSha2 => caching_sha2::NAME.to_owned(),
            },
            data,
        }
    }

    /// The answer without what means that there is none.
    pub(crate) fn trim(self, response: &[u8]) -> &[u8] {
        match self {
            Self::Native => response,
            Self::CachingSha2 => caching_sha2::trim(response),
        }
    }
}

impl Expected {
    /// `password`: `None` for an unknown user.
    pub(crate) fn new(plugin: Known, password: Option<&[u8]>, nonce: &[u8; NONCE_LEN]) -> Self {
        let user_exists = password.is_some();
        let password = password.unwrap_or(NOBODYS_PASSWORD);
        Self {
            plugin,
            response: match plugin {
                Known::Native => native_password::scramble(password, nonce),
                Known::CachingSha2 => caching_sha2::scramble(password, nonce),
            },
            user_exists,
        }
    }

    /// Compares in constant time.
    pub(crate) fn judge(&self, response: &[u8]) -> Verdict {
        let right: bool = self.response.ct_eq(self.plugin.trim(response)).into();
        if !right || !self.user_exists {
            return Verdict::Wrong;
        }
        // Who has no password sends none, and has nothing confirmed.
        if self.plugin == Known::CachingSha2 && !self.response.is_empty() {
            Verdict::RightToConfirm
        } else {
            Verdict::Right
        }
    }
}
