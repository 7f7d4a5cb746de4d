//! A result that is kept.

use std::sync::Arc;

use mysql_proto::Summary;

use super::Figures;
use super::key::Context;

/// A result that is kept, in its own bytes the packets, as the origin sent them.
pub(crate) type Entry = query_cache::Entry<Context, Kept>;

/// What is told of it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Its rows.
    pub(crate) rows: u64,
    /// Of its statement.
    pub(crate) figures: Arc<Figures>,
}

impl Kept {
    pub(crate) fn new(summary: &Summary, figures: Arc<Figures>) -> Self {
        Self {
            rows: summary.last_rows(),
            figures,
        }
    }
}
