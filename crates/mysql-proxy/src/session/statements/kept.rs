//! Executions and the cache: what they are looked up by, and what they may change.

use std::sync::Arc;

use mysql_sql::StatementKind;
use query_cache::Entry;

use super::Session;
use crate::cache::{Bypass, Kept};
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
        text: &Arc<StatementText>,
    ) -> Result<Option<Arc<Entry<Kept>>>, Trouble> {
        let keeps = self
            .served
            .cache
            .as_ref()
            .is_some_and(|cache| cache.keeps());
        if !keeps || text.statement().kind != StatementKind::Read {
            return Ok(None);
        }
        let payload = self.downstream.payload(packet);
        let has_attributes = has_attributes(self.downstream.capabilities());
        let flavor = self.served.pool.connector().flavor();
        let prepared = self.statements.get(id);
        let prepared =
            prepared.filter(|it| it.bound.is_none() && text.is_kept() && packet.is_whole);
        let plain = prepared.and_then(|it| it.plain_execution(payload, has_attributes));
        let (Some(prepared), Some(plain)) = (prepared, plain) else {
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
            self.note_answered(packet, id, text);
        }
        Ok(kept)
    }

    /// An execution was answered behind a wait, and has told its types all the same.
    fn note_answered(&mut self, packet: CommandPacket, id: u32, text: &StatementText) {
        text.executed();
        let payload = self.downstream.payload(packet);
        let has_attributes = has_attributes(self.downstream.capabilities());
        let flavor = self.served.pool.connector().flavor();
        let Some(prepared) = self.statements.get_mut(id) else {
            return;
        };
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
