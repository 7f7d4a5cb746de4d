//! Sends an execution: on a handle that the connection in hand has, or together with the
//! `COM_STMT_PREPARE` that makes one.
//!
//! ```text
//!   handle there             EXECUTE(id)                                      one write
//!   none, next id known      PREPARE, EXECUTE(next id)                        one write
//!        the id was another    ◄ unknown id, nothing ran; EXECUTE(id)         and one more
//!   none, next id not known  PREPARE ◄ id; EXECUTE(id)                        two
//! ```
//!
//! Ids only grow until a connection is reset, so a wrong guess names no statement at all.

use std::io;
use std::sync::Arc;

use mysql_proto::{
    Command, ErrPacket, HEADER_LEN, MAX_PAYLOAD, PacketHeader, patch_statement_id, write_command,
};
use mysql_sql::Effect;

use super::{Session, reframe};
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::origin::Flavor;
use crate::refusal;
use crate::session::attributes::has_attributes;
use crate::session::lease::NO_ROLE;
use crate::session::outcome::{NotSent, SendTrouble};
use crate::session::relay::send_behind;
use crate::statements::{Aim, Handle, Prepared, StatementText, Target};

/// An execution of a statement.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Execution<'a> {
    /// The client's id of it.
    pub(super) id: u32,
    /// What is executed: the statement's own text, or one with literals in it.
    pub(super) text: &'a Arc<StatementText>,
    /// The text is not the statement's own.
    pub(super) once: bool,
}

/// What is ready to be sent.
#[derive(Debug, Default)]
pub(in crate::session) struct Aimed {
    /// The packet that goes out in the place of the client's, with types that the handle has to be
    /// told.
    pub(in crate::session) instead: Option<Vec<u8>>,
}

/// Longest packet that has room for types in any case.
const LONGEST_AIMED: usize = MAX_PAYLOAD / 2;

impl<'a> Execution<'a> {
    /// Of the client's statement of this id, as it is.
    pub(super) fn own(id: u32, text: &'a Arc<StatementText>) -> Self {
        Self {
            id,
            text,
            once: false,
        }
    }

    /// Counts it.
    pub(in crate::session) fn begun(&self) {
        self.text.executed();
    }
}

impl Session {
    /// Sends an execution on the lease in hand: the first packet, if it has more. The error is that
    /// of the preparation: nothing was executed.
    pub(in crate::session) async fn try_to_execute(
        &mut self,
        packet: CommandPacket,
        execution: &Execution<'_>,
        effect: &Effect,
    ) -> Result<Option<ErrPacket>, NotSent> {
        let has_backslash = || execution.text.sql().contains(&b'\\');
        if self.forces_escapes && !has_backslash() {
            self.forget_force();
        }
        let mut steps = self.steps_ahead(effect);
        self.statements.is_led = !steps.is_empty();
        if self.statements.is_led {
            self.keep_conditions().await;
        }
        let resets = steps.commands.contains(&Command::RESET_CONNECTION);
        if resets || (self.may_read_otherwise(&steps) && has_backslash()) {
            // A reset closes all statements, so there is nothing to choose from before.
            Box::pin(self.lead_and_look(effect)).await?;
            steps = self.steps_ahead(effect);
        }
        let aim = self.aim(packet, execution);
        if aim.id.is_none() {
            self.keep_conditions().await;
        }
        let may_do_harm = self.may_do_harm(effect);
        self.note_thread();
        self.note_versions();
        let Some(lease) = &mut self.held else {
            return Ok(None);
        };
        lease.begin_command();
        let Some(id) = aim.id else {
            let awaits = may_do_harm;
            return match lease.handles.predicted_id() {
                Some(id)
                    if packet.is_whole
                        && self.are_names_sure
                        && self.is_prepared_now(execution.text) =>
                {
                    let bytes = self.preparation(packet, execution, &aim, id)?;
                    let Some(lease) = &mut self.held else {
                        return Ok(None);
                    };
                    send_behind(lease, steps, &self.state, &bytes, awaits).await?;
                    Box::pin(self.follow_prediction(packet, execution, aim, id, effect)).await
                }
                _ => Box::pin(self.prepare_first(packet, execution, aim, effect)).await,
            };
        };
        let awaits = may_do_harm || !packet.is_whole;
        if let Some(payload) = aim.retyped {
            let bytes = self.retyped(packet, payload, id)?;
            let Some(lease) = &mut self.held else {
                return Ok(None);
            };
            send_behind(lease, steps, &self.state, &bytes, awaits).await?;
            return Ok(None);
        }
        patch_statement_id(self.downstream.payload_mut(packet), id);
        let bytes = self.downstream.packet(packet);
        send_behind(lease, steps, &self.state, bytes, awaits).await?;
        Ok(None)
    }

    /// Chooses the handle for an execution.
    fn aim(&mut self, packet: CommandPacket, execution: &Execution<'_>) -> Aim {
        let payload = self.downstream.packet(packet).get(HEADER_LEN..);
        let asks_for_cursor = self.statements.asks_for_cursor;
        let (Some(prepared), Some(lease)) = (self.statements.get_mut(execution.id), &mut self.held)
        else {
            return Aim::nowhere();
        };
        let target = Target {
            text: execution.text.id(),
            flavor: lease.flavor(),
            is_own: !execution.once,
            keeps_cursor: asks_for_cursor && lease.flavor() == Flavor::MySql,
            client_has_attributes: has_attributes(self.downstream.capabilities()),
            origin_has_attributes: has_attributes(lease.capabilities()),
        };
        let aim = prepared.aim(payload.unwrap_or_default(), &mut lease.handles, target);
        self.statements.last_used = aim.key;
        aim
    }

    /// Makes an execution ready for the handle that the lease in hand has, with no steps ahead of
    /// it. `None`: there is none, and nothing was done.
    pub(in crate::session) fn aim_straight(
        &mut self,
        packet: CommandPacket,
        execution: &Execution<'_>,
    ) -> Option<Aimed> {
        self.statements.is_led = false;
        let is_bound = |prepared: &Prepared| prepared.bound.is_some();
        let prepared = self.statements.get(execution.id);
        let may_overflow = self.downstream.packet(packet).len() > LONGEST_AIMED;
        if self.statements.asks_for_cursor || prepared.is_none_or(is_bound) || may_overflow {
            return None;
        }
        let aim = self.aim(packet, execution);
        let id = aim.id?;
        // From here on it has to be sent: its handle is taken to have seen the types.
        let Some(payload) = aim.retyped else {
            patch_statement_id(self.downstream.payload_mut(packet), id);
            return Some(Aimed::default());
        };
        let instead = self.retyped(packet, payload, id).ok();
        instead.map(|bytes| Aimed {
            instead: Some(bytes),
        })
    }

    /// True when the statement can be prepared in the state that the session is in.
    pub(in crate::session) fn is_prepared_now(&self, text: &StatementText) -> bool {
        self.state
            .is_for_prepare(&text.statement().effect, text.under())
    }

    /// `COM_STMT_PREPARE`, and the execution for the id that it will get.
    fn preparation(
        &mut self,
        packet: CommandPacket,
        execution: &Execution<'_>,
        aim: &Aim,
        id: u32,
    ) -> Result<Vec<u8>, NotSent> {
        let mut bytes = Vec::new();
        write_command(&mut bytes, Command::STMT_PREPARE, execution.text.sql());
        let executes = self.execution(packet, aim, id)?;
        bytes.extend_from_slice(&executes);
        Ok(bytes)
    }

    /// The first packet of an execution for the handle of this id.
    fn execution(&mut self, packet: CommandPacket, aim: &Aim, id: u32) -> Result<Vec<u8>, NotSent> {
        if let Some(payload) = &aim.retyped {
            return self.retyped(packet, payload.clone(), id);
        }
        patch_statement_id(self.downstream.payload_mut(packet), id);
        Ok(self.downstream.packet(packet).to_vec())
    }

    /// Likewise, with types that the client has left out.
    fn retyped(
        &mut self,
        packet: CommandPacket,
        payload: Vec<u8>,
        id: u32,
    ) -> Result<Vec<u8>, NotSent> {
        if !packet.is_whole {
            self.statements.lacks = MAX_PAYLOAD.saturating_sub(payload.len());
        }
        let carry = &mut self.statements.carry;
        let first = reframe::first_packet(payload, id, packet.is_whole, carry);
        first.ok_or_else(|| NotSent::nothing_left(Trouble::Refused(refusal::too_long())))
    }

    /// Reads the response to a preparation that went out together with its execution.
    async fn follow_prediction(
        &mut self,
        packet: CommandPacket,
        execution: &Execution<'_>,
        aim: Aim,
        predicted: u32,
        effect: &Effect,
    ) -> Result<Option<ErrPacket>, NotSent> {
        let Some(lease) = &mut self.held else {
            return Ok(None);
        };
        let read = lease.read_over(Command::STMT_PREPARE).await;
        let Ok(summary) = read.map_err(NotSent::lost)? else {
            lease.handles.forget_id();
            self.pass_over_refused().await?;
            if let Some(lease) = &mut self.held {
                lease.end_command();
            }
            // The execution has put an error of its own in the place of this one, which the client
            // may ask about: so once more, by itself.
            return self.prepare_first(packet, execution, aim, effect).await;
        };
        let id = summary.statement_id.unwrap_or_default();
        let text = Arc::clone(execution.text);
        lease.handles.note_id(id);
        if id == predicted {
            self.note_handle(Handle::new(id, text), execution, aim);
            return Ok(None);
        }
        self.pass_over_refused().await?;
        let bytes = self.execution(packet, &aim, id)?;
        self.note_handle(Handle::new(id, text), execution, aim);
        self.send_now(&bytes).await?;
        Ok(None)
    }

    /// Prepares, waits, and executes.
    async fn prepare_first(
        &mut self,
        packet: CommandPacket,
        execution: &Execution<'_>,
        aim: Aim,
        effect: &Effect,
    ) -> Result<Option<ErrPacket>, NotSent> {
        let handle = match self.prepare_now(execution.text).await {
            Ok(handle) => handle,
            // The connection is there still: this is the preparation's own error.
            Err(Trouble::Refused(error)) if self.held.is_some() => return Ok(Some(error)),
            // The session's own role cannot be had any more: it may go on without.
            Err(Trouble::Refused(error)) if NO_ROLE.contains(&error.code) => {
                return Err(NotSent::nothing_left(Trouble::Refused(error)));
            }
            // The state that it was prepared in cannot be had any more.
            Err(Trouble::Refused(error)) if !self.pins.hold() => return Ok(Some(error)),
            Err(Trouble::Refused(_)) => {
                let trouble = Trouble::Client(SessionEnd::StateLost);
                return Err(NotSent::nothing_left(trouble));
            }
            Err(trouble) => return Err(NotSent::nothing_left(trouble)),
        };
        let bytes = self.execution(packet, &aim, handle.id)?;
        self.note_handle(handle, execution, aim);
        // What needs a reset had it before: another one would close what was just prepared.
        let effect = Effect {
            needs_unused: false,
            ..effect.clone()
        };
        self.lead_lease(&effect)
            .await
            .map_err(NotSent::nothing_left)?;
        if let Some(lease) = &mut self.held {
            lease.begin_command();
        }
        self.send_now(&bytes).await?;
        Ok(None)
    }

    /// Reads the response to an execution of an id that names nothing.
    async fn pass_over_refused(&mut self) -> Result<(), NotSent> {
        let Some(lease) = &mut self.held else {
            return Ok(());
        };
        match lease.read_over(Command::STMT_EXECUTE).await {
            Ok(Err(_)) => Ok(()),
            Ok(Ok(_)) => {
                let error = io::Error::other("the origin knew a statement that there was not");
                Err(NotSent::lost(error.into()))
            }
            Err(loss) => Err(NotSent::lost(loss)),
        }
    }

    /// A statement was prepared for an execution, which makes this of it.
    fn note_handle(&mut self, mut handle: Handle, execution: &Execution<'_>, aim: Aim) {
        let (Some(prepared), Some(lease)) = (self.statements.get(execution.id), &mut self.held)
        else {
            return;
        };
        handle.types.clone_from(&prepared.types);
        handle.shape = aim.shape;
        handle.had_cursor = aim.key.had_cursor;
        self.statements.last_used = handle.key();
        lease.handles.put(handle);
    }

    async fn send_now(&mut self, bytes: &[u8]) -> Result<(), NotSent> {
        match &mut self.held {
            Some(lease) => lease.send(bytes).await.map_err(NotSent::from),
            None => Ok(()),
        }
    }

    /// Sends the rest of an execution into whose first packet types were put.
    pub(in crate::session) async fn send_carrying(&mut self) -> Result<(), SendTrouble> {
        while !self.statements.carry.is_empty() {
            let header = self
                .downstream
                .next_part(0)
                .await
                .map_err(SendTrouble::Client)?;
            let Some(header) = PacketHeader::decode(header) else {
                return Err(SendTrouble::Client(SessionEnd::Protocol(
                    "a packet without a header",
                )));
            };
            let carry = std::mem::take(&mut self.statements.carry);
            let Some(cut) = reframe::cut(header, carry.len()) else {
                return Err(SendTrouble::Client(SessionEnd::Protocol(
                    "a command that is too long",
                )));
            };
            self.downstream.consume_part(HEADER_LEN);
            let head = [&cut.header, carry.as_slice()].concat();
            self.send_now(&head).await.map_err(|error| error.trouble)?;
            self.pass_bytes(cut.taken).await?;
            self.statements.carry = self.take_bytes(cut.left).await?;
            if header.payload_len < MAX_PAYLOAD {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends the rest of an execution from whose first packet attributes were taken: each packet
    /// has the beginning of the next one at its end. What the last one lacks is made up for by
    /// zeros, which stand behind the parameters, where no server looks.
    pub(in crate::session) async fn send_borrowing(&mut self) -> Result<(), SendTrouble> {
        let lacks = std::mem::take(&mut self.statements.lacks);
        let zeros = vec![0; lacks];
        loop {
            let bytes = self.downstream.next_part(0).await;
            let bytes = bytes.map_err(SendTrouble::Client)?.to_vec();
            let Some(header) = PacketHeader::decode(&bytes) else {
                return Err(SendTrouble::Client(SessionEnd::Protocol(
                    "a packet without a header",
                )));
            };
            self.downstream.consume_part(HEADER_LEN);
            let borrowed = lacks.min(header.payload_len);
            self.pass_bytes(borrowed).await?;
            let missing = zeros.get(borrowed..).unwrap_or_default();
            let head = [missing, bytes.as_slice()].concat();
            self.send_now(&head).await.map_err(|error| error.trouble)?;
            self.pass_bytes(header.payload_len - borrowed).await?;
            if header.payload_len < MAX_PAYLOAD {
                let end = zeros.get(..borrowed).unwrap_or_default();
                return self.send_now(end).await.map_err(|error| error.trouble);
            }
        }
    }

    /// Takes bytes of the client's command.
    async fn take_bytes(&mut self, count: usize) -> Result<Vec<u8>, SendTrouble> {
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            let part = self.downstream.next_part(count - taken.len()).await;
            let part = part.map_err(SendTrouble::Client)?;
            let len = part.len();
            taken.extend_from_slice(part);
            self.downstream.consume_part(len);
        }
        Ok(taken)
    }
}
