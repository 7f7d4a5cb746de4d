//! Opens connections to one origin: dial, TLS, log in.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use conn_pool::{Connect, Fit};
use domain::{ExposeSecret, Origin, OriginTls};
use mysql_client::log_in;
use mysql_proto::{Capabilities, ClientConfig, StatusFlags};
use net::Dial;
use net::tls::ClientTls;
use tracing::debug;

use super::{Flavor, OriginConn};
use crate::error::OriginError;
use crate::profile::Profile;
use crate::programs::{Kin, Programs};
use crate::state::SessionState;
use crate::statements::HandleLimits;
use crate::states::States;

/// A server, as its greeting tells.
#[derive(Debug)]
struct Server {
    version: String,
    flavor: Flavor,
    collation: u8,
}

/// Opens connections to one origin.
#[derive(Debug)]
pub(crate) struct OriginConnector {
    origin: Origin,
    dial: Arc<dyn Dial>,
    tls: Option<ClientTls>,
    /// How much is kept prepared on one connection.
    handles: HandleLimits,
    /// What the first greeting said of the server.
    server: OnceLock<Server>,
    /// What the origin's greeting offered last, with a mark that there was one.
    offered: AtomicU64,
    /// The status after the last login, with a mark that there was one.
    login_status: AtomicU32,
    /// Which server it was when it was asked last.
    server_name: Mutex<Option<Arc<str>>>,
    /// What is believed of its triggers and stored routines.
    programs: Arc<Programs>,
    states: States,
}

/// `utf8mb4_general_ci`, which every origin knows.
const ASIDE_COLLATION: u8 = 45;

/// What an origin must have if the client has it: it knows other commands, or its packets have
/// another form.
const INDISPENSABLE: [(Capabilities, &str); 4] = [
    (Capabilities::DEPRECATE_EOF, "CLIENT_DEPRECATE_EOF"),
    (
        Capabilities::MARIADB_EXTENDED_METADATA,
        "MARIADB_CLIENT_EXTENDED_METADATA",
    ),
    (
        Capabilities::MARIADB_STMT_BULK_OPERATIONS,
        "MARIADB_CLIENT_STMT_BULK_OPERATIONS",
    ),
    (
        Capabilities::MARIADB_BULK_UNIT_RESULTS,
        "MARIADB_CLIENT_BULK_UNIT_RESULTS",
    ),
];

/// Set in [`OriginConnector::login_status`] beside the 16 bits of a status.
const KNOWN: u32 = 1 << 16;

/// Likewise beside the 32 bits of capabilities.
const KNOWN_OFFER: u64 = 1 << 63;

impl OriginConnector {
    /// Makes a connector; fails when the origin's TLS settings cannot work.
    pub(crate) fn new(origin: Origin, dial: Arc<dyn Dial>) -> Result<Self, OriginError> {
        let tls = ClientTls::new(&origin.tls, &origin.address.host)?;
        Ok(Self {
            origin,
            dial,
            tls,
            handles: HandleLimits::default(),
            server: OnceLock::new(),
            offered: AtomicU64::new(0),
            login_status: AtomicU32::new(0),
            server_name: Mutex::default(),
            programs: Programs::among(&Arc::default()),
            states: States::default(),
        })
    }

    /// The origin.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The states of its connections and their sessions.
    pub(crate) fn states(&self) -> &States {
        &self.states
    }

    /// True when it may have triggers.
    pub(crate) fn runs_on_writes(&self) -> bool {
        self.programs.may_run_on_writes() && !self.flavor().is_tidb()
    }

    /// True when it may have views that call stored functions.
    pub(crate) fn runs_on_reads(&self) -> bool {
        self.programs.may_run_on_reads() && !self.flavor().is_tidb()
    }

    /// What is believed of them.
    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Is told what others do to the programs of its origin, and tells them.
    #[must_use]
    pub(crate) fn among(self, kin: &Arc<Kin>) -> Self {
        Self {
            programs: Programs::among(kin),
            ..self
        }
    }

    /// Keeps so much prepared on one connection.
    #[must_use]
    pub(crate) fn keep(self, handles: HandleLimits) -> Self {
        Self { handles, ..self }
    }

    /// Whose server it is, once there has been a connection; MySQL's until then.
    pub(crate) fn flavor(&self) -> Flavor {
        self.server
            .get()
            .map_or(Flavor::MySql, |server| server.flavor)
    }

    /// The version that the origin gave in its greeting, once there has been one.
    pub(crate) fn server_version(&self) -> Option<&str> {
        self.server.get().map(|server| server.version.as_str())
    }

    /// The collation in its greeting; likewise.
    pub(crate) fn server_collation(&self) -> Option<u8> {
        self.server.get().map(|server| server.collation)
    }

    /// What the origin can do, once there has been a connection.
    pub(crate) fn offered(&self) -> Option<Capabilities> {
        let known = self.offered.load(Ordering::Relaxed);
        let offered = Capabilities::from_bits_retain(known & !KNOWN_OFFER);
        (known & KNOWN_OFFER != 0).then_some(offered)
    }

    /// What a session is like after its login, once there has been one: whether `autocommit` is on,
    /// and how a backslash reads, are the origin's to choose.
    pub(crate) fn login_status(&self) -> Option<StatusFlags> {
        let known = self.login_status.load(Ordering::Relaxed);
        let bits = u16::try_from(known & !KNOWN).ok()?;
        (known & KNOWN != 0).then(|| StatusFlags::from_bits_retain(bits))
    }

    /// Which server it is, as far as is known.
    pub(crate) fn server_name(&self) -> Option<Arc<str>> {
        let name = self.server_name.lock();
        name.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It is this server at the moment.
    pub(crate) fn note_server_name(&self, name: &Arc<str>) {
        let mut known = self
            .server_name
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::clone(name));
    }

    /// What was known of a login is not true any more.
    pub(crate) fn forget_login_status(&self) {
        self.login_status.store(0, Ordering::Relaxed);
    }

    /// Opens a connection and logs in. Has no timeout of its own.
    pub(crate) async fn open(&self, profile: &Profile) -> Result<OriginConn, OriginError> {
        let stream = self
            .dial
            .dial(self.origin.via, &self.origin.address)
            .await?;
        let logged_in = log_in(stream, self.client_config(profile), self.tls.as_ref()).await?;
        let missing = profile.capabilities.difference(logged_in.capabilities);
        for (capability, name) in INDISPENSABLE {
            if missing.contains(capability) {
                return Err(OriginError::MissingCapability(name));
            }
        }
        debug!(origin = %self.origin.address, "Opened an origin connection");
        self.server.get_or_init(|| Server {
            version: logged_in.server_version.clone(),
            collation: logged_in.server_collation,
            flavor: Flavor::of(&logged_in.server_version),
        });
        let offered = logged_in.offered.bits();
        self.offered.store(KNOWN_OFFER | offered, Ordering::Relaxed);
        self.login_status.store(
            // What a login says of its own change of state is no status of a session.
            KNOWN
                | u32::from(
                    logged_in
                        .status
                        .difference(StatusFlags::SESSION_STATE_CHANGED)
                        .bits(),
                ),
            Ordering::Relaxed,
        );
        let ignore_space = profile.capabilities.contains(Capabilities::IGNORE_SPACE);
        let state = SessionState::new(profile.database.clone(), profile.collation)
            .ignoring_space(ignore_space);
        let state = self.states.share(state);
        Ok(OriginConn::new(logged_in, state, self.handles))
    }

    /// Opens a connection for a word of our own, beside the pool. Likewise.
    pub(crate) async fn open_aside(
        &self,
        database: Option<&str>,
    ) -> Result<OriginConn, OriginError> {
        let database = database.map(str::to_owned);
        let profile = Profile::new(Capabilities::empty(), ASIDE_COLLATION, database);
        self.open(&profile).await
    }

    fn client_config(&self, profile: &Profile) -> ClientConfig {
        ClientConfig {
            user: self.origin.user.clone(),
            password: self.origin.password.expose_secret().as_bytes().to_vec(),
            database: profile.database.clone(),
            collation: profile.collation,
            capabilities: profile.wanted(),
            attributes: vec![
                ("_client_name".to_owned(), "tidegate".to_owned()),
                (
                    "_client_version".to_owned(),
                    env!("CARGO_PKG_VERSION").to_owned(),
                ),
                ("program_name".to_owned(), "tidegate".to_owned()),
            ],
            tls: self.tls.is_some(),
            // Without TLS only what the configuration calls private is dialled: loopback, or an
            // origin behind a tunnel, whose flow is encrypted up to the connector.
            transport_is_private: self.origin.tls == OriginTls::Disabled,
        }
    }
}

impl Connect for OriginConnector {
    type Key = Arc<Profile>;
    type Wish = Arc<SessionState>;
    /// Boxed: it goes from hand to hand with each statement.
    type Conn = Box<OriginConn>;
    type Error = OriginError;

    async fn connect(&self, profile: &Arc<Profile>) -> Result<Box<OriginConn>, OriginError> {
        // Boxed: a login's state is large, seldom, and would be part of every session.
        Box::pin(self.open(profile)).await.map(Box::new)
    }

    fn fit(&self, conn: &Box<OriginConn>, state: &Arc<SessionState>) -> Fit {
        conn.fit(state)
    }

    fn is_alive(&self, conn: &mut Box<OriginConn>) -> bool {
        conn.is_usable()
    }

    fn close(&self, conn: Box<OriginConn>) {
        conn.quit();
    }
}
