//! MySQL packets, both handshake roles, authentication and response tracking, sans-IO.
//!
//! Bytes go in, bytes and events come out. Nothing here opens a socket, reads a clock, draws a
//! random number or computes RSA: nonces are given, and what needs a key is asked of the caller by
//! an event. The crate is pure Rust and compiles for `wasm32-unknown-unknown`.
//!
//! - Packets: [`PacketReader`] puts logical packets together, [`PacketWriter`] frames them.
//! - Login: [`ServerHandshake`] is what a client meets, [`ClientHandshake`] what an origin meets;
//!   [`ChangeUser`] is a login within a connection.
//! - Responses: [`ResponseTracker`] follows a response through raw bytes and knows where it ends;
//!   [`OkPacket`], [`ErrPacket`] and [`TextResultSet`] make responses.
//! - Prepared statements: [`ExecuteView`] finds the parts of an execution, [`patch_statement_id`]
//!   changes whose it is.
//! - Statements with query attributes: [`AttributedQuery`] tells where the text begins.
//! - The binary log: [`BinlogReader`] tells what others have changed, as a replica is told.
//!
//! No input can make this crate panic or allocate without bound.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::panic
    )
)]

pub mod auth;
mod binlog;
mod capabilities;
mod change_user;
mod client_handshake;
mod command;
mod error;
mod handshake;
mod packet;
mod query_attributes;
mod response;
mod server_handshake;
mod statement;
mod status;
mod wire;

pub use auth::{AuthPlugin, NONCE_LEN, caching_sha2, clear_password, ed25519, native_password};
pub use binlog::{
    BinlogDump, BinlogError, BinlogEvent, BinlogEventBody, BinlogPacket, BinlogReader,
    BinlogStatement, PackedEvents, PackedForm, binlog_settings, unpacked_events,
};
pub use capabilities::Capabilities;
pub use change_user::{ChangeUser, ChangeUserConfig};
pub use client_handshake::{ClientConfig, ClientEvent, ClientHandshake};
pub use command::{Command, write_command};
pub use error::{DecodeError, HandshakeError, ProtocolError};
pub use handshake::{
    AuthSwitchRequest, ChangeUserRequest, Greeting, HandshakeResponse, SslRequest,
};
pub use packet::{
    HEADER_LEN, MAX_PAYLOAD, Packet, PacketHeader, PacketReader, PacketWriter, write_packet,
};
pub use query_attributes::{AttributedQuery, QueryAttribute};
pub use response::{
    ColumnDefinition, ColumnFlags, ColumnType, EofPacket, ErrPacket, Fed, OkPacket, ResponseState,
    ResponseTracker, StateChange, StateChangeKind, Summary, TextResultSet, TextRow, state_changes,
};
pub use server_handshake::{ServerConfig, ServerEvent, ServerHandshake};
pub use statement::{ExecuteFlags, ExecuteView, patch_statement_id, statement_id};
pub use status::StatusFlags;
