//! The packets of the connection phase.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html>

mod auth_switch;
mod change_user;
mod greeting;
mod response41;
mod ssl_request;

pub use auth_switch::AuthSwitchRequest;
pub use change_user::ChangeUserRequest;
pub use greeting::Greeting;
pub use response41::HandshakeResponse;
pub use ssl_request::SslRequest;

pub(crate) use auth_switch::{AUTH_MORE_DATA, AUTH_SWITCH};

use crate::Capabilities;

/// What this crate cannot do without, in either role.
pub(crate) const REQUIRED: Capabilities = Capabilities::PROTOCOL_41
    .union(Capabilities::SECURE_CONNECTION)
    .union(Capabilities::PLUGIN_AUTH);
