//! Connections to an origin: how they are opened, checked and closed.

mod conn;
mod connect;

pub use conn::OriginConn;
pub use connect::OriginConnector;
