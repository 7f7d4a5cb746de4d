//! What is known of the last insert id of a connection.

/// What `LAST_INSERT_ID()` gives on a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InsertId {
    /// What it gave when nobody had changed it yet: what the session brought, or what no statement
    /// makes.
    pub(crate) known: u64,
    /// A statement may have changed it since.
    pub(crate) is_news: bool,
}

impl InsertId {
    pub(super) fn known(known: u64) -> Self {
        Self {
            known,
            is_news: false,
        }
    }
}
