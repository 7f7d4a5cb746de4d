//! An edge and connectors on loopback, with real sockets and real time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cloudflared;
mod flows;
mod loss;
mod origin;
mod raw;
mod registration;
mod restart;
mod udp_path;
mod world;
