//! A result that is kept.

use std::sync::Arc;

use mysql_proto::Summary;
use query_cache::Weigh;

use super::Figures;

/// A result that is kept: the packets, as the origin sent them.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) bytes: Box<[u8]>,
    /// Its rows.
    pub(crate) rows: u64,
    /// Of its statement.
    pub(crate) figures: Arc<Figures>,
}

impl Kept {
    pub(crate) fn new(bytes: Box<[u8]>, summary: &Summary, figures: Arc<Figures>) -> Self {
        Self {
            bytes,
            rows: summary.last_rows(),
            figures,
        }
    }
}

impl Weigh for Kept {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }
}
