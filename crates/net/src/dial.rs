//! The one way from the edge to an origin, whatever lies between.

use std::pin::Pin;

use domain::{Address, Via};

use crate::BoxStream;

/// A boxed future, for traits that are used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens byte streams to origins.
///
/// The MySQL front end holds an `Arc<dyn Dial>` and does not know whether the stream is a TCP
/// connection of the edge's own or a flow through a tunnel: the two meet in the crate `app`.
pub trait Dial: Send + Sync + std::fmt::Debug {
    /// Opens a stream to `address`, by the way of `via`.
    ///
    /// Has no timeout of its own beyond what the network below it has: the caller brings one, and
    /// may drop the future at any time without a leak.
    fn dial<'a>(
        &'a self,
        via: Via,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<BoxStream, DialError>>;
}

/// Why an origin could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DialError {
    kind: DialErrorKind,
    message: String,
}

/// Who is to blame for a [`DialError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialErrorKind {
    /// No connector of the tunnel is connected to this edge, or the last one was just lost.
    TunnelDown,
    /// The origin refused, did not answer, or its name is not known where it was dialled.
    OriginUnreachable,
    /// A rule forbids this destination.
    Forbidden,
}

impl DialError {
    /// Makes an error. The message is a lower-case fragment that names the address.
    pub fn new(kind: DialErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Who is to blame.
    pub fn kind(&self) -> DialErrorKind {
        self.kind
    }
}
