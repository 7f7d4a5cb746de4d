//! What a pool needs to know of its connections.

use std::fmt::Debug;

/// Opens, checks and closes the connections of a pool.
pub trait Connect: Send + Sync + 'static {
    /// What makes two connections interchangeable.
    type Key: Clone + Eq + Debug + Send + Sync + 'static;
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

    /// Tells, without waiting, whether an idle connection can still be used. False closes it.
    fn is_alive(&self, conn: &mut Self::Conn) -> bool;

    /// Closes a connection that is idle and in a known state; may say goodbye, must not wait.
    fn close(&self, conn: Self::Conn);
}
