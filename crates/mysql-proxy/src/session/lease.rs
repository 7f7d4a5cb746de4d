//! Takes the lease that a statement needs, and leads it to the session's state, or says what does.

use std::sync::Arc;

use conn_pool::{Lease, LeaseError};
use mysql_client::LoginError;
use mysql_proto::Command;
use mysql_sql::{Assignment, Effect};

use super::Session;
use crate::bring::Steps;
use crate::error::{OriginError, OriginLoss, SessionEnd, Trouble};
use crate::mutant::Fault;
use crate::origin::{BringError, Flavor, Life, OriginConn, OriginConnector};
use crate::profile::Profile;
use crate::registry::{Interruption, Parted};
use crate::state::SessionState;

/// `ER_DBACCESS_DENIED_ERROR`, `ER_BAD_DB_ERROR`: there is no such database, or not for this user.
pub(super) const NO_DATABASE: [u16; 2] = [1044, 1049];

/// `ER_INVALID_ROLE` of MariaDB, `ER_ROLE_NOT_GRANTED`.
pub(super) const NO_ROLE: [u16; 2] = [1959, 3530];

impl Session {
    /// Sees to it that there is a lease in hand. While it waits for one, it watches the client: the
    /// command of one that left is not run.
    pub(super) async fn take_lease(&mut self) -> Result<(), Trouble> {
        if self.held.is_some() {
            return Ok(());
        }
        if self.pins.hold() {
            // What the client relies on was on a connection that is gone.
            return Err(Trouble::Client(SessionEnd::StateLost));
        }
        let pool = &self.served.pool;
        if let Some(lease) = pool.lease_idle(&self.profile, &self.state, self.previous.visit) {
            self.hold(lease);
            return Ok(());
        }
        loop {
            match self.await_lease().await {
                Ok(lease) => {
                    self.hold(lease);
                    return Ok(());
                }
                Err(trouble) if self.cannot_log_in_there(&trouble) => self.log_in_elsewhere(),
                Err(trouble) if self.cannot_enter_database(&trouble) => self.lose_database(),
                // It was late for it because it had waited for another's result.
                Err(Trouble::Interrupted(_)) if self.followed_since.is_some() => {
                    return Err(Trouble::Interrupted(Interruption::Killed));
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    async fn await_lease(&mut self) -> Result<Lease<OriginConnector>, Trouble> {
        let pool = &self.served.pool;
        let last = self.previous.visit;
        let entry = Arc::clone(self.registered.entry());
        let leasing = pool.lease_within(self.patience(), &self.profile, &self.state, last);
        tokio::select! {
            biased;
            lease = leasing => lease.map_err(Trouble::NoLease),
            // Somebody may have sent a write and not waited.
            end = self.downstream.ended(), if !self.writes_alone => Err(Trouble::Client(end)),
            () = entry.ended(), if self.writes_alone => Err(Trouble::Client(SessionEnd::Killed)),
            why = self.registered.interrupted() => Err(Trouble::Interrupted(why)),
        }
    }

    /// True when a login was refused the session's database, which its role may be let into.
    fn cannot_log_in_there(&self, trouble: &Trouble) -> bool {
        self.state.role.is_some()
            && self.profile.database.is_some()
            && self.cannot_enter_database(trouble)
    }

    /// Connections for this session begin in no database from now on.
    fn log_in_elsewhere(&mut self) {
        self.profile = Arc::new(Profile {
            database: None,
            ..Profile::clone(&self.profile)
        });
    }

    /// True when a login was refused because the database is gone that the session is in. (That of
    /// its own login may never have been there.)
    fn cannot_enter_database(&self, trouble: &Trouble) -> bool {
        let Trouble::NoLease(LeaseError::Connect(OriginError::Login(error))) = trouble else {
            return false;
        };
        let here = self.state.database_name();
        matches!(error, LoginError::Refused(refused) if NO_DATABASE.contains(&refused.code))
            && here.is_some()
            && (self.home.is_known || here != self.home.database.as_deref())
    }

    /// The session is in no database from now on.
    pub(super) fn leave_database(&mut self) {
        self.state = Arc::new(self.state.without_database());
        self.profile = Arc::new(Profile {
            database: None,
            ..Profile::clone(&self.profile)
        });
    }

    /// The session has this lease from now on.
    pub(super) fn hold(&mut self, mut lease: Lease<OriginConnector>) {
        let connector = self.served.pool.connector();
        let life = Life {
            session: self.id,
            resets: self.resets,
        };
        let (on_writes, on_reads) = (connector.runs_on_writes(), connector.runs_on_reads());
        lease.begin_stay(life, on_writes, on_reads);
        if self.filling.is_some() && lease.may_have_run(on_writes, on_reads) {
            // What is kept, others get.
            lease.demand_reset();
        }
        self.registered.take(lease.thread());
        self.held = Some(lease);
        self.note_thread();
        self.look_at_escapes();
    }

    /// Gives the lease in hand back, if there is one. A connection that somebody aimed a `KILL` at
    /// is closed: see [`crate::registry::Entry::part`].
    pub(super) fn give_back(&mut self) {
        let parted = self.registered.part();
        if let Some(lease) = self.held.take()
            && parted == Parted::Unharmed
        {
            lease.give_back();
        }
    }

    /// Puts another lease in the place of one that broke before anything was sent on it.
    pub(super) async fn replace_lease(&mut self) -> Result<(), Trouble> {
        self.held = None;
        self.take_lease().await
    }

    /// What has to be sent on the lease in hand ahead of a statement with this effect.
    pub(super) fn steps_ahead(&self, effect: &Effect) -> Steps {
        let Some(lease) = &self.held else {
            return Steps::default();
        };
        if self.shared.config.mutant.has(Fault::Bring) {
            return Steps::default();
        }
        let brings_id = self.brings_insert_id(effect);
        let is_fresh = !self.pins.hold();
        // 0 is what a connection has after a reset, and what TiDB cannot be told to have.
        let zeroes_id = brings_id && self.insert_id == Some(0);
        // What pins may read anything: also what only the connection itself remembers.
        let is_clean = match effect.pin {
            Some(_) => !lease.is_used(),
            None => !lease.is_touched(),
        };
        let must_reset = lease.must_reset() && !self.shared.config.mutant.has(Fault::Reset);
        let reset = is_fresh && (zeroes_id || must_reset || (effect.needs_unused && !is_clean));
        let instead = self.state_overridden(effect, lease, reset);
        let mut steps = lease.steps_to(instead.as_ref().unwrap_or(&self.state), reset);
        steps.instead = instead;
        if self.forces_escapes {
            steps.set_escapes(self.escapes());
        }
        let can_set = |id: &u64| *id != 0 || (!reset && lease.flavor() != Flavor::TiDb);
        // What the connection had of it already is gone with a reset.
        let loses_id = reset && self.needs_insert_id(effect);
        if (brings_id || loses_id)
            && let Some(id) = self.insert_id.filter(can_set)
        {
            let may_do_nothing = self.state.variable("sql_select_limit").is_some();
            steps.set_insert_id(id, may_do_nothing && lease.flavor() == Flavor::MySql);
        }
        steps
    }

    /// Leads the lease in hand to the session's state, and waits until it is there.
    pub(super) async fn lead_lease(&mut self, effect: &Effect) -> Result<(), Trouble> {
        let steps = self.steps_ahead(effect);
        let state = Arc::clone(&self.state);
        self.lead(&steps, &state).await
    }

    /// Takes steps on the lease in hand, which must be amid no command, and waits until it is in
    /// this state. One that does not get there is in none that is known, and is closed.
    pub(super) async fn lead(
        &mut self,
        steps: &Steps,
        state: &Arc<SessionState>,
    ) -> Result<(), Trouble> {
        let Some(lease) = &mut self.held else {
            return Ok(());
        };
        if steps.is_empty() {
            return Ok(());
        }
        lease.begin_command();
        let led = match lease.send(&steps.bytes).await {
            Ok(()) => lease.finish(steps, state).await,
            Err(error) => Err(BringError::Lost(error.source.into())),
        };
        let Err(error) = led else {
            lease.end_command();
            if steps.commands.contains(&Command::RESET_CONNECTION) {
                lease.unused();
            }
            return Ok(());
        };
        self.held = None;
        Err(match error {
            BringError::Lost(loss) => Trouble::OriginLost(loss),
            BringError::Refused(error) => Trouble::Refused(error),
            BringError::NotReset(code) => Trouble::OriginLost(OriginLoss::NotReset(code)),
        })
    }

    /// The state to lead a connection to ahead of a statement that sets what it need not be led to,
    /// and perhaps cannot be: `USE`, where the database of before is gone; `SET ROLE` likewise.
    fn state_overridden(
        &self,
        effect: &Effect,
        lease: &OriginConn,
        reset: bool,
    ) -> Option<Arc<SessionState>> {
        let [set] = effect.sets.as_slice() else {
            return None;
        };
        let is_all = effect.pin.is_none() && !effect.is_multi;
        let state = match set {
            Assignment::Database(_) if is_all => self.state.with_unknown_database(),
            Assignment::Role(_) if is_all => {
                SessionState::clone(&self.state).in_role(lease.role(reset))
            }
            _ => return None,
        };
        Some(Arc::new(state))
    }

    /// True when the connection itself must have the session's last insert id: the statement reads
    /// it, or pins, so that later ones may. What this session made there needs no bringing.
    pub(super) fn brings_insert_id(&self, effect: &Effect) -> bool {
        self.needs_insert_id(effect) && self.has_another_insert_id()
    }

    /// True for a statement that may read another one on the connection than the one that was lost.
    pub(super) fn lacks_insert_id(&self, effect: &Effect) -> bool {
        self.insert_id.is_none() && self.may_read_insert_id(effect) && self.has_another_insert_id()
    }

    /// True when the lease in hand has not the session's last insert id.
    fn has_another_insert_id(&self) -> bool {
        self.held.as_ref().is_some_and(|lease| {
            let there = lease.insert_id();
            !there.is_news && Some(there.known) != self.insert_id
        })
    }

    /// True for a statement that reads it on the connection, or pins, so that later ones may; and
    /// for one that sets it, perhaps, which is told from what was there. (What reads what the
    /// statement before left there can have no step ahead.)
    fn needs_insert_id(&self, effect: &Effect) -> bool {
        let reads_previous = effect.needs_previous || effect.reads_conditions;
        let pins = effect.pin.is_some() && (effect.runs_program || !reads_previous);
        pins || effect.sets_insert_id || self.may_read_insert_id(effect)
    }

    /// True for a statement that reads it on the connection, or runs what may.
    fn may_read_insert_id(&self, effect: &Effect) -> bool {
        let fires = || effect.may_write && self.served.pool.connector().runs_on_writes();
        effect.reads_insert_id || effect.runs_program || fires()
    }

    /// Connections that are opened for this session from now on begin in the database of this
    /// state, if a login can say its name: see [`SessionState::database_of_login`].
    pub(super) fn set_database_of(&mut self, state: &SessionState) {
        let profile = Profile {
            database: state.database_of_login(),
            ..Profile::clone(&self.profile)
        };
        self.profile = Arc::new(profile);
        self.forget_lost_database();
    }

    /// `COM_SET_OPTION` changed what the lease in hand understands.
    pub(super) fn set_profile(&mut self, profile: Arc<Profile>) {
        if let Some(lease) = &mut self.held {
            Lease::<OriginConnector>::set_key(lease, Arc::clone(&profile));
        }
        self.profile = profile;
    }
}
