//! Executions and the cache: what they are looked up by, and what they may change.

use mysql_sql::StatementKind;

use super::Session;
use crate::cache::{Bypass, Entry};
use crate::downstream::CommandPacket;
use crate::error::Trouble;
use crate::session::attributes::has_attributes;
use crate::session::cached::Read;
use crate::session::commits::{WriteSet, only_reads};
use crate::statements::StatementText;

/// Where the flags of an execution are, behind its command's byte and the statement's id: before
/// them nothing says what it executes.
const FLAGS: usize = 5;

impl Session {
    /// The result that is kept of an execution, if it may be answered so. `None`: it goes to the
    /// origin; what that answers may be kept.
    pub(super) async fn look_up_execution(
        &mut self,
        packet: CommandPacket,
        id: u32,
    ) -> Result<Option<Entry>, Trouble> {
        let cache = self.served.cache.as_ref();
        let keeps = cache.is_some_and(|cache| cache.keeps());
        let Some(prepared) = self.statements.get(id).filter(|_| keeps) else {
            return Ok(None);
        };
        // Not an `Arc` of its own: to count it is what all sessions with this text would wait for.
        let text = prepared.text();
        if text.statement().kind != StatementKind::Read {
            return Ok(None);
        }
        let payload = self.downstream.payload(packet);
        let has_attributes = has_attributes(self.downstream.capabilities());
        let flavor = self.served.pool.connector().flavor();
        let is_free = prepared.bound.is_none() && text.is_kept() && packet.is_whole;
        let plain = is_free.then(|| prepared.plain_execution(payload, has_attributes));
        let Some(plain) = plain.flatten() else {
            self.count_past(text, Bypass::Execution);
            return Ok(None);
        };
        let shape = prepared.shape_for(&plain, flavor);
        let read = Read::Execution(text, shape, plain.bytes().get(FLAGS..).unwrap_or_default());
        if self.may_look_up()
            && let Some(kept) = self.look_up(read)
        {
            text.executed();
            if let Some(prepared) = self.statements.get_mut(id) {
                prepared.note_plain(&plain, flavor);
            }
            return Ok(Some(kept));
        }
        let Some(planned) = self.plan_execution(text, read) else {
            return Ok(None);
        };
        let kept = self.take_part(planned).await?;
        if kept.is_some() {
            self.note_answered(packet, id);
        }
        Ok(kept)
    }

    /// An execution was answered behind a wait, and has told its types all the same.
    fn note_answered(&mut self, packet: CommandPacket, id: u32) {
        let payload = self.downstream.payload(packet);
        let has_attributes = has_attributes(self.downstream.capabilities());
        let flavor = self.served.pool.connector().flavor();
        let Some(prepared) = self.statements.get_mut(id) else {
            return;
        };
        prepared.text().executed();
        if let Some(plain) = prepared.plain_execution(payload, has_attributes) {
            prepared.note_plain(&plain, flavor);
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
