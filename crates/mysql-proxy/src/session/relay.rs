//! Moves one command to the origin and its response to the client, byte for byte.
//!
//! Nothing is decoded but what tells where the response ends. What the origin sends is passed on as
//! it comes, so a result is never held whole, and a client that reads slowly slows the origin down.

use mysql_proto::{HEADER_LEN, MAX_PAYLOAD, PacketHeader, ResponseState, ResponseTracker, Summary};

use mysql_sql::Effect;

use super::{MAX_RETRIES, Session};
use crate::downstream::CommandPacket;
use crate::error::{OriginLoss, SessionEnd, Trouble};

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

impl Session {
    /// Relays a command over the lease in hand.
    pub(super) async fn relay(
        &mut self,
        packet: CommandPacket,
        effect: &Effect,
    ) -> Result<Relayed, SessionEnd> {
        match self.send_command(packet, effect).await {
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

    /// Sends a command, the whole of it. While nothing of it left, a dead connection is replaced.
    async fn send_command(
        &mut self,
        packet: CommandPacket,
        effect: &Effect,
    ) -> Result<(), SendTrouble> {
        self.send_first_packet(packet, effect).await?;
        self.downstream.consume(packet);
        if packet.is_whole {
            return Ok(());
        }
        while self.send_next_packet().await? == MAX_PAYLOAD {}
        Ok(())
    }

    async fn send_first_packet(
        &mut self,
        packet: CommandPacket,
        effect: &Effect,
    ) -> Result<(), SendTrouble> {
        let mut retries = 0;
        loop {
            let Some(lease) = &mut self.held else {
                return Ok(());
            };
            lease.begin_command();
            let bytes = self.downstream.packet(packet);
            let Err(error) = lease.send(bytes).await else {
                return Ok(());
            };
            let may_retry = !error.sent && !self.pins.hold() && packet.is_whole;
            if !may_retry || retries == MAX_RETRIES {
                self.downstream.consume(packet);
                return Err(SendTrouble::Origin(error.source.into()));
            }
            retries += 1;
            if let Err(trouble) = self.replace_lease(effect).await {
                self.downstream.consume(packet);
                return Err(SendTrouble::NoLease(trouble));
            }
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
