//! Tests of the public face of `mysql-proto`, against what real servers and clients have sent.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod binlog;
mod change_user;
mod client_logins;
mod golden;
mod limits;
mod pair;
mod properties;
mod query_attributes;
mod responses;
mod server_logins;
mod statements;
mod tracking;
