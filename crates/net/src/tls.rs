//! TLS configurations: what the edge presents, and what it demands of an origin.

mod authority;
mod client;
mod server;

pub use authority::{Authority, AuthorityError};
pub use client::{ClientTls, ClientTlsError};
pub use server::server_config;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The one provider of cryptography: aws-lc-rs, which brings X25519MLKEM768 first and secp256r1 for
/// connectors that offer nothing else classical.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
