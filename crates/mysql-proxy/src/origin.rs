//! Connections to an origin: how they are opened, led to a session's state, asked, and closed.

mod ask;
mod conn;
mod connect;
mod identity;
mod insert_id;
mod prepare;
mod reset;
mod wear;

pub(crate) use ask::{Answer, BringError, MAX_CONDITION_BYTES, MAX_CONDITIONS, packets};
pub(crate) use conn::OriginConn;
pub(crate) use conn::{Flavor, Life, SendError, escapes};
pub(crate) use connect::OriginConnector;
pub(crate) use identity::Identity;
