//! What a session begins with, and goes back to: the database and the collation of its login.

use mysql_proto::{Capabilities, OkPacket, StateChange, StatusFlags};

use crate::hyperdrives::Served;
use crate::origin::Flavor;
use crate::profile::Profile;
use crate::state::{Names, SessionState};

/// What the login asked for.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// The database. On TiDB `COM_INIT_DB` changes it too.
    pub(super) database: Option<String>,
    /// A statement of the session has run in that: if it cannot be entered any more, it is gone.
    pub(super) is_known: bool,
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
