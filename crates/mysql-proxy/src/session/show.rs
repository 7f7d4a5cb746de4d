//! `SHOW TIDEGATE …`, which the edge answers itself: no lease is needed, so that it also works when
//! the pool is exhausted or the origin down.

use mysql_proto::StatusFlags;
use mysql_sql::TidegateTable;

use super::Session;
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::show;

impl Session {
    /// True for a statement that the edge answers itself: then the origin need not be asked how
    /// literals read, of which it has none.
    pub(super) fn is_for_edge(&self, packet: CommandPacket) -> bool {
        let text = self.downstream.sql(packet);
        let effect = self.classify(text, packet.is_whole).effect;
        let has_literal = text.iter().any(|byte| matches!(byte, b'\'' | b'"' | b'\\'));
        !has_literal && (effect.tidegate.is_some() || effect.kill.is_some())
    }

    /// Answers with the rows of a table.
    pub(super) async fn show(
        &mut self,
        packet: CommandPacket,
        table: TidegateTable,
    ) -> Result<(), SessionEnd> {
        let registry = self.registered.registry();
        let Some(table) = show::table(table, &self.served, registry) else {
            return self.give_up(packet, Trouble::UnknownTable).await;
        };
        self.discard(packet).await?;
        let status = self.status.unwrap_or(StatusFlags::AUTOCOMMIT);
        let mut response = Vec::new();
        table.write(&mut response, self.downstream.capabilities(), status);
        self.downstream.send(&response).await?;
        self.give_back_unused().await
    }
}
