//! After a command: the lease is given back, kept, or closed, and the client is told of trouble.

use std::time::Duration;

use conn_pool::Lease;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::Session;
use super::commits::{Uncommitted, UnderLock};
use super::pins::Pins;
use super::previous::Previous;
use super::replica::REPLICA;
use crate::error::{OriginLoss, SessionEnd, Trouble};
use crate::mutant::Fault;
use crate::origin::OriginConnector;
use crate::refusal;

/// Longest that the reset of a connection may take before it is closed instead. It may have a long
/// transaction to roll back.
const RESET_LIMIT: Duration = Duration::from_secs(10);

impl Session {
    /// Gives the lease back unless something pins it.
    pub(super) async fn settle(&mut self) -> Result<(), SessionEnd> {
        let settled = self.held.as_ref().is_none_or(|lease| lease.is_settled());
        if self.pins.hold() && self.held.is_none() {
            // What was on it is gone, and the client would go on without it.
            return Err(SessionEnd::StateLost);
        }
        if self.pins.hold() {
            // Its next answer may be the one to another question.
            return if settled {
                Ok(())
            } else {
                Err(SessionEnd::StateLost)
            };
        }
        if settled {
            self.release().await;
        } else {
            self.lose_lease();
        }
        Ok(())
    }

    /// Gives the lease back, with everything taken from it that the client may still ask about.
    async fn release(&mut self) {
        self.take_answers().await;
        if self.pins.is_dirty() {
            self.clean().await;
        }
        if self
            .held
            .as_ref()
            .is_some_and(|lease| lease.has_conditions())
        {
            self.clear_conditions().await;
        }
        self.give_back();
    }

    /// Resets the connection, which carries, or has carried, what no state tells.
    async fn clean(&mut self) {
        let may_break = self.may_break_by_reset();
        // Another connection is led to the database that the session's state tells.
        self.are_names_sure = true;
        let is_of_replica = self.pins.has(REPLICA);
        let Some(lease) = &mut self.held else { return };
        self.pins = Pins::default();
        self.previous.visit = None;
        if is_of_replica {
            return self.close_lease();
        }
        if may_break && !matches!(timeout(RESET_LIMIT, lease.outlives_reset()).await, Ok(true)) {
            self.close_lease();
            return;
        }
        if self.shared.config.mutant.has(Fault::Reset) {
            return;
        }
        let reset = timeout(RESET_LIMIT, lease.reset()).await;
        if !matches!(reset, Ok(Ok(()))) {
            debug!("Closed an origin connection that could not be reset");
            self.close_lease();
        }
        self.under_lock.let_go(&self.served);
    }

    /// Closes the connection. When the server lets go of what was locked on it, is followed up.
    fn close_lease(&mut self) {
        self.held = None;
        self.under_lock = UnderLock::default();
    }

    /// True for a connection of MariaDB's on which `XA` may have been used: see
    /// [`OriginConn::outlives_reset`](crate::origin::OriginConn::outlives_reset).
    pub(super) fn may_break_by_reset(&self) -> bool {
        let is_mariadb = |lease: &Lease<OriginConnector>| lease.flavor().is_mariadb();
        self.pins.may_have_distributed() && self.held.as_ref().is_some_and(is_mariadb)
    }

    /// Parts with the lease in hand at the session's reset: what is open is rolled back, and what
    /// it carries is dropped. Amid a command it is closed.
    pub(super) async fn leave_lease(&mut self) {
        let is_settled = self.held.as_ref().is_some_and(|lease| lease.is_settled());
        if !is_settled {
            self.close_lease();
        }
        self.forget_statements().await;
        if self.pins.hold() {
            self.pins.soil();
        }
        self.uncommitted = Uncommitted::default();
        self.is_status_sure = false;
        self.are_names_sure = true;
        // Nobody will ask about the last statement any more.
        self.previous = Previous::none();
        if self.pins.is_dirty() {
            self.clean().await;
        }
        self.pins = Pins::default();
        self.give_back();
    }

    /// Tells the client of trouble with its command; the session goes on.
    pub(super) async fn tell(&mut self, trouble: Trouble) -> Result<(), SessionEnd> {
        self.tell_within(trouble, None).await
    }

    pub(super) async fn tell_within(
        &mut self,
        trouble: Trouble,
        next_packet: Option<u8>,
    ) -> Result<(), SessionEnd> {
        let error = refusal::of_trouble(&trouble, &self.served.hyperdrive);
        debug!(
            code = error.code,
            message = error.message,
            "Refused a command"
        );
        self.shared.metrics.error(error.code);
        self.previous.refused();
        let state_lost = self.held.is_none() && self.pins.hold();
        self.downstream.send_error(next_packet, &error).await?;
        if state_lost {
            return Err(SessionEnd::StateLost);
        }
        Ok(())
    }

    /// The origin is gone with a command on it. Whatever was pinned there is gone too, and a client
    /// that went on would run the rest of its transaction outside of it: so the session ends, as
    /// with a direct connection.
    pub(super) async fn origin_lost(
        &mut self,
        loss: OriginLoss,
        next_packet: Option<u8>,
    ) -> Result<(), SessionEnd> {
        self.served.metrics.origin_losses.inc();
        self.held = None;
        // Whether its write comes to pass, nobody knows: it is followed up from now on.
        self.in_flight = None;
        if next_packet.is_none() {
            warn!(%loss, "Lost an origin connection amid a packet");
            return Err(SessionEnd::StateLost);
        }
        self.tell_within(Trouble::OriginLost(loss), next_packet)
            .await
    }
}
