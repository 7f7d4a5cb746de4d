//! Executions and the cache: what it has for them, what becomes of their results, and what they may
//! change.

use mysql_sql::StatementKind;
use tokio::time::Instant;

use super::Session;
use super::execute::SHORTEST_EXECUTION;
use crate::cache::{Bypass, Entry};
use crate::downstream::CommandPacket;
use crate::error::Trouble;
use crate::session::attributes::has_attributes;
use crate::session::cached::{NotFound, Planned, Read};
use crate::session::commits::{WriteSet, only_reads};
use crate::statements::{Plain, Prepared, StatementText};

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
    fn plan_of(&mut self, packet: CommandPacket, id: u32) -> Option<Planned> {
        let missing = self.at_once.take_key();
        let cache = self.served.cache.as_ref()?;
        let prepared = self.statements.get(id).filter(|_| cache.keeps())?;
        // Not an `Arc` of its own: to count it is what all sessions with this text would wait for.
        let text = prepared.text();
        if let Some(key) = missing {
            return self.plan_execution(text, || Ok(key));
        }
        if text.statement().kind != StatementKind::Read {
            return None;
        }
        let Some(plain) = self.plain_execution(packet, prepared) else {
            self.count_past(text, Bypass::Execution);
            return None;
        };
        let (read, _) = self.read_of(prepared, &plain);
        self.plan_execution(text, || self.key_to_fill(read))
    }

    /// An execution as a read, and what others before it have made of its statement.
    #[inline]
    fn read_of<'s>(&self, prepared: &'s Prepared, plain: &'s Plain<'s>) -> (Read<'s>, u64) {
        let flavor = self.served.pool.connector().flavor();
        let shape = prepared.shape_for(plain, flavor);
        let read = Read::Execution(prepared.text(), shape, plain.pieces());
        (read, shape)
    }

    /// What the cache has for an execution.
    pub(in crate::session) fn find_execution(
        &mut self,
        packet: CommandPacket,
        now: Instant,
    ) -> Result<Entry, NotFound> {
        let id = self.executable(packet, SHORTEST_EXECUTION);
        let id = id.map_err(|_| NotFound::NotSought)?;
        let prepared = self.statements.get(id).ok_or(NotFound::NotSought)?;
        let text = prepared.text();
        if text.statement().kind != StatementKind::Read {
            return Err(NotFound::NotSought);
        }
        let plain = self.plain_execution(packet, prepared);
        let plain = plain.ok_or(NotFound::NotSought)?;
        let (read, shape) = self.read_of(prepared, &plain);
        let key = self.sought(read)?;
        let Some(kept) = self.look_up(&key, shape, now) else {
            let touches = text.touches(self.dialect());
            let is_kept = touches.is_some_and(|touches| touches.keeps.is_ok());
            return Err(if is_kept {
                NotFound::Execution(key.to_key(self.states()))
            } else {
                NotFound::NotSought
            });
        };
        text.executed();
        let made = prepared.made_by(&plain, self.served.pool.connector().flavor());
        self.statements.note_made(id, made);
        Ok(kept)
    }

    /// An execution was answered behind a wait, and has told its types all the same.
    fn note_answered(&mut self, packet: CommandPacket, id: u32) {
        let Some(prepared) = self.statements.get(id) else {
            return;
        };
        prepared.text().executed();
        let flavor = self.served.pool.connector().flavor();
        let plain = self.plain_execution(packet, prepared);
        let made = plain.and_then(|plain| prepared.made_by(&plain, flavor));
        self.statements.note_made(id, made);
    }

    /// An execution in the form by which its result is found. `None`: it has none that is kept.
    fn plain_execution<'s>(
        &'s self,
        packet: CommandPacket,
        prepared: &'s Prepared,
    ) -> Option<Plain<'s>> {
        if prepared.bound.is_some() || !prepared.text().is_kept() || !packet.is_whole {
            return None;
        }
        let has_attributes = has_attributes(self.downstream.capabilities());
        prepared.plain_execution(self.downstream.payload(packet), has_attributes)
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
