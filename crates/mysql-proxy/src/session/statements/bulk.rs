//! `COM_STMT_BULK_EXECUTE` of MariaDB: one statement, many rows of parameters, by which its
//! connectors insert arrays. <https://mariadb.com/kb/en/com_stmt_bulk_execute/>
//!
//! It always brings its types along, and its rows may fill many packets, so it is passed on as it
//! is, but for the id. The handle belongs to the statement for so long: where the connection is
//! lost before a byte has left, another one would know the id as that of another statement.

use std::sync::Arc;

use mysql_proto::{Capabilities, Summary};
use mysql_sql::Effect;

use super::execute::ToExecute;
use super::{Bound, Session};
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::session::outcome::Relayed;
use crate::session::relay::Outgoing;
use crate::statements::{Shape, StatementText};

/// Pins for as long as it lasts.
const BULK_EXECUTION: &str = "bulk_execution";

/// Types follow the flags.
const SENDS_TYPES: u16 = 128;

impl Session {
    /// True when the client was offered the command.
    pub(in crate::session) fn knows_bulk(&self) -> bool {
        let capabilities = self.downstream.capabilities();
        capabilities.contains(Capabilities::MARIADB_STMT_BULK_OPERATIONS)
    }

    /// `COM_STMT_BULK_EXECUTE`.
    pub(super) async fn execute_bulk(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = self.statement_id(packet);
        let Some(prepared) = self.statements.get(id) else {
            return self.unknown_statement(packet).await;
        };
        let text = Arc::clone(prepared.text());
        let mut effect = text.statement().effect.clone();
        if let Err(trouble) = self.get_ready(id, &text, &mut effect).await {
            return self.give_up(packet, trouble).await;
        }
        text.executed();
        self.note_bulk_types(packet, id);
        self.patch_bound(packet, id);
        let outgoing = Outgoing::unchanged(packet);
        let summary = match self.relay(&outgoing, &effect).await? {
            Relayed::Response(summary) => summary,
            Relayed::Failed(how) => {
                if text.is_kept() {
                    // Another connection can have it: nothing of the session's is lost.
                    self.statements.unbind(id);
                    self.pins.unbind(id);
                }
                return self.tell_failed(*how).await;
            }
        };
        self.release_handle(id);
        self.note_bulk(&text, &effect, &summary).await
    }

    /// Leads a lease to the session's state, and gives the statement a handle there.
    async fn get_ready(
        &mut self,
        id: u32,
        text: &Arc<StatementText>,
        effect: &mut Effect,
    ) -> Result<(), Trouble> {
        let mut other = None;
        if effect.reads_previous || !effect.questions.is_empty() {
            match self.ask_prepared(text, effect).await? {
                ToExecute::Own => {}
                ToExecute::Other(text) => other = Some(text),
                ToExecute::Nothing(_) => return Err(Trouble::PreviousGone),
            }
        }
        self.expect_user_variables(effect);
        self.take_lease().await?;
        // Ahead of the handle, as a reset would close it.
        self.lead_lease(effect).await?;
        effect.needs_unused = false;
        effect.user_variables.clear();
        match other {
            None => self.bind(id).await?,
            Some(other) => {
                let handle = self.take_handle(&other, Shape::default().stamp()).await?;
                self.statements.bind(id, Bound::new(handle));
            }
        }
        self.pins.bind(id, BULK_EXECUTION);
        Ok(())
    }

    /// The types of the rows are those that a later execution may leave out.
    fn note_bulk_types(&mut self, packet: CommandPacket, id: u32) {
        let argument = self.downstream.argument(packet);
        let (flags, types) = match argument.get(4..).and_then(<[u8]>::split_first_chunk) {
            Some((flags, types)) => (u16::from_le_bytes(*flags), types),
            None => return,
        };
        let Some(prepared) = self.statements.get(id) else {
            return;
        };
        let len = 2 * usize::from(prepared.params);
        let types = types.get(..len).filter(|_| flags & SENDS_TYPES != 0);
        let types = types.map(Arc::from);
        if let Some(prepared) = self.statements.get_mut(id)
            && types.is_some()
        {
            prepared.types = types;
        }
    }

    /// The handle is free for others, who have to bring types along.
    fn release_handle(&mut self, id: u32) {
        self.unbind(id, |bound| bound.handle.types = None);
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
