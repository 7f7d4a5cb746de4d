//! Moves one command to the origin and its response to the client, byte for byte.
//!
//! Nothing is decoded but what tells where the response ends. What the origin sends is passed on as
//! it comes, so a result is never held whole, and a client that reads slowly slows the origin down.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::FutureExt;
use mysql_proto::{
    Command, ErrPacket, HEADER_LEN, MAX_PAYLOAD, PacketHeader, ResponseState, ResponseTracker,
    StatusFlags, Summary,
};
use mysql_sql::Effect;

use super::attributes::first_packet;
use super::cached::Filling;
use super::lease::{NO_DATABASE, NO_ROLE};
use super::locks::LockAnswer;
use super::outcome::{NotSent, Relayed, SendTrouble, unanswered, unsent};
use super::outgoing::Outgoing;
use super::{MAX_RETRIES, Session};
use crate::bring::Steps;
use crate::downstream::{CommandPacket, Downstream};
use crate::error::{OriginLoss, SessionEnd, Trouble};
use crate::origin::OriginConn;
use crate::state::SessionState;

impl Session {
    /// Relays a command over the lease in hand.
    pub(super) async fn relay(
        &mut self,
        outgoing: &Outgoing<'_>,
        effect: &Effect,
    ) -> Result<Relayed, SessionEnd> {
        let packet = outgoing.packet;
        if self.lacks_insert_id(effect) {
            return Err(SessionEnd::StateLost);
        }
        // One of an earlier command would be lost: see `cache/loose.rs`.
        self.in_flight = None;
        self.lock_answer = LockAnswer::to(packet.command, effect);
        self.begin_writing(outgoing, effect);
        self.begin_defining(effect);
        self.begin_login_change(effect);
        match self.send_command(outgoing, effect).await {
            Ok(None) => self.relay_response(packet).await,
            Ok(Some(error)) => self.answer_error(packet, &error).await,
            Err(trouble) => {
                if let SendTrouble::NoLease(_) = trouble {
                    // Nothing of it left.
                    self.end_commit();
                    self.logins.forget();
                }
                self.filling = None;
                drop(self.logins.take());
                unsent(trouble, packet)
            }
        }
    }

    /// Notes, ahead of its lease, whether a statement is run to its end though its client leaves.
    pub(super) fn note_alone(&mut self, outgoing: &Outgoing<'_>) {
        let status = self.status.unwrap_or_default();
        let autocommits = status.contains(StatusFlags::AUTOCOMMIT);
        self.writes_alone = outgoing.finishes && autocommits && !self.pins.transaction;
    }

    /// Answers a command that was not sent with an error of the origin's.
    pub(super) async fn answer_error(
        &mut self,
        packet: CommandPacket,
        error: &ErrPacket,
    ) -> Result<Relayed, SessionEnd> {
        self.end_commit();
        self.logins.forget();
        self.filling = None;
        let last = self.discard(packet).await?;
        let next = Some(last.wrapping_add(1));
        self.downstream.send_error(next, error).await?;
        Ok(Relayed::Response(Summary {
            error: Some(error.code),
            ..Summary::default()
        }))
    }

    /// Sends a command, the whole of it. With an error the origin has refused to prepare what it
    /// executes: nothing of the command left, or is in use.
    pub(super) async fn send_command(
        &mut self,
        outgoing: &Outgoing<'_>,
        effect: &Effect,
    ) -> Result<Option<ErrPacket>, SendTrouble> {
        let packet = outgoing.packet;
        if let Some(error) = self.send_first_packet(outgoing, effect).await? {
            return Ok(Some(error));
        }
        self.downstream.consume(packet);
        if packet.is_whole {
            return Ok(None);
        }
        if self.statements.lacks > 0 {
            self.send_borrowing().await?;
        } else if self.statements.carry.is_empty() {
            while self.send_next_packet().await? == MAX_PAYLOAD {}
        } else {
            Box::pin(self.send_carrying()).await?;
        }
        Ok(None)
    }

    /// Sends the first packet. While nothing of it left, a dead connection is replaced.
    async fn send_first_packet(
        &mut self,
        outgoing: &Outgoing<'_>,
        effect: &Effect,
    ) -> Result<Option<ErrPacket>, SendTrouble> {
        let packet = outgoing.packet;
        let (mut retries, mut has_started_over) = (0, false);
        loop {
            let is_used = self.held.as_ref().is_some_and(|lease| lease.is_used());
            let tried = match &outgoing.execution {
                Some(execution) => self.try_to_execute(packet, execution, effect).await,
                None => self.try_to_send(outgoing, effect).await.map(|()| None),
            };
            let error = match tried {
                Ok(refused) => {
                    self.note_sent(effect);
                    return Ok(refused);
                }
                Err(error) => error,
            };
            let may_go_elsewhere = !self.pins.hold() && packet.is_whole && !outgoing.stays;
            let leaves = may_go_elsewhere && self.leaves_what_is_gone(&error);
            // The value of a variable may be one that cannot be left, or reached, from what the
            // session before has set. A connection that is as after its login tells.
            let starts_over = !leaves && !has_started_over && is_used && error.is_refused();
            let may_retry = may_go_elsewhere && (leaves || starts_over || error.may_retry);
            if !may_retry || retries == MAX_RETRIES {
                self.downstream.consume(packet);
                if let SendTrouble::NoLease(_) = error.trouble {
                    // It is in no state that is known.
                    self.held = None;
                    if !packet.is_whole {
                        return Err(SendTrouble::Client(SessionEnd::StateLost));
                    }
                }
                return Err(error.trouble);
            }
            // Each of these has closed a connection that was used, and a new one needs no reset.
            if !matches!(error.trouble, SendTrouble::Origin(OriginLoss::NotReset(_))) {
                retries += 1;
            }
            if let Err(trouble) = self.replace_lease().await {
                self.downstream.consume(packet);
                return Err(SendTrouble::NoLease(trouble));
            }
            has_started_over |= starts_over;
            if has_started_over && let Some(lease) = &mut self.held {
                lease.demand_reset();
            }
        }
    }

    /// A statement has left, behind the steps ahead of it: a reset among them clears what was noted
    /// of its connection before.
    fn note_sent(&mut self, effect: &Effect) {
        self.calling.moves = self.served.pool.connector().programs().moves();
        self.note_unnamed(effect.may_write);
        let Some(lease) = &mut self.held else { return };
        if effect.may_write {
            lease.touch();
        }
        if let Some(defining) = &mut self.defining {
            defining.set_thread(lease.thread());
        }
        // What triggers make that write anything, nothing tells.
        if self.writes_anything && self.served.pool.connector().runs_on_writes() {
            lease.note_names_unsure();
        }
        if effect.runs_program {
            lease.note_program();
        }
        self.note_home();
    }

    /// A statement is about to run, or has run: programs may run with it that it does not name. To
    /// be noted at both ends, as one may come to be, or be gone, on the way.
    pub(super) fn note_unnamed(&mut self, may_write: bool) {
        let connector = self.served.pool.connector();
        // One that has come and gone on the way has moved that twice.
        let have_moved = connector.programs().moves() != self.calling.moves;
        let may_run =
            have_moved || connector.runs_on_reads() || (may_write && connector.runs_on_writes());
        if may_run && let Some(lease) = &mut self.held {
            lease.note_program();
        }
    }

    /// The database of the session was dropped by another, or taken from its user: it is in none
    /// from now on. Or its role was: it has that of a login. Nothing of its command was run for it.
    fn leaves_what_is_gone(&mut self, error: &NotSent) -> bool {
        let SendTrouble::NoLease(Trouble::Refused(refused)) = &error.trouble else {
            return false;
        };
        if NO_DATABASE.contains(&refused.code) && self.state.database_name().is_some() {
            self.lose_database();
            return true;
        }
        let loses_role = NO_ROLE.contains(&refused.code) && self.state.role.is_some();
        if loses_role {
            self.state = Arc::new(SessionState::clone(&self.state).in_role(None));
            // Its key has another state.
            self.filling = None;
        }
        loses_role
    }

    /// Leads the lease in hand to the session's state, if it is in another, and sends the packet.
    async fn try_to_send(
        &mut self,
        outgoing: &Outgoing<'_>,
        effect: &Effect,
    ) -> Result<(), NotSent> {
        if self.forces_escapes && !self.has_backslash(outgoing) {
            self.forget_force();
        }
        let mut steps = self.steps_ahead(effect);
        if self.may_read_otherwise(&steps) && self.has_backslash(outgoing) {
            Box::pin(self.lead_and_look(effect)).await?;
            steps = self.steps_ahead(effect);
        }
        let awaits = self.may_do_harm(effect) || !outgoing.packet.is_whole;
        self.note_thread();
        self.note_versions();
        let Some(lease) = &mut self.held else {
            return Ok(());
        };
        lease.begin_command();
        let bytes = match &outgoing.packet_instead {
            Some(packet) => Cow::Borrowed(packet.as_slice()),
            None => first_packet(&mut self.downstream, outgoing, lease.capabilities()),
        };
        send_behind(lease, steps, &self.state, &bytes, awaits).await
    }

    /// True when it may matter to the text how a backslash reads.
    fn has_backslash(&self, outgoing: &Outgoing<'_>) -> bool {
        let text = match &outgoing.sql {
            Some(sql) => sql.as_slice(),
            None => self.downstream.payload(outgoing.packet),
        };
        text.contains(&b'\\')
    }

    /// True unless a statement surely leaves rows as they are, in whatever state its connection
    /// is: what reads a view may run a function that writes.
    pub(super) fn may_do_harm(&self, effect: &Effect) -> bool {
        effect.may_write || self.served.pool.connector().runs_on_reads()
    }

    /// Passes one packet of the client on. Returns the length of its payload.
    async fn send_next_packet(&mut self) -> Result<usize, SendTrouble> {
        let header = self
            .downstream
            .next_part(0)
            .await
            .map_err(SendTrouble::Client)?;
        let payload_len = PacketHeader::decode(header).map_or(0, |header| header.payload_len);
        self.pass_bytes(HEADER_LEN + payload_len).await?;
        Ok(payload_len)
    }

    /// Passes bytes of the client's command on.
    pub(super) async fn pass_bytes(&mut self, mut left: usize) -> Result<(), SendTrouble> {
        while left > 0 {
            let bytes = self
                .downstream
                .next_part(left)
                .await
                .map_err(SendTrouble::Client)?;
            let count = bytes.len();
            if let Some(lease) = &mut self.held {
                lease
                    .send(bytes)
                    .await
                    .map_err(|error| SendTrouble::Origin(error.source.into()))?;
            }
            self.downstream.consume_part(count);
            left -= count;
        }
        Ok(())
    }

    /// Passes the response to a command on.
    pub(super) async fn relay_response(
        &mut self,
        packet: CommandPacket,
    ) -> Result<Relayed, SessionEnd> {
        let Some(lease) = &mut self.held else {
            return Err(SessionEnd::StateLost);
        };
        let mut tracker = ResponseTracker::new(packet.command, lease.capabilities());
        if packet.command == Command::STMT_EXECUTE && !self.statements.asks_for_cursor {
            tracker = tracker.without_cursor();
        }
        if !packet.command.has_response() {
            lease.end_command();
            return Ok(Relayed::Response(*tracker.summary()));
        }
        self.relay_rest(tracker).await
    }

    /// Passes on what is left of a response.
    pub(super) async fn relay_rest(
        &mut self,
        mut tracker: ResponseTracker,
    ) -> Result<Relayed, SessionEnd> {
        loop {
            match self.relay_some(&mut tracker).await {
                Ok(ResponseState::Done) => return Ok(Relayed::Response(*tracker.summary())),
                Ok(ResponseState::Incomplete) => {}
                Ok(ResponseState::AwaitLocalInfile) => match self.send_local_infile().await {
                    Ok(()) => {}
                    Err(trouble) => return unanswered(trouble, &tracker, true),
                },
                Err(SendTrouble::Client(end)) => {
                    self.response = Some(tracker);
                    return Err(end);
                }
                Err(trouble) => {
                    self.filling = None;
                    drop(self.logins.take());
                    return unanswered(trouble, &tracker, false);
                }
            }
        }
    }

    /// Passes on what the origin has sent.
    async fn relay_some(
        &mut self,
        tracker: &mut ResponseTracker,
    ) -> Result<ResponseState, SendTrouble> {
        let Some(lease) = &mut self.held else {
            return Err(SendTrouble::Client(SessionEnd::StateLost));
        };
        // A client that left waits for no answer: see `cleanup.rs`.
        let bytes = tokio::select! {
            biased;
            bytes = lease.receive() => bytes,
            end = self.downstream.ended() => return Err(SendTrouble::Client(end)),
        };
        let bytes = bytes.map_err(|error| SendTrouble::Origin(error.into()))?;
        let fed = tracker
            .feed(bytes)
            .map_err(|error| SendTrouble::Origin(error.into()))?;
        let response = bytes.get(..fed.consumed).unwrap_or_default();
        let is_all = fed.consumed == bytes.len();
        let is_done = fed.state == ResponseState::Done;
        if let Some(filling) = self.filling.take() {
            self.filling = filling.keep(response, is_done.then(|| tracker.summary()));
        }
        if let Some(answer) = &mut self.lock_answer {
            answer.push(response);
        }
        // Before the client is told.
        self.logins.note_piece(tracker.summary(), is_done);
        if is_done && let Some(in_flight) = self.in_flight.take() {
            self.under_lock.end(in_flight, &self.served);
        }
        let sent = pass_on(&mut self.downstream, response, self.filling.as_deref()).await;
        sent.map_err(SendTrouble::Client)?;
        if is_done && is_all {
            lease.end_command();
        }
        Ok(fed.state)
    }

    /// `LOAD DATA LOCAL`: the client sends its file, and an empty packet at the end.
    async fn send_local_infile(&mut self) -> Result<(), SendTrouble> {
        while self.send_next_packet().await? > 0 {}
        Ok(())
    }

    /// Passes over a command that will not be sent, the whole of it. Gives the sequence id of its
    /// last packet.
    pub(super) async fn discard(&mut self, packet: CommandPacket) -> Result<u8, SessionEnd> {
        self.downstream.consume(packet);
        let mut is_whole = packet.is_whole;
        let mut last = 0;
        while !is_whole {
            let header = self.downstream.next_part(0).await?;
            let Some(header) = PacketHeader::decode(header) else {
                return Err(SessionEnd::Protocol("a packet without a header"));
            };
            let payload_len = header.payload_len;
            last = header.sequence_id;
            let mut left = HEADER_LEN + payload_len;
            while left > 0 {
                let count = self.downstream.next_part(left).await?.len();
                self.downstream.consume_part(count);
                left -= count;
            }
            is_whole = payload_len < MAX_PAYLOAD;
        }
        Ok(last)
    }
}

/// Passes a piece of a response on. Others may wait for the whole of it, and are told while the
/// client takes none of it.
async fn pass_on(
    downstream: &mut Downstream,
    bytes: &[u8],
    filling: Option<&Filling>,
) -> Result<(), SessionEnd> {
    let Some(filling) = filling else {
        return downstream.send(bytes).await;
    };
    let mut sending = std::pin::pin!(downstream.send(bytes));
    if let Some(sent) = sending.as_mut().now_or_never() {
        return sent;
    }
    filling.note_stalled(true);
    let sent = sending.await;
    filling.note_stalled(false);
    sent
}

/// Sends a packet on a connection, behind the steps that lead that to a state.
///
/// They go out in one piece with a packet that cannot do harm in the wrong state, and are awaited
/// ahead of any other: if a step is refused, a write must not run.
pub(super) async fn send_behind(
    lease: &mut OriginConn,
    steps: Steps,
    state: &Arc<SessionState>,
    bytes: &[u8],
    awaits: bool,
) -> Result<(), NotSent> {
    if steps.is_empty() && !lease.handles.has_closing() {
        return lease.send(bytes).await.map_err(NotSent::from);
    }
    let mut ahead = lease.handles.take_closing();
    ahead.extend_from_slice(&steps.bytes);
    let awaits = awaits && !steps.is_empty();
    if !awaits {
        ahead.extend_from_slice(bytes);
    }
    lease.send(&ahead).await.map_err(NotSent::from)?;
    if !steps.is_empty() {
        let led = lease.finish(&steps, state).await;
        led.map_err(|error| NotSent::by_step(error, awaits))?;
    }
    if awaits {
        lease.send(bytes).await.map_err(NotSent::from)?;
    }
    Ok(())
}
