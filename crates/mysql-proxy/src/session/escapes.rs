//! How backslashes read: as the session has it when its text is read, and as its connection has it
//! when the text runs.
//!
//! `sql_mode` decides. What a session has set of it is carried; what it has not is the server's
//! default, which anybody may change meanwhile (`SET GLOBAL sql_mode = …`), and which a connection
//! takes over at its login, with a reset, or with `SET sql_mode = DEFAULT`.
//!
//! ```text
//!   text read as the session's last status says (`Session::dialect`)
//!     └─ connection reads the same ──────────────────────────────────► runs
//!     └─ otherwise, no backslash in it ──► runs; its reply tells what holds from now on
//!     └─ otherwise ──► SET sql_mode to read as the session, runs, connection is reset
//!     └─ may change on the way (a reset), or is untold ──► led there first, then as above
//! ```

use conn_pool::Lease;
use mysql_proto::{StatusFlags, Summary};
use mysql_sql::{Effect, Escapes};

use super::Session;
use super::outcome::NotSent;
use crate::bring::Steps;
use crate::error::{SessionEnd, Trouble};
use crate::origin::{OriginConn, OriginConnector, escapes};

impl Session {
    /// How backslashes read in this session's texts.
    pub(super) fn escapes(&self) -> Escapes {
        escapes(self.status.unwrap_or_default())
    }

    /// True when it is not known how a statement's literals read on the next connection.
    pub(super) fn has_to_learn(&self) -> bool {
        self.status.is_none() || self.is_from_before_renewal()
    }

    /// How the literals of a statement read is the origin's to say, so it is asked: by a login
    /// before the first one, and of a connection when all of them are new.
    pub(super) async fn learn_status(&mut self) -> Result<(), Trouble> {
        if self.is_from_before_renewal() {
            let generation = self.served.pool.generation();
            self.learn_escapes().await?;
            self.generation = generation;
        }
        if self.status.is_none() {
            self.take_lease().await?;
            self.status = self.served.pool.connector().login_status();
        }
        Ok(())
    }

    /// Settles a lease that was taken to learn that, where the statement was not the origin's.
    pub(super) async fn give_back_unused(&mut self) -> Result<(), SessionEnd> {
        if self.held.is_some() {
            self.settle().await?;
        }
        Ok(())
    }

    fn is_from_before_renewal(&self) -> bool {
        self.held.is_none() && self.generation != self.served.pool.generation()
    }

    async fn learn_escapes(&mut self) -> Result<(), Trouble> {
        if !self.state.has_default_mode() || self.status.is_none() {
            return Ok(());
        }
        self.take_lease().await?;
        let there = self.held.as_ref().and_then(|lease| lease.default_escapes());
        if let (Some(status), Some(there)) = (&mut self.status, there) {
            let is_plain = there == Escapes::None;
            status.set(StatusFlags::NO_BACKSLASH_ESCAPES, is_plain);
            self.forces_escapes = false;
        }
        Ok(())
    }

    /// Looks whether the lease in hand has to be made to read backslashes as the session does.
    pub(super) fn look_at_escapes(&mut self) {
        let lease = self.held.as_ref();
        self.forces_escapes = lease.is_some_and(|lease| self.reads_otherwise(lease));
        if self.forces_escapes {
            // No state tells of that.
            self.pins.soil();
        }
    }

    fn reads_otherwise(&self, lease: &OriginConn) -> bool {
        let there = lease.default_escapes().filter(|_| self.status.is_some());
        self.state.has_default_mode() && there.is_some_and(|there| there != self.escapes())
    }

    /// A text is about to go out behind these steps. True: it is to wait until they were taken, as
    /// they may change how its backslashes read, or nobody has told yet how they do.
    pub(super) fn may_read_otherwise(&self, steps: &Steps) -> bool {
        let is_untold = |lease: &Lease<OriginConnector>| lease.default_escapes().is_none();
        // Of one that is pinned the last status tells.
        let may_be_untold = !self.pins.hold() && self.held.as_ref().is_some_and(is_untold);
        self.state.has_default_mode() && (steps.defaults_mode || may_be_untold)
    }

    /// Leads the lease in hand to the session's state, and looks how backslashes read there.
    pub(super) async fn lead_and_look(&mut self, effect: &Effect) -> Result<(), NotSent> {
        let led = self.lead_lease(effect).await;
        led.map_err(NotSent::nothing_left)?;
        if let Some(lease) = &mut self.held
            && lease.default_escapes().is_none()
        {
            let told = lease.ask(b"DO 0").await;
            let told = told.map_err(|loss| NotSent::nothing_left(Trouble::OriginLost(loss)))?;
            if let Some(status) = told.summary.status {
                lease.note_default(status);
            }
        }
        self.look_at_escapes();
        Ok(())
    }

    /// A text without a backslash is about to go out: it reads the same in both ways, and its reply
    /// tells which holds now.
    pub(super) fn forget_force(&mut self) {
        self.forces_escapes = false;
    }

    /// Notes what a reply tells of it.
    pub(super) fn note_escapes(&mut self, summary: &Summary) {
        let Some(status) = summary.status else { return };
        self.forces_escapes = false;
        // One that is reset afterwards may have been forced, or set up by what nobody read.
        let tells_default = self.state.has_default_mode() && !self.pins.is_dirty();
        if let Some(lease) = &mut self.held
            && tells_default
        {
            lease.note_default(status);
        }
    }
}
