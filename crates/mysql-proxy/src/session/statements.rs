//! The commands of prepared statements.
//!
//! ```text
//!   PREPARE          to the origin, always; its answer gets an id of ours     prepare.rs
//!   EXECUTE          on a handle of the connection in hand; if that has none,  execute.rs
//!                    PREPARE and EXECUTE go out together                       send.rs
//!   BULK_EXECUTE     on a handle that is there, or is prepared first            bulk.rs
//!   SEND_LONG_DATA   binds a handle to the client's statement; not that of a cursor
//!   FETCH            on that handle, while a cursor is open
//!   RESET, CLOSE     on that handle, if there is one; else nothing is sent
//!
//!   error 1461       what is kept for nobody makes room, then once more        room.rs
//! ```
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase_ps.html>

mod bulk;
mod execute;
mod kept;
mod prepare;
mod reframe;
mod room;
mod send;

use std::sync::Arc;

use mysql_proto::{Command, ExecuteView, StatusFlags, Summary, patch_statement_id, write_command};
use mysql_sql::{Effect, StatementKind};

use super::Session;
use super::attributes::has_attributes;
use super::outcome::Relayed;
use super::outgoing::Outgoing;
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::refusal;
use crate::statements::{Bound, Handle, HandleKey, Prepared, StatementText};

pub(super) use send::{Aimed, Execution};

/// <https://mariadb.com/kb/en/com_stmt_execute/>
const LAST_PREPARED: u32 = u32::MAX;

/// Pins by a handle that is bound to a statement.
const LONG_DATA: &str = "long_data";
const OPEN_CURSOR: &str = "open_cursor";
/// Its text is too large to be kept for another connection.
const LARGE_STATEMENT: &str = "large_statement";

impl Session {
    /// Serves a `COM_STMT_…`. What is rarer than an execution is boxed: an idle session pays for
    /// the largest future of all that it may ever await.
    pub(super) async fn statement_command(
        &mut self,
        packet: CommandPacket,
    ) -> Result<(), SessionEnd> {
        // One that is answered from the cache is none that the origin gets.
        if packet.command == Command::STMT_EXECUTE {
            return self.execute(packet).await;
        }
        self.served.metrics.commands.inc();
        match packet.command {
            Command::STMT_BULK_EXECUTE => Box::pin(self.execute_bulk(packet)).await,
            Command::STMT_PREPARE => Box::pin(self.prepare(packet)).await,
            Command::STMT_SEND_LONG_DATA => Box::pin(self.send_long_data(packet)).await,
            Command::STMT_FETCH => Box::pin(self.fetch(packet)).await,
            Command::STMT_RESET => Box::pin(self.reset_statement(packet)).await,
            _ => Box::pin(self.close_statement(packet)).await,
        }
    }

    /// `COM_STMT_FETCH`: rows of an open cursor.
    async fn fetch(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = self.statement_id(packet);
        let Some(prepared) = self.statements.get(id) else {
            return self.unknown_statement(packet).await;
        };
        let has_cursor = prepared.bound.as_ref().is_some_and(|bound| bound.cursor);
        if !has_cursor {
            let flavor = self.served.pool.connector().flavor();
            let trouble = Trouble::NoCursor { id, flavor };
            return self.give_up(packet, trouble).await;
        }
        let Some(summary) = self.relay_bound(packet, id).await? else {
            return Ok(());
        };
        if summary.error.is_none() && !summary.cursor_open {
            // Pieces are dropped with the last row.
            if !self.close_parted(id) {
                self.unbind(id, |bound| bound.cursor = false);
            }
        }
        self.note(StatementKind::Other, &Effect::default(), &summary)
            .await?;
        self.settle().await
    }

    /// `COM_STMT_RESET`: drops long data, and closes the cursor.
    async fn reset_statement(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = self.statement_id(packet);
        let Some(prepared) = self.statements.get_mut(id) else {
            return self.unknown_statement(packet).await;
        };
        prepared.failed = None;
        let is_open = |bound: &Bound| bound.cursor || bound.long_data;
        if !prepared.bound.as_ref().is_some_and(is_open) {
            if self.held.is_some() {
                return self.reset_by_ping(packet).await;
            }
            self.discard(packet).await?;
            let status = self.status.unwrap_or(StatusFlags::AUTOCOMMIT);
            return self.downstream.send_ok(status).await;
        }
        let Some(summary) = self.relay_bound(packet, id).await? else {
            return Ok(());
        };
        if summary.error.is_none() {
            self.unbind(id, |bound| (bound.cursor, bound.long_data) = (false, false));
        }
        self.settle().await
    }

    /// There is nothing to reset, but only the connection knows the status that the reply tells: an
    /// error before it told none.
    async fn reset_by_ping(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let mut ping = Vec::new();
        write_command(&mut ping, Command::PING, &[]);
        let outgoing = Outgoing {
            packet_instead: Some(ping),
            ..Outgoing::unchanged(packet)
        };
        let mut effect = Effect::command();
        self.relay_statement(&outgoing, StatementKind::Other, &mut effect)
            .await
    }

    /// `COM_STMT_CLOSE`: has no response. The handle stays for others.
    async fn close_statement(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = self.statement_id(packet);
        self.discard(packet).await?;
        let Some(mut prepared) = self.statements.close(id) else {
            return Ok(());
        };
        let Some(bound) = prepared.bound.take() else {
            return Ok(());
        };
        self.pins.unbind(id);
        if let Some(lease) = &mut self.held {
            lease.handles.close_all(bound);
        }
        self.send_closing().await;
        self.settle().await
    }

    /// `COM_STMT_SEND_LONG_DATA`: has no response. What goes wrong is told to the next execution.
    async fn send_long_data(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = self.statement_id(packet);
        let param = self.long_data_parameter(packet);
        let flavor = self.served.pool.connector().flavor();
        let Some(prepared) = self.statements.get_mut(id) else {
            return self.discard(packet).await.map(drop);
        };
        let Some(param) = param.filter(|_| prepared.failed.is_none()) else {
            return self.discard(packet).await.map(drop);
        };
        if param >= prepared.params {
            prepared.failed = Some(refusal::wrong_long_data(flavor));
            return self.discard(packet).await.map(drop);
        }
        if let Err(trouble) = self.bind_for_pieces(id).await {
            if let Trouble::Client(end) = trouble {
                return Err(end);
            }
            let error = refusal::of_trouble(&trouble, &self.served.hyperdrive);
            self.shared.metrics.error(error.code);
            if let Some(prepared) = self.statements.get_mut(id) {
                prepared.failed = Some(error);
            }
            self.discard(packet).await?;
            return self.settle().await;
        }
        self.unbind(id, |bound| bound.long_data = true);
        self.patch_bound(packet, id);
        match self
            .relay(&Outgoing::unchanged(packet), &Effect::default())
            .await?
        {
            Relayed::Response(_) => self.settle().await,
            // Nobody waits for an answer, and what was bound is gone.
            Relayed::Failed(_) => Err(SessionEnd::StateLost),
        }
    }

    /// The parameter that a `COM_STMT_SEND_LONG_DATA` is for. `None`: it is too short, and servers
    /// pass over it.
    fn long_data_parameter(&self, packet: CommandPacket) -> Option<u16> {
        let argument = self.downstream.argument(packet).get(4..)?;
        Some(u16::from_le_bytes(*argument.first_chunk()?))
    }

    /// Gives a statement a handle that its pieces can wait on. That of an open cursor of MySQL's
    /// may be of no use without one, and what the next execution asks for nobody knows; or it is of
    /// another text. So they get another, and rows are fetched from the one there is.
    async fn bind_for_pieces(&mut self, id: u32) -> Result<(), Trouble> {
        let Some(prepared) = self.statements.get(id) else {
            return Ok(());
        };
        let is_of_cursor = |bound: &Bound| {
            (bound.handle.had_cursor || prepared.is_bound_to_other()) && !bound.long_data
        };
        if !prepared.bound.as_ref().is_some_and(is_of_cursor) || !prepared.text().is_kept() {
            return self.bind(id).await;
        }
        let text = Arc::clone(prepared.text());
        let shape = prepared.shape.stamp();
        let handle = self.take_handle(&text, shape).await?;
        let prepared = self.statements.get_mut(id);
        if let Some(bound) = prepared.and_then(|prepared| prepared.bound.as_mut()) {
            bound.fetched = Some(std::mem::replace(&mut bound.handle, handle));
        }
        Ok(())
    }

    /// Gives a statement a handle of its own on the lease in hand, which it takes if there is none.
    async fn bind(&mut self, id: u32) -> Result<(), Trouble> {
        let Some(prepared) = self.statements.get(id) else {
            return Ok(());
        };
        if prepared.bound.is_some() {
            return Ok(());
        }
        let text = Arc::clone(prepared.text());
        let shape = prepared.shape.stamp();
        self.take_lease().await?;
        let handle = self.take_handle(&text, shape).await?;
        self.statements.bind(id, Bound::new(handle));
        Ok(())
    }

    /// A handle of this text from the lease in hand, of this shape or none.
    async fn take_handle(
        &mut self,
        text: &Arc<StatementText>,
        shape: u64,
    ) -> Result<Handle, Trouble> {
        let key = |shape| HandleKey {
            text: text.id(),
            shape,
            had_cursor: false,
        };
        let known = self.held.as_mut().and_then(|lease| {
            let handles = &mut lease.handles;
            handles.take(key(shape)).or_else(|| handles.take(key(0)))
        });
        if let Some(handle) = known {
            return Ok(handle);
        }
        if self.pins.hold() {
            // No server takes pieces of parameters for a statement.
            Box::pin(self.keep_answers()).await;
            self.previous.visit = None;
        }
        self.prepare_now(text).await
    }

    /// Closes a statement's own handles at the origin, if its pieces wait apart from its cursor.
    fn close_parted(&mut self, id: u32) -> bool {
        let bound = self.statements.get(id).and_then(|one| one.bound.as_ref());
        let is_parted = bound.is_some_and(|bound| bound.fetched.is_some());
        if is_parted {
            self.close_bound(id);
        }
        is_parted
    }

    /// Closes a statement's own handles at the origin.
    fn close_bound(&mut self, id: u32) {
        self.pins.unbind(id);
        if let (Some(bound), Some(lease)) = (self.statements.unbind(id), &mut self.held) {
            lease.handles.close_all(bound);
        }
    }

    /// Changes what a bound handle is kept for. One that is kept for nothing is free for others.
    fn unbind(&mut self, id: u32, change: impl FnOnce(&mut Bound)) {
        let Some(prepared) = self.statements.get_mut(id) else {
            return;
        };
        let Some(bound) = &mut prepared.bound else {
            return;
        };
        change(bound);
        let reason = if bound.cursor {
            OPEN_CURSOR
        } else if bound.long_data {
            LONG_DATA
        } else {
            LARGE_STATEMENT
        };
        let fetched = bound.fetched.take_if(|_| !bound.cursor);
        if let (Some(handle), Some(lease)) = (fetched, &mut self.held) {
            lease.handles.close(handle);
        }
        if bound.cursor || bound.long_data || !prepared.text().is_kept() {
            if self.pins.bind(id, reason) {
                self.served.metrics.pin(reason);
            }
            return;
        }
        self.pins.unbind(id);
        let bound = self.statements.unbind(id);
        if let (Some(bound), Some(lease)) = (bound, &mut self.held) {
            lease.handles.put(bound.handle);
        }
    }

    /// Relays a command on a statement's own handle. `None`: there was no response, and the client
    /// was told.
    async fn relay_bound(
        &mut self,
        packet: CommandPacket,
        id: u32,
    ) -> Result<Option<Summary>, SessionEnd> {
        self.patch_bound(packet, id);
        let relayed = self
            .relay(&Outgoing::unchanged(packet), &Effect::default())
            .await?;
        match relayed {
            Relayed::Response(summary) => Ok(Some(summary)),
            Relayed::Failed(how) => self.tell_failed(*how).await.map(|()| None),
        }
    }

    /// Puts the origin's id into a command on a statement's own handle.
    fn patch_bound(&mut self, packet: CommandPacket, id: u32) {
        let bound = self
            .statements
            .get(id)
            .and_then(|prepared| prepared.bound.as_ref());
        if let Some(bound) = bound {
            let handle = match packet.command {
                Command::STMT_FETCH => bound.of_cursor(),
                _ => &bound.handle,
            };
            patch_statement_id(self.downstream.payload_mut(packet), handle.id);
        }
    }

    /// Closes all statements: the session ends, or is reset. The handles stay for others.
    pub(super) async fn forget_statements(&mut self) {
        let had_bound = self.statements.has_bound();
        for mut prepared in self.statements.close_all() {
            if let (Some(bound), Some(lease)) = (prepared.bound.take(), &mut self.held) {
                lease.handles.close_all(bound);
            }
        }
        self.pins.unbind_all();
        if had_bound {
            self.send_closing().await;
        }
    }

    /// Closes statements at the origin at once: an open cursor may hold much there.
    async fn send_closing(&mut self) {
        let Some(lease) = &mut self.held else { return };
        if !lease.is_settled() {
            return;
        }
        let closing = lease.handles.take_closing();
        if lease.send(&closing).await.is_err() {
            // What is pinned is found lost by the next command.
            lease.begin_command();
        }
    }

    /// The client's id of the statement that a command executes, whose argument has to be so long.
    /// The error: why it cannot be; `None`: there is no such statement.
    fn executable(&self, packet: CommandPacket, shortest: usize) -> Result<u32, Option<Trouble>> {
        let flavor = self.served.pool.connector().flavor();
        if self.downstream.argument(packet).len() < shortest && !flavor.is_tidb() {
            return Err(Some(Trouble::Malformed(flavor)));
        }
        let id = self.statement_id(packet);
        let prepared = self.statements.get(id).ok_or(None)?;
        if self.means_last_prepared(packet) && !self.has_types_if_any(packet, prepared) {
            return Err(Some(Trouble::Malformed(flavor)));
        }
        match &prepared.failed {
            Some(error) => Err(Some(Trouble::Refused(error.clone()))),
            None => Ok(id),
        }
    }

    /// The client's id of the statement that a command is for. To MariaDB −1 means the one prepared
    /// last, so that clients can send its execution along with the preparation.
    fn statement_id(&self, packet: CommandPacket) -> u32 {
        let id = self.written_id(packet);
        if self.means_last_prepared(packet) {
            return self.statements.last_prepared.unwrap_or(id);
        }
        id
    }

    fn written_id(&self, packet: CommandPacket) -> u32 {
        let id = self.downstream.argument(packet).first_chunk();
        id.map_or(0, |id| u32::from_le_bytes(*id))
    }

    fn means_last_prepared(&self, packet: CommandPacket) -> bool {
        let is_last = self.written_id(packet) == LAST_PREPARED;
        is_last && self.served.pool.connector().flavor().is_mariadb()
    }

    /// True unless an execution leaves out the types of its parameters, which MariaDB takes by a
    /// statement's own id only.
    fn has_types_if_any(&self, packet: CommandPacket, prepared: &Prepared) -> bool {
        if packet.command != Command::STMT_EXECUTE || !packet.is_whole {
            return true;
        }
        let has_attributes = has_attributes(self.downstream.capabilities());
        let payload = self.downstream.payload(packet);
        let view = ExecuteView::parse(payload, prepared.params, has_attributes);
        prepared.params == 0 || view.is_some_and(|view| view.has_types())
    }

    /// Refuses an id that names no statement, in the origin's own words.
    async fn unknown_statement(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        if let Err(trouble) = self.learn_status().await {
            return self.give_up(packet, trouble).await;
        }
        let trouble = Trouble::UnknownStatement {
            id: self.statement_id(packet),
            command: packet.command,
            flavor: self.served.pool.connector().flavor(),
        };
        self.give_up(packet, trouble).await
    }
}
