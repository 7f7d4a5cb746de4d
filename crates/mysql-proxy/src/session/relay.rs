//! Moves one command to the origin and its response to the client, byte for byte.
//!
//! Nothing is decoded but what tells where the response ends. What the origin sends is passed on as
//! it comes, so a result is never held whole, and a client that reads slowly slows the origin down.

use mysql_proto::{HEADER_LEN, MAX_PAYLOAD, PacketHeader, ResponseState, ResponseTracker, Summary};

use mysql_sql::Effect;

use super::{MAX_RETRIES, Session};
use crate::downstream::CommandPacket;
use crate::error::{OriginLoss, SessionEnd, Trouble};
use crate::origin::{BringError, SendError};

/// How a command went.
pub(super) enum Relayed {
    /// The client has the whole response.
    Response(Summary),
    /// There was no way to send it.
    Trouble(Trouble),
    /// The origin was lost when some of the command had left.
    OriginLost {
        loss: OriginLoss,
        /// The sequence id that an error must have to end the response; `None`: the client has half
        /// a packet, so nothing can be said to it.
        next_packet: Option<u8>,
        /// The client is amid sending: what still comes from it is no command.
        client_is_amid: bool,
    },
}

/// What ends the sending of a command early.
enum SendTrouble {
    Client(SessionEnd),
    Origin(OriginLoss),
    NoLease(Trouble),
}

/// A command on its way to the origin.
pub(super) struct Outgoing {
    /// What the client sent.
    pub(super) packet: CommandPacket,
    /// The packet that goes out in its place.
    pub(super) text: Option<Vec<u8>>,
}

impl Outgoing {
    /// As the client sent it.
    pub(super) fn unchanged(packet: CommandPacket) -> Self {
        Self { packet, text: None }
    }
}

/// A packet did not leave.
struct NotSent {
    /// Nothing of the client's left.
    may_retry: bool,
    trouble: SendTrouble,
}

impl NotSent {
    fn by_step(error: BringError, may_retry: bool) -> Self {
        match error {
            BringError::Lost(loss) => Self {
                may_retry,
                trouble: SendTrouble::Origin(loss),
            },
            BringError::Refused(error) => Self {
                may_retry: false,
                trouble: SendTrouble::NoLease(Trouble::Refused(error)),
            },
        }
    }
}

impl From<SendError> for NotSent {
    fn from(error: SendError) -> Self {
        Self {
            may_retry: !error.sent,
            trouble: SendTrouble::Origin(error.source.into()),
        }
    }
}

impl Session {
    /// Relays a command over the lease in hand.
    pub(super) async fn relay(
        &mut self,
        outgoing: &Outgoing,
        effect: &Effect,
    ) -> Result<Relayed, SessionEnd> {
        let packet = outgoing.packet;
        match self.send_command(outgoing, effect).await {
            Ok(()) => {}
            Err(SendTrouble::Client(end)) => return Err(end),
            Err(SendTrouble::NoLease(trouble)) => return Ok(Relayed::Trouble(trouble)),
            Err(SendTrouble::Origin(loss)) => {
                return Ok(Relayed::OriginLost {
                    loss,
                    next_packet: Some(1),
                    client_is_amid: !packet.is_whole,
                });
            }
        }
        self.relay_response(packet).await
    }

    /// Sends a command, the whole of it.
    async fn send_command(
        &mut self,
        outgoing: &Outgoing,
        effect: &Effect,
    ) -> Result<(), SendTrouble> {
        let packet = outgoing.packet;
        self.send_first_packet(outgoing, effect).await?;
        self.downstream.consume(packet);
        if packet.is_whole {
            return Ok(());
        }
        while self.send_next_packet().await? == MAX_PAYLOAD {}
        Ok(())
    }

    /// Sends the first packet. While nothing of it left, a dead connection is replaced.
    async fn send_first_packet(
        &mut self,
        outgoing: &Outgoing,
        effect: &Effect,
    ) -> Result<(), SendTrouble> {
        let packet = outgoing.packet;
        let mut retries = 0;
        loop {
            let error = match self.try_to_send(outgoing, effect).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let may_retry = error.may_retry && !self.pins.hold() && packet.is_whole;
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
            retries += 1;
            if let Err(trouble) = self.replace_lease().await {
                self.downstream.consume(packet);
                return Err(SendTrouble::NoLease(trouble));
            }
        }
    }

    /// Leads the lease in hand to the session's state, if it is in another, and sends the packet.
    ///
    /// What leads there goes out in one piece with a packet that cannot do harm in the wrong state,
    /// and is awaited ahead of any other: if a step is refused, a write must not run.
    async fn try_to_send(&mut self, outgoing: &Outgoing, effect: &Effect) -> Result<(), NotSent> {
        let mut steps = self.steps_ahead(effect);
        let Some(lease) = &mut self.held else {
            return Ok(());
        };
        lease.begin_command();
        if effect.may_write {
            lease.touch();
        }
        let bytes = match &outgoing.text {
            Some(text) => text,
            None => self.downstream.packet(outgoing.packet),
        };
        if steps.is_empty() {
            return lease.send(bytes).await.map_err(NotSent::from);
        }
        if effect.may_write || !outgoing.packet.is_whole {
            let led = lease.send(&steps.bytes).await;
            led.map_err(NotSent::from)?;
            let led = lease.finish(&steps, &self.state).await;
            led.map_err(|error| NotSent::by_step(error, true))?;
            lease.send(bytes).await.map_err(NotSent::from)
        } else {
            steps.bytes.extend_from_slice(bytes);
            let led = lease.send(&steps.bytes).await;
            led.map_err(NotSent::from)?;
            let led = lease.finish(&steps, &self.state).await;
            led.map_err(|error| NotSent::by_step(error, false))
        }
    }

    /// Leads the lease in hand to the session's state, and waits until it is there.
    pub(super) async fn lead_lease(&mut self, effect: &Effect) -> Result<(), Trouble> {
        let steps = self.steps_ahead(effect);
        let Some(lease) = &mut self.held else {
            return Ok(());
        };
        if steps.is_empty() {
            return Ok(());
        }
        lease.begin_command();
        let sent = lease.send(&steps.bytes).await;
        sent.map_err(|error| Trouble::OriginLost(error.source.into()))?;
        match lease.finish(&steps, &self.state).await {
            Ok(()) => {
                lease.end_command();
                Ok(())
            }
            Err(BringError::Lost(loss)) => Err(Trouble::OriginLost(loss)),
            Err(BringError::Refused(error)) => Err(Trouble::Refused(error)),
        }
    }

    /// Passes one packet of the client on. Returns the length of its payload.
    async fn send_next_packet(&mut self) -> Result<usize, SendTrouble> {
        let header = self
            .downstream
            .next_part(0)
            .await
            .map_err(SendTrouble::Client)?;
        let payload_len = PacketHeader::decode(header).map_or(0, |header| header.payload_len);
        let mut left = HEADER_LEN + payload_len;
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
        Ok(payload_len)
    }

    async fn relay_response(&mut self, packet: CommandPacket) -> Result<Relayed, SessionEnd> {
        let Some(lease) = &mut self.held else {
            return Err(SessionEnd::StateLost);
        };
        let mut tracker = ResponseTracker::new(packet.command, lease.capabilities());
        if !packet.command.has_response() {
            lease.end_command();
            return Ok(Relayed::Response(*tracker.summary()));
        }
        loop {
            match self.relay_some(&mut tracker).await {
                Ok(ResponseState::Done) => return Ok(Relayed::Response(*tracker.summary())),
                Ok(ResponseState::Incomplete) => {}
                Ok(ResponseState::AwaitLocalInfile) => match self.send_local_infile().await {
                    Ok(()) => {}
                    Err(SendTrouble::Client(end)) => return Err(end),
                    Err(SendTrouble::NoLease(trouble)) => return Ok(Relayed::Trouble(trouble)),
                    Err(SendTrouble::Origin(loss)) => return Ok(lost(loss, &tracker, true)),
                },
                Err(SendTrouble::Client(end)) => return Err(end),
                Err(SendTrouble::NoLease(trouble)) => return Ok(Relayed::Trouble(trouble)),
                Err(SendTrouble::Origin(loss)) => return Ok(lost(loss, &tracker, false)),
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
        // A client that left waits for no answer: its connection is closed, which ends the
        // statement at the origin when that next looks.
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
        self.downstream
            .send(response)
            .await
            .map_err(SendTrouble::Client)?;
        if fed.state == ResponseState::Done && is_all {
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

fn lost(loss: OriginLoss, tracker: &ResponseTracker, client_is_amid: bool) -> Relayed {
    Relayed::OriginLost {
        loss,
        next_packet: tracker.next_sequence_id(),
        client_is_amid,
    }
}
