//! What both planes need of the network, and nothing of their protocols: the [`Dial`] trait through
//! which the MySQL front end reaches an origin without knowing of tunnels, TCP, TLS, backoff,
//! and drain.

mod backoff;
mod dial;
mod drain;
mod stream;
mod tcp;
pub mod tls;

pub use backoff::Backoff;
pub use dial::{BoxFuture, Dial, DialError, DialErrorKind};
pub use drain::{Drain, DrainGuard, DrainStart, Draining};
pub use stream::{BoxStream, Duplex, Rewind};
pub use tcp::{TcpDialer, listen, prepare};
