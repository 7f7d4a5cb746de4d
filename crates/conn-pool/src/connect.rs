//! What a pool needs to know of its connections.

use std::fmt::Debug;

/// Opens, checks and closes the connections of a pool.
pub trait Connect: Send + Sync + 'static {
    /// What makes two connections interchangeable, at a price: see [`Connect::fit`].
    type Key: Clone + Eq + Debug + Send + Sync + 'static;
    /// How whoever asks would like a connection to be.
    type Wish: ?Sized + Sync;
    /// A connection.
    type Conn: Send + 'static;
    /// Why none could be opened.
    type Error: Debug + Send + 'static;

    /// Opens a connection. The pool bounds it by [`crate::PoolConfig::connect_timeout`] and may
    /// drop the future at any time.
    fn connect(
        &self,
        key: &Self::Key,
    ) -> impl Future<Output = Result<Self::Conn, Self::Error>> + Send;

    /// Tells how near an idle connection of the right key is to a wish. It is called under the
    /// pool's lock, for several connections in a row: it must be cheap, and must not call the pool.
    fn fit(&self, conn: &Self::Conn, wish: &Self::Wish) -> Fit;

    /// Tells, without waiting, whether an idle connection can still be used. False closes it.
    fn is_alive(&self, conn: &mut Self::Conn) -> bool;

    /// Closes a connection that is idle and in a known state; may say goodbye, must not wait.
    fn close(&self, conn: Self::Conn);
}

/// How near a connection is to what somebody wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It can be used as it is.
    Ready,
    /// It can be brought there.
    Bring,
    /// It cannot be brought there.
    Never,
}
