//! Executions and the cache: what becomes of their results, and what they may change.

use mysql_sql::StatementKind;

use super::Session;
use crate::cache::{Bypass, Entry};
use crate::downstream::CommandPacket;
use crate::error::Trouble;
use crate::session::attributes::has_attributes;
use crate::session::cached::{Planned, Read};
use crate::session::commits::{WriteSet, only_reads};
use crate::statements::StatementText;

impl Session {
    /// Finds out who asks for the same as an execution that has nothing kept, and waits for that.
    /// `None`: it goes to the origin; what that answers may be kept.
    pub(super) async fn take_part_in_execution(
        &mut self,
        packet: CommandPacket,
        id: u32,
    ) -> Result<Option<Entry>, Trouble> {
        let Some(planned) = self.plan_of(packet, id) else {
            return Ok(None);
        };
        let kept = self.take_part(planned).await?;
        if kept.is_some() {
            self.note_answered(packet, id);
        }
        Ok(kept)
    }

    /// What becomes of an execution's result. `None`: it is not to be kept.
    fn plan_of(&self, packet: CommandPacket, id: u32) -> Option<Planned> {
        let cache = self.served.cache.as_ref()?;
        let prepared = self.statements.get(id).filter(|_| cache.keeps())?;
        // Not an `Arc` of its own: to count it is what all sessions with this text would wait for.
        let text = prepared.text();
        if text.statement().kind != StatementKind::Read {
            return None;
        }
        let payload = self.downstream.payload(packet);
        let has_attributes = has_attributes(self.downstream.capabilities());
        let is_free = prepared.bound.is_none() && text.is_kept() && packet.is_whole;
        let plain = is_free.then(|| prepared.plain_execution(payload, has_attributes));
        let Some(plain) = plain.flatten() else {
            self.count_past(text, Bypass::Execution);
            return None;
        };
        let flavor = self.served.pool.connector().flavor();
        let shape = prepared.shape_for(&plain, flavor);
        self.plan_execution(text, Read::Execution(text, shape, plain.pieces()))
    }

    /// An execution was answered behind a wait, and has told its types all the same.
    fn note_answered(&mut self, packet: CommandPacket, id: u32) {
        let payload = self.downstream.payload(packet);
        let has_attributes = has_attributes(self.downstream.capabilities());
        let flavor = self.served.pool.connector().flavor();
        let Some(prepared) = self.statements.get(id) else {
            return;
        };
        prepared.text().executed();
        let plain = prepared.plain_execution(payload, has_attributes);
        let made = plain.and_then(|plain| prepared.made_by(&plain, flavor));
        if let Some(made) = made
            && let Some(prepared) = self.statements.get_mut(id)
        {
            prepared.note_made(made);
        }
    }

    /// What an execution of a statement may change.
    pub(super) fn writes_of<'t>(&self, text: &'t StatementText) -> Option<WriteSet<'t>> {
        self.served.cache.as_ref()?;
        if only_reads(text.statement()) {
            return Some(WriteSet::NOTHING);
        }
        let touches = text.touches(self.dialect())?;
        Some(WriteSet::of(touches, text.under().database_name()))
    }
}
