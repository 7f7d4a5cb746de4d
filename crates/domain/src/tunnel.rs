//! A tunnel as the edge knows it: who may register as its connector.

use secrecy::SecretSlice;

use crate::{AccountTag, TunnelId};

/// A tunnel: a name for a private network, and the secret that its connectors prove.
#[derive(Clone, Debug)]
pub struct Tunnel {
    /// Never changes; travels in the credentials.
    pub id: TunnelId,
    /// What people call it; unique on an edge.
    pub name: String,
    /// The account that the credentials name.
    pub account: AccountTag,
    /// Shared with the connectors; 32 random bytes when generated.
    pub secret: SecretSlice<u8>,
}
