//! Commands that are not understood (binary log dumps, and what may come): the session becomes a
//! plain copy of bytes between client and origin, and its connection is never lent again.

use net::splice;
use tracing::debug;

use mysql_sql::{Effect, PinReason};

use super::Session;
use super::commits::WriteSet;
use crate::downstream::CommandPacket;
use crate::error::SessionEnd;

impl Session {
    /// Copies bytes both ways until one side ends.
    pub(super) async fn pass_through(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        self.served.metrics.commands.inc();
        let effect = Effect::pin(PinReason::NotUnderstood);
        if let Err(trouble) = self.take_lease().await {
            return self.give_up(packet, trouble).await;
        }
        if let Err(trouble) = self.lead_lease(&effect).await {
            self.held = None;
            return self.give_up(packet, trouble).await;
        }
        // Whatever passes, nobody looks at. The connection is never known to be over with it.
        self.begin_commit(WriteSet::EVERYTHING, true);
        let Some(mut lease) = self.held.take() else {
            return Err(SessionEnd::StateLost);
        };
        self.pin(PinReason::NotUnderstood.name(), None);
        debug!(command = ?packet.command, "Passing a session through");
        let input = self.downstream.take_input();
        if let Err(error) = lease.send(&input).await {
            debug!(error = %error.source, "Lost the origin of a session passed through");
            return Err(SessionEnd::StateLost);
        }
        match splice(self.downstream.stream(), lease.stream()).await {
            Ok(_) => Err(SessionEnd::ClientLeft),
            Err(error) => Err(SessionEnd::Downstream(error)),
        }
    }
}
