//! Follows an origin's binary log. The reading of it comes with the next change; until then nobody
//! is told anything.

use crate::origin::OriginConnector;

/// Who hears what a log tells.
#[expect(dead_code, reason = "the reader of the log comes with the next change")]
pub(crate) trait Listener: Send + Sync {
    fn table_changed(&self, database: &str, table: &str);
    fn statement(&self, database: &str, sql: &[u8]);
    fn anything_changed(&self);
    fn following(&self, on: bool);
}

pub(crate) async fn follow(_: &OriginConnector, _: &impl Listener) {
    std::future::pending::<()>().await;
}
