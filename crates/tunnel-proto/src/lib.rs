//! The wire between an edge and its connectors, which is cloudflared's: what opens a stream, the
//! messages of registration, and the credentials of a tunnel. Sans-IO: bytes in, messages out.
//!
//! ```text
//! connector                                                   edge
//!    │ ── QUIC handshake, ALPN `argotunnel` ───────────────────► │
//!    │ ── stream 0: control stream (Cap'n Proto RPC) ──────────► │  registration
//!    │        registerConnection(account, secret, tunnel, …)     │
//!    │ ◄── connectionDetails │ error ─────────────────────────── │
//!    │                                                           │
//!    │ ◄── one stream per flow: signature, version, request ──── │  stream, connect
//!    │ ── signature, version, response ────────────────────────► │
//!    │ ◄═══════════════════ bytes, both ways ══════════════════► │
//! ```
//!
//! `schema/*.capnp` is our text of the messages, with cloudflared's ids; `*_capnp.rs` is generated
//! from it and committed, so that a build needs no `capnp`. To generate it again, with capnpc 0.27:
//! `capnp compile -orust:src --src-prefix=schema schema/*.capnp`.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic
)]

mod connect;
mod credentials;
mod error;
pub mod feature;
mod registration;
mod stream;

#[rustfmt::skip]
#[expect(
    missing_debug_implementations, unnameable_types, unreachable_pub,
    clippy::unwrap_used, clippy::use_self, clippy::pedantic,
    reason = "generated"
)]
mod quic_metadata_capnp;
#[rustfmt::skip]
#[expect(
    missing_debug_implementations, missing_docs, unused_qualifications,
    clippy::allow_attributes_without_reason, clippy::unwrap_used, clippy::use_self,
    clippy::pedantic, clippy::match_single_binding,
    reason = "generated"
)]
pub mod tunnelrpc_capnp;

pub use connect::{
    ConnectRequest, ConnectResponse, ConnectionType, MAX_CONNECT_MESSAGE, Metadata, Refusal,
};
pub use credentials::Credentials;
pub use error::{CredentialsError, DecodeError};
pub use registration::{ConnectionDetails, ConnectorInfo, Registration, RegistrationReply};
pub use stream::{SIGNATURE_LEN, StreamKind};
