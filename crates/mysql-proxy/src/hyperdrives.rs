//! The hyperdrives that are served, each with its pool, as the newest snapshot has them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conn_pool::{LeaseError, Pool, PoolConfig, PoolStats};
use domain::{Address, Hyperdrive, HyperdriveId, Snapshot, TableName, Via};
use mysql_proto::{Capabilities, ErrPacket};
use mysql_sql::Dialect;
use net::{Backoff, Dial};
use query_cache::Versions;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use crate::cache::ResultCache;
use crate::databases::Databases;
use crate::error::{OriginError, PurgeError};
use crate::kill::{KillError, Killed, Killer};
use crate::metrics::{HyperdriveMetrics, Metrics};
use crate::mutant::Mutant;
use crate::origin::{OriginConn, OriginConnector};
use crate::outlines::Outlines;
use crate::profile::Profile;
use crate::programs::{self, Kin};
use crate::registry::{Aim, Registry, Running, Stay};
use crate::state::SessionState;
use crate::statements::{HandleLimits, Texts};

/// `utf8mb4_general_ci`, which every origin knows.
const MEETING_COLLATION: u8 = 45;

/// The hyperdrives of an edge. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hyperdrives {
    snapshot: watch::Receiver<Arc<Snapshot>>,
    dial: Arc<dyn Dial>,
    metrics: Metrics,
    housekeeping: Handle,
    mutant: Mutant,
    /// By where they are.
    origins: Arc<Mutex<HashMap<(Via, Address), OfOrigin>>>,
    served: Arc<Mutex<HashMap<HyperdriveId, Arc<Served>>>>,
    registry: Arc<Registry>,
}

/// What all hyperdrives of an origin share.
#[derive(Clone, Debug)]
struct OfOrigin {
    /// What a write changes.
    versions: Versions,
    kin: Arc<Kin>,
}

/// One hyperdrive in service.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) hyperdrive: Arc<Hyperdrive>,
    pub(crate) pool: Pool<OriginConnector>,
    pub(crate) metrics: HyperdriveMetrics,
    /// The prepared statements of all its sessions.
    pub(crate) texts: Texts,
    /// In which dialect texts were read that were plain reads, and not to be kept.
    pub(crate) plain_reads: Outlines<Dialect>,
    /// The character set of a session that MySQL has reset, as `SET` names it; once it is known.
    pub(crate) default_names: DefaultNames,
    databases: Databases,
    killer: Killer,
    /// What reads found, if it is kept.
    pub(crate) cache: Option<Arc<ResultCache>>,
    /// When the idle connections were closed last for what they held.
    idle_closed: Mutex<Option<Instant>>,
}

/// What was learned in the pool's generation, beside that.
#[derive(Debug, Default)]
pub(crate) struct DefaultNames(Mutex<Option<(u64, String)>>);

impl DefaultNames {
    /// Those of this generation, if they are known.
    pub(crate) fn of(&self, generation: u64) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref();
        known
            .filter(|(of, _)| *of == generation)
            .map(|(_, names)| names.clone())
    }

    /// Those are they.
    pub(crate) fn note(&self, generation: u64, names: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((generation, names.to_owned()));
    }
}

impl Served {
    /// Most sessions of the local user.
    pub(crate) fn limit_of_user(&self) -> Option<usize> {
        self.hyperdrive.limits.max_user_connections
    }

    /// True when the idle connections were not closed for so long; they are from now on.
    pub(crate) fn may_close_idle(&self, cool_down: Duration) -> bool {
        let mut closed = self
            .idle_closed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let may = closed.is_none_or(|closed| closed.elapsed() >= cool_down);
        if may {
            *closed = Some(Instant::now());
        }
        may
    }

    /// The origin's error, if sessions cannot begin in this database.
    pub(crate) async fn refused_database(
        &self,
        name: Option<&str>,
        login_timeout: Duration,
    ) -> Option<ErrPacket> {
        // The pool begins in that of its origin itself, and tells what is wrong with it.
        let asked = name.filter(|name| self.hyperdrive.origin.database.as_deref() != Some(name))?;
        let origin = self.pool.connector();
        self.databases.refused(asked, origin, login_timeout).await
    }

    /// Kills the statement of a session of this hyperdrive that was aimed at.
    pub(crate) async fn kill_aimed(&self, aim: Aim) -> Result<Killed, KillError> {
        let origin = self.pool.connector();
        self.killer.kill_aimed(aim, origin).await
    }

    /// Kills what a connection runs that is nobody's any more.
    pub(crate) async fn kill_query(&self, stay: Stay) -> Result<Killed, KillError> {
        let origin = self.pool.connector();
        self.killer.kill_query(stay, origin).await
    }
}

/// How a hyperdrive stands.
#[derive(Clone, Debug)]
pub struct HyperdriveStatus {
    /// Its name.
    pub name: String,
    /// Its pool; `None` until its first client.
    pub pool: Option<PoolStats>,
    /// The origin's version, once there has been a connection.
    pub server_version: Option<String>,
}

/// Where its origin is.
fn place(hyperdrive: &Hyperdrive) -> (Via, Address) {
    let origin = &hyperdrive.origin;
    (origin.via, origin.address.clone())
}

impl Hyperdrives {
    /// Serves what `snapshot` holds, now and later, reaching origins by `dial`. `housekeeping` is
    /// the runtime for what is done now and then: see [`Pool::new`].
    pub fn new(
        snapshot: watch::Receiver<Arc<Snapshot>>,
        dial: Arc<dyn Dial>,
        metrics: Metrics,
        housekeeping: Handle,
        mutant: Mutant,
    ) -> Self {
        Self {
            snapshot,
            dial,
            metrics,
            housekeeping,
            mutant,
            origins: Arc::default(),
            served: Arc::default(),
            registry: Arc::new(Registry::new()),
        }
    }

    /// The sessions of all hyperdrives.
    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The commands under way that may run at the origin of this hyperdrive: of all that are not
    /// known to have another.
    pub(crate) fn running_at_origin_of(&self, hyperdrive: &Hyperdrive) -> Vec<Running> {
        let here = place(hyperdrive);
        let snapshot = Arc::clone(&self.snapshot.borrow());
        let others = snapshot.hyperdrives().filter(|other| place(other) != here);
        let others: Vec<_> = others.map(|other| other.id).collect();
        self.registry.running_beside(&others)
    }

    /// The hyperdrive that this local user selects. Must be called inside a tokio runtime.
    pub(crate) fn of_user(&self, user: &str) -> Option<Result<Arc<Served>, OriginError>> {
        let hyperdrive = self.snapshot.borrow().hyperdrive_of_user(user).cloned()?;
        Some(self.serve(hyperdrive))
    }

    /// The service of this very configuration: a changed one gets a new pool, and the old pool ends
    /// with its last session.
    fn serve(&self, hyperdrive: Arc<Hyperdrive>) -> Result<Arc<Served>, OriginError> {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(served) = served.get(&hyperdrive.id)
            && Arc::ptr_eq(&served.hyperdrive, &hyperdrive)
        {
            return Ok(Arc::clone(served));
        }
        let new = Arc::new(self.start(hyperdrive)?);
        if let Some(old) = served.insert(new.hyperdrive.id, Arc::clone(&new)) {
            info!(hyperdrive = new.hyperdrive.name, "Hyperdrive changed");
            old.pool.close();
        }
        Ok(new)
    }

    fn start(&self, hyperdrive: Arc<Hyperdrive>) -> Result<Served, OriginError> {
        let policy = hyperdrive.pool;
        let shared = self.of_origin(&hyperdrive);
        let connector = OriginConnector::new(hyperdrive.origin.clone(), Arc::clone(&self.dial))?
            .among(&shared.kin)
            .keep(HandleLimits::of(policy.max_statements, policy.max));
        let config = PoolConfig {
            min: policy.min,
            max: policy.max,
            max_waiting: policy.max_waiting,
            wait_timeout: policy.wait_timeout,
            connect_timeout: policy.connect_timeout,
            idle_timeout: policy.idle_timeout,
            max_lifetime: policy.max_lifetime,
        };
        let metrics = self.metrics.pools.of(&hyperdrive.name);
        let cache = self.cache(&hyperdrive, shared.versions);
        if let Some(cache) = cache.as_ref().filter(|cache| cache.keeps()) {
            self.metrics.caches.enter(&hyperdrive.name, cache);
        }
        Ok(Served {
            pool: Pool::new(connector, config, metrics, &self.housekeeping),
            metrics: self.metrics.of(&hyperdrive.name),
            texts: Texts::default(),
            plain_reads: Outlines::default(),
            default_names: DefaultNames::default(),
            databases: Databases::new(),
            killer: Killer::new(),
            cache,
            idle_closed: Mutex::default(),
            hyperdrive,
        })
    }

    /// Connections that are opened from now on to the origin of this hyperdrive may be others than
    /// those there are, through whichever hyperdrive: those serve nobody any more.
    pub(crate) fn renew_origin_of(&self, hyperdrive: &Hyperdrive) {
        let here = place(hyperdrive);
        let of_origin: Vec<_> = {
            let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
            let of_origin = served
                .values()
                .filter(|served| place(&served.hyperdrive) == here);
            of_origin.map(Arc::clone).collect()
        };
        for served in of_origin {
            served.pool.connector().forget_login_status();
            served.pool.renew();
        }
    }

    /// What it shares with the others of its origin.
    fn of_origin(&self, hyperdrive: &Hyperdrive) -> OfOrigin {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || OfOrigin {
            versions: Versions::new(self.mutant.of_cache()),
            kin: Arc::default(),
        };
        origins.entry(place(hyperdrive)).or_insert_with(new).clone()
    }

    /// The cache of a hyperdrive, if results of its origin are kept at all: what is written through
    /// one hyperdrive is seen through another.
    fn cache(&self, hyperdrive: &Hyperdrive, versions: Versions) -> Option<Arc<ResultCache>> {
        let here = place(hyperdrive);
        let snapshot = Arc::clone(&self.snapshot.borrow());
        let of_origin = || snapshot.hyperdrives().filter(|other| place(other) == here);
        if !of_origin().any(|other| other.cache.enabled) {
            return None;
        }
        let user = &hyperdrive.origin.user;
        let sees_too_little = of_origin().any(|other| other.origin.user != *user);
        let cache = ResultCache::new(&hyperdrive.cache, versions, sees_too_little, self.mutant);
        Some(Arc::new(cache))
    }

    /// Meets each origin once: learns the version that its clients are greeted with, and tells
    /// early of an origin that cannot be reached, until it succeeds. Then asks it now and then for
    /// its programs. Dropping the future ends all that.
    pub async fn meet_origins(&self) {
        let snapshot = Arc::clone(&self.snapshot.borrow());
        let (mut meetings, mut watches) = (JoinSet::new(), JoinSet::new());
        for hyperdrive in snapshot.hyperdrives() {
            match self.serve(Arc::clone(hyperdrive)) {
                Ok(served) => drop(meetings.spawn(meet(served))),
                Err(error) => {
                    error!(hyperdrive = hyperdrive.name, %error, "Cannot serve a hyperdrive");
                }
            }
        }
        while let Some(met) = meetings.join_next().await {
            if let Ok(Some(served)) = met {
                let watching = watch(served, self.clone());
                watches.spawn_on(watching, &self.housekeeping);
            }
        }
        while watches.join_next().await.is_some() {}
    }

    /// Drops what is kept of a hyperdrive's results: what was read from these tables, or all of it
    /// if there are none.
    pub fn purge(&self, name: &str, tables: &[TableName]) -> Result<(), PurgeError> {
        let snapshot = Arc::clone(&self.snapshot.borrow());
        let mut hyperdrives = snapshot.hyperdrives();
        let hyperdrive = hyperdrives.find(|hyperdrive| hyperdrive.name == name);
        let hyperdrive = hyperdrive.ok_or(PurgeError::UnknownHyperdrive)?;
        // One that cannot be served has kept nothing either.
        let served = self.serve(Arc::clone(hyperdrive)).ok();
        let cache = served.and_then(|served| served.cache.clone());
        let cache = cache
            .filter(|cache| cache.keeps())
            .ok_or(PurgeError::CacheOff)?;
        if tables.is_empty() {
            cache.purge();
        } else if !cache.purge_tables(tables) {
            return Err(PurgeError::UnknownTable);
        }
        Ok(())
    }

    /// Closes all pools: what is idle now, and what is lent when it comes back.
    pub fn close(&self) {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        for served in served.values() {
            served.pool.close();
        }
    }

    /// The version to greet with: a client that has not told its user yet can only be shown an
    /// origin's own version when there is no choice.
    pub(crate) fn server_version(&self) -> Option<String> {
        let version = self.only()?.pool.connector().server_version()?.to_owned();
        Some(version)
    }

    /// The collation to greet with; likewise. Clients choose their own by it.
    pub(crate) fn server_collation(&self) -> Option<u8> {
        self.only()?.pool.connector().server_collation()
    }

    /// What to offer of what an origin need not have; likewise.
    pub(crate) fn offered(&self) -> Option<Capabilities> {
        self.only()?.pool.connector().offered()
    }

    /// The hyperdrive in service, if there is no other.
    fn only(&self) -> Option<Arc<Served>> {
        let snapshot = Arc::clone(&self.snapshot.borrow());
        let mut hyperdrives = snapshot.hyperdrives();
        let (Some(only), None) = (hyperdrives.next(), hyperdrives.next()) else {
            return None;
        };
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.get(&only.id).map(Arc::clone)
    }

    /// How the hyperdrives stand, by name.
    pub fn status(&self) -> Vec<HyperdriveStatus> {
        let snapshot = Arc::clone(&self.snapshot.borrow());
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let mut status: Vec<_> = snapshot
            .hyperdrives()
            .map(|hyperdrive| {
                let served = served.get(&hyperdrive.id);
                HyperdriveStatus {
                    name: hyperdrive.name.clone(),
                    pool: served.map(|served| served.pool.stats()),
                    server_version: served
                        .and_then(|served| served.pool.connector().server_version())
                        .map(str::to_owned),
                }
            })
            .collect();
        status.sort_by(|a, b| a.name.cmp(&b.name));
        status
    }
}

/// Keeps up with what an origin is, as long as the future lives.
async fn watch(served: Arc<Served>, hyperdrives: Hyperdrives) {
    let connector = served.pool.connector();
    let watches_cache = async {
        if let Some(cache) = &served.cache {
            let of = (&hyperdrives, &served.hyperdrive);
            cache.watch(connector, of).await;
        }
    };
    tokio::join!(programs::watch(connector), watches_cache);
}

/// Opens a connection, within the limits of the pool, and closes it again. `None`: the pool is
/// closed.
async fn meet(served: Arc<Served>) -> Option<Arc<Served>> {
    const FIRST_WAIT: Duration = Duration::from_secs(1);
    /// A connector that starts together with its edge is not worth a warning.
    const QUIET_ATTEMPTS: u32 = 2;
    const LONGEST_WAIT: Duration = Duration::from_secs(30);
    let database = served.hyperdrive.origin.database.clone();
    let profile = Arc::new(Profile::new(
        Capabilities::empty(),
        MEETING_COLLATION,
        database,
    ));
    let state = Arc::new(SessionState::new(
        profile.database.clone(),
        MEETING_COLLATION,
    ));
    let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
    loop {
        let error = match served.pool.lease(&profile, &state, None).await {
            // Dropping the lease closes it: no client has just this profile.
            Ok(mut lease) => {
                warn_of_init_connect(&served.hyperdrive.name, &mut lease).await;
                drop(lease);
                return Some(served);
            }
            Err(LeaseError::Closed) => return None,
            Err(LeaseError::Connect(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let hyperdrive = &served.hyperdrive.name;
        if backoff.attempts() < QUIET_ATTEMPTS {
            debug!(hyperdrive, error, "Cannot reach an origin yet");
        } else {
            warn!(hyperdrive, error, "Cannot reach an origin");
        }
        tokio::time::sleep(backoff.next_wait()).await;
    }
}

/// What a server runs at a login nothing runs again after a reset of the connection, nor is it what
/// `DEFAULT` goes back to.
async fn warn_of_init_connect(hyperdrive: &str, conn: &mut OriginConn) {
    let asked = conn.ask_row("SELECT @@GLOBAL.init_connect LIMIT 1").await;
    let row = asked.ok().flatten().unwrap_or_default();
    if let Some(Some(text)) = row.first()
        && !text.is_empty()
    {
        warn!(
            hyperdrive,
            init_connect = text,
            "The origin sets its sessions up by init_connect, which connections lose that are \
             shared: give its user other means, or set the same as global variables"
        );
    }
}
