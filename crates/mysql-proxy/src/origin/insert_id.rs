//! What is known of the last insert id of a connection.

/// What `LAST_INSERT_ID()` gives on a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InsertId {
    /// What it gave when nobody had changed it yet.
    pub(crate) known: u64,
    /// A statement may have changed it since.
    pub(crate) is_news: bool,
    /// An OK packet has told the known value since: if the connection gives that still, a statement
    /// has made it anew.
    pub(crate) told_known: bool,
}

impl InsertId {
    pub(super) fn known(value: u64) -> Self {
        Self {
            known: value,
            ..Self::default()
        }
    }

    /// A statement may have changed it; its OK packet said `told`.
    pub(super) fn note(&mut self, told: u64) {
        self.is_news = true;
        self.told_known |= told == self.known;
    }
}
