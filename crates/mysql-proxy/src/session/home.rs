//! What a session begins with, and goes back to: the database and the collation of its login; a
//! database that was gone, once there is one of its name again.

use std::sync::Arc;
use std::time::Duration;

use mysql_proto::{Capabilities, OkPacket, StateChange, StatusFlags};
use mysql_sql::Assignment;
use tokio::time::Instant;

use super::Session;
use crate::hyperdrives::Served;
use crate::origin::Flavor;
use crate::profile::Profile;
use crate::state::{Names, SessionState};

/// A database is looked for again when this has passed: each time costs a connection, if it is gone
/// still.
const LOOKS_AGAIN: Duration = Duration::from_secs(5);

/// A database that was gone.
#[derive(Clone, Debug)]
struct Lost {
    name: String,
    since: Instant,
}

/// What the login asked for, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// The database. On TiDB `COM_INIT_DB` changes it too.
    pub(super) database: Option<String>,
    /// The session has been in that: if it cannot be entered any more, it is gone.
    pub(super) is_known: bool,
    /// The database that the session was in until that was gone.
    lost: Option<Box<Lost>>,
    /// The collation.
    pub(super) collation: u8,
    /// `CLIENT_IGNORE_SPACE`.
    ignore_space: bool,
}

impl Home {
    /// Of a login to this hyperdrive. Without a database it gets that of the origin's address.
    pub(super) fn new(
        served: &Served,
        capabilities: Capabilities,
        database: Option<String>,
        collation: u8,
    ) -> Self {
        let asked = database.filter(|database| !database.is_empty());
        Self {
            database: asked.or_else(|| served.hyperdrive.origin.database.clone()),
            is_known: false,
            lost: None,
            collation,
            ignore_space: capabilities.contains(Capabilities::IGNORE_SPACE),
        }
    }

    /// The same after `COM_CHANGE_USER` within a session that began with another: MariaDB forgets
    /// `CLIENT_IGNORE_SPACE`, and TiDB passes over the collation of the request.
    pub(super) fn within(self, flavor: Flavor, first: &Self) -> Self {
        Self {
            collation: if flavor.is_tidb() {
                first.collation
            } else {
                self.collation
            },
            ignore_space: self.ignore_space && !flavor.is_mariadb(),
            ..self
        }
    }

    /// The state of the session.
    pub(super) fn state(&self) -> SessionState {
        SessionState::new(self.database.clone(), self.collation).ignoring_space(self.ignore_space)
    }

    /// The state after `COM_RESET_CONNECTION`, where the database was `current`: MySQL and MariaDB
    /// keep that, TiDB goes back. MariaDB forgets `CLIENT_IGNORE_SPACE`. `defaults`: the character
    /// set of a session that MySQL has reset, which is the server's whatever the login asked for.
    pub(super) fn reset(
        &self,
        flavor: Flavor,
        current: Option<&str>,
        defaults: Option<String>,
    ) -> SessionState {
        let database = match flavor {
            Flavor::TiDb => self.database.clone(),
            Flavor::MySql | Flavor::MariaDb { .. } => current.map(str::to_owned),
        };
        let state = SessionState::new(database, self.collation)
            .ignoring_space(self.ignore_space && !flavor.is_mariadb());
        match defaults {
            Some(names) => state.named(Names::Set(names)),
            None => state,
        }
    }

    /// What its origin connections must have been opened with.
    pub(super) fn profile(&self, served: &Served, capabilities: Capabilities) -> Profile {
        let offered = served.pool.connector().offered();
        Profile::new(capabilities, self.collation, self.database.clone()).at_origin(offered)
    }

    /// The OK packet that lets the client in.
    pub(super) fn greeting(&self, served: &Served, capabilities: Capabilities) -> OkPacket {
        let connector = served.pool.connector();
        let status = connector.login_status().unwrap_or(StatusFlags::AUTOCOMMIT);
        let mut ok = OkPacket {
            status,
            ..OkPacket::default()
        };
        let tracks = capabilities.contains(Capabilities::SESSION_TRACK)
            && connector.flavor() != Flavor::TiDb;
        if let Some(database) = self.database.as_ref().filter(|_| tracks) {
            ok.status |= StatusFlags::SESSION_STATE_CHANGED;
            ok.session_state = StateChange::schema_block(database);
        }
        ok
    }
}

impl Session {
    /// The database of the session is gone, or taken from its user, by what another has done: it is
    /// in none from now on, unless there is one of that name later.
    pub(super) fn lose_database(&mut self) {
        if let Some(name) = self.state.database_name() {
            self.home.lost = Some(Box::new(Lost {
                name: name.to_owned(),
                since: Instant::now(),
            }));
            self.home.is_known = true;
        }
        self.leave_database();
        // Its key has another state.
        self.filling = None;
    }

    /// Notes that the database of the session's login is there, if the lease in hand is in it.
    pub(super) fn note_home(&mut self) {
        if !self.home.is_known
            && let Some(lease) = &self.held
        {
            self.home.is_known = lease.is_in(self.home.database.as_deref());
        }
    }

    /// The session is where a statement of its own has led it.
    pub(super) fn forget_lost_database(&mut self) {
        self.home.lost = None;
    }

    /// True where each command has to begin with [`Session::look_for_lost_database`].
    pub(super) fn has_lost_database(&self) -> bool {
        self.home.lost.is_some()
    }

    /// Servers know a session's database by its name alone, so that one which was made anew is its
    /// own again. Whether there is one, the next statement tells.
    pub(super) fn look_for_lost_database(&mut self) {
        let is_due = |lost: &mut Box<Lost>| lost.since.elapsed() >= LOOKS_AGAIN;
        if self.held.is_some() {
            return;
        }
        let Some(lost) = self.home.lost.take_if(is_due) else {
            return;
        };
        let is_elsewhere = self.state.database_name().is_some();
        let goes_there = [Assignment::Database(lost.name)];
        if let Ok(state) = self.state.assigned(&goes_there)
            && !is_elsewhere
        {
            self.set_database_of(&state);
            self.state = Arc::new(state);
        }
    }
}
