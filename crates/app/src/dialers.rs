//! Joins the two ways to an origin: the edge's own TCP, and its tunnels.

use std::sync::Arc;

use domain::{Address, Via};
use net::{BoxFuture, BoxStream, Dial, DialError, TcpDialer};

/// Dials by whichever way an origin asks for.
#[derive(Debug)]
pub(crate) struct Dialers {
    direct: TcpDialer,
    tunnels: Option<Arc<dyn Dial>>,
}

impl Dialers {
    /// `tunnels`: `None` where no tunnels are served.
    pub(crate) fn new(tunnels: Option<Arc<dyn Dial>>) -> Self {
        Self {
            direct: TcpDialer,
            tunnels,
        }
    }
}

impl Dial for Dialers {
    fn dial<'a>(
        &'a self,
        via: Via,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<BoxStream, DialError>> {
        match (via, &self.tunnels) {
            (Via::Tunnel(_), Some(tunnels)) => tunnels.dial(via, address),
            _ => self.direct.dial(via, address),
        }
    }
}
