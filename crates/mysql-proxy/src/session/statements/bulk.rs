//! `COM_STMT_BULK_EXECUTE` of MariaDB: one statement, many rows of parameters, by which its
//! connectors insert arrays. <https://mariadb.com/kb/en/com_stmt_bulk_execute/>
//!
//! Its rows may fill many packets, so it is passed on as it is, but for the id. The handle belongs
//! to the statement for so long: where the connection is lost before a byte has left, another one
//! would know the id as that of another statement.
//!
//! A client that has bound nothing anew leaves the types out, and the server takes those of the
//! execution before. Another session's may have been the last on the handle, so they are put in
//! then, where there is room: else the rows would be read as what they are not.

use std::sync::Arc;

use mysql_proto::{Capabilities, Command, MAX_PAYLOAD, Summary, write_command};
use mysql_sql::{Effect, MakesInsertId, QuestionKind};

use super::Session;
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::refusal;
use crate::session::outcome::Relayed;
use crate::session::outgoing::Outgoing;
use crate::statements::StatementText;

/// Pins for as long as it lasts.
const BULK_EXECUTION: &str = "bulk_execution";

/// Of the flags: types follow them.
const SENDS_TYPES: u16 = 128;

/// The statement's id, and the flags behind it.
const ID_LEN: usize = 4;
const FLAGS_END: usize = ID_LEN + 2;

impl Session {
    /// True when the client was offered the command.
    pub(in crate::session) fn knows_bulk(&self) -> bool {
        let capabilities = self.downstream.capabilities();
        capabilities.contains(Capabilities::MARIADB_STMT_BULK_OPERATIONS)
    }

    /// `COM_STMT_BULK_EXECUTE`.
    pub(super) async fn execute_bulk(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = match self.executable(packet, FLAGS_END) {
            Ok(id) => id,
            Err(None) => return self.unknown_statement(packet).await,
            Err(Some(trouble)) => return self.give_up(packet, trouble).await,
        };
        let Some(text) = self.statements.text(id) else {
            return self.unknown_statement(packet).await;
        };
        let mut effect = effect_of_many(&text);
        self.look_at_routines(&mut effect, text.under().database_name());
        let mut outgoing = Outgoing::unchanged(packet).of(text.statement().kind, &effect);
        self.note_alone(&outgoing);
        match self.get_ready(id, &mut effect).await {
            Ok(()) => {}
            // The connection is there still: this is the preparation's own error.
            Err(Trouble::Refused(error)) if self.held.is_some() => {
                return match self.answer_error(packet, &error).await? {
                    Relayed::Response(summary) => self.note_bulk(&text, &effect, &summary).await,
                    Relayed::Failed(how) => self.tell_failed(*how).await,
                };
            }
            Err(trouble) => return self.give_up(packet, trouble).await,
        }
        match self.with_types(packet, id) {
            Ok(packet) => outgoing.packet_instead = packet,
            Err(trouble) => {
                self.unbind(id, |_| {});
                return self.give_up(packet, trouble).await;
            }
        }
        outgoing.writes = self.writes_of(&text);
        text.executed();
        let summary = match self.relay(&outgoing, &effect).await? {
            Relayed::Response(summary) => summary,
            Relayed::Failed(how) => {
                let is_free = |bound: &super::Bound| !bound.cursor && !bound.long_data;
                let bound = self
                    .statements
                    .get(id)
                    .and_then(|known| known.bound.as_ref());
                if text.is_kept() && bound.is_some_and(is_free) {
                    // Another connection can have it: nothing of the session's is lost.
                    self.statements.unbind(id);
                    self.pins.unbind(id);
                }
                return self.tell_failed(*how).await;
            }
        };
        let types = self
            .statements
            .get(id)
            .and_then(|known| known.types.clone());
        self.unbind(id, |bound| bound.handle.types = types);
        self.note_bulk(&text, &effect, &summary).await
    }

    /// Leads a lease to the session's state, and gives the statement a handle there.
    async fn get_ready(&mut self, id: u32, effect: &mut Effect) -> Result<(), Trouble> {
        let asks_more = effect
            .questions
            .iter()
            .any(|q| q.kind != QuestionKind::LastInsertId);
        if effect.reads_previous || asks_more {
            // No literal can stand for a call in what is prepared already.
            return Err(Trouble::NotSupported(
                "COM_STMT_BULK_EXECUTE of a statement that asks about its connection",
            ));
        }
        effect.questions.clear();
        self.expect_user_variables(effect);
        self.take_lease().await?;
        if effect.reads_insert_id {
            self.resolve_insert_id().await;
            self.take_lease().await?;
        }
        // Ahead of the handle, as a reset would close it.
        self.lead_lease(effect).await?;
        effect.needs_unused = false;
        effect.user_variables.clear();
        self.bind(id).await?;
        self.pins.bind(id, BULK_EXECUTION);
        Ok(())
    }

    /// Puts the handle's id into the packet. Gives another one to send in its place, where types
    /// have to be put in.
    fn with_types(&mut self, packet: CommandPacket, id: u32) -> Result<Option<Vec<u8>>, Trouble> {
        self.patch_bound(packet, id);
        let argument = self.downstream.argument(packet);
        let Some((head, rows)) = argument.split_at_checked(FLAGS_END) else {
            return Ok(None);
        };
        let (origin_id, flags) = head.split_at(ID_LEN);
        let flags = flags
            .first_chunk()
            .map_or(0, |flags| u16::from_le_bytes(*flags));
        let Some(prepared) = self.statements.get_mut(id) else {
            return Ok(None);
        };
        if flags & SENDS_TYPES != 0 {
            let types = rows.get(..2 * usize::from(prepared.params));
            prepared.types = types.map(Arc::from);
            return Ok(None);
        }
        let there = prepared
            .bound
            .as_ref()
            .and_then(|bound| bound.handle.types.as_ref());
        let Some(types) = prepared
            .types
            .as_ref()
            .filter(|types| Some(*types) != there)
        else {
            // As the client believes: perhaps none at all, which the server refuses.
            return Ok(None);
        };
        let flags = (flags | SENDS_TYPES).to_le_bytes();
        let argument = [origin_id, &flags, types, rows].concat();
        if !packet.is_whole || argument.len() + 1 >= MAX_PAYLOAD {
            return Err(Trouble::Refused(refusal::too_long()));
        }
        let mut instead = Vec::new();
        write_command(&mut instead, Command::STMT_BULK_EXECUTE, &argument);
        Ok(Some(instead))
    }

    async fn note_bulk(
        &mut self,
        text: &StatementText,
        effect: &Effect,
        summary: &Summary,
    ) -> Result<(), SessionEnd> {
        self.note(text.statement().kind, effect, summary).await?;
        self.settle().await
    }
}

/// What a statement does when it is executed for many rows: the reply may tell of the last of them
/// only.
fn effect_of_many(text: &StatementText) -> Effect {
    let mut effect = text.statement().effect.clone();
    if effect.makes_insert_id == MakesInsertId::Told {
        effect.makes_insert_id = MakesInsertId::Untold;
    }
    effect
}
