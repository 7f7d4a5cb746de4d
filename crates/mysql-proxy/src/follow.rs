//! Follows the binary log of one origin, for good: whatever anybody writes there is told within
//! milliseconds, whichever way it came.
//!
//! ```text
//!   the end of the log ──► asked for ──► following ──► lost
//!           ▲                ▲   │                       │
//!           └── refused: 1236 ───┘     a wait: long, if somebody has to do something
//!                            │                           │
//!                            └── the last event's place ─┘
//! ```
//!
//! It is followed from the first event on, which tells which file it is. Another one than before,
//! or the first of all: anything may have changed. The same one: nothing was missed.
//!
//! A transaction is written to the log first and becomes visible to readers when its engine has
//! committed it, a moment later; with semi-synchronous replication (`AFTER_SYNC`), when a replica
//! has answered. What is told here may thus still be read as it was before, so **the listener has
//! to drop what it keeps once more a moment later**. A transaction that XA has prepared is told
//! when it is written; its `XA COMMIT`, which names no table, as anything.
//!
//! What is not in the log is not told:
//!
//! - databases that the server leaves out of it (`binlog_ignore_db`, `binlog_do_db`), and sessions
//!   with `sql_log_bin = 0`;
//! - what the server gets as a replica itself, if its `log_replica_updates` is off;
//! - rows that a foreign key changes along (`ON DELETE CASCADE`): in MySQL before 9.6 the engine
//!   does that by itself. Whoever listens has to know the keys of a table. What a trigger changes
//!   is told as any table, but not where the log has statements instead of rows.
//!
//! How the log is written (`binlog_format`, `binlog_row_image`, compression, encryption) does not
//! matter, but that MariaDB's compressed statements (`log_bin_compress`), most of them DDL, are
//! told as anything.
//!
//! To the server it is a replica: its user needs the right `REPLICATION SLAVE` to be sent the log,
//! and `REPLICATION CLIENT` (by which name MariaDB also knows its `BINLOG MONITOR`) to ask where it
//! ends. It is not registered as one: no server demands that.
//!
//! - `place.rs`: where in the log.
//! - `dump.rs`: the connection on which it comes.
//! - `report.rs`: what an event is to the listener; `unpack.rs`: compressed transactions.
//! - `error.rs`: why it cannot be followed, and what can be done.

mod dump;
mod error;
mod place;
mod report;
mod unpack;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::time::Duration;

use aws_lc_rs::rand;
use mysql_proto::{BinlogEvent, BinlogEventBody};
use net::Backoff;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::origin::OriginConnector;
use dump::Dump;
use error::FollowError;
use place::{FileId, Place};
use report::Reporter;

/// Between two attempts: a server that restarts is back in seconds.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The same where somebody has to change something at the origin first.
const RARELY: Duration = Duration::from_secs(60);

/// Longest that connecting, logging in and asking for the log may take.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// Hears what changes. It is called amid the reading of the log, so it must not take long.
pub(crate) trait Listener: Send + Sync {
    /// Rows of this table were changed, or will be seen so in a moment; perhaps others with them,
    /// by a foreign key. Names are the log's.
    fn table_changed(&self, database: &str, table: &str);
    /// A statement was run in this database, or in none if that is empty. It is in UTF-8 or ASCII,
    /// and its quotes and backslashes read as in the default `sql_mode`.
    fn statement(&self, database: &str, sql: &[u8]);
    /// Anything may have changed.
    fn anything_changed(&self);
    /// Changes are told from now on; or they are not, until it is true again.
    fn following(&self, on: bool);
}

/// Follows the log of an origin. Never returns; dropping the future ends it.
pub(crate) async fn follow(connector: &OriginConnector, listener: &impl Listener) {
    let mut follower = Follower::new(connector, listener);
    loop {
        let Err(error) = follower.follow_once().await;
        sleep(follower.after(&error)).await;
    }
}

/// What lasts from one connection to the next.
struct Follower<'a, L: Listener> {
    connector: &'a OriginConnector,
    listener: &'a L,
    reporter: Reporter<'a, L>,
    server_id: u32,
    /// Behind the last event that was told.
    place: Place,
    backoff: Backoff,
    /// The advice of the last warning, until the log is followed again: once is enough.
    advised: Option<&'static str>,
}

/// The log is followed as long as this lives.
struct Following<'a, L: Listener>(&'a L);

impl<'a, L: Listener> Following<'a, L> {
    fn begin(listener: &'a L) -> Self {
        listener.following(true);
        Self(listener)
    }
}

impl<L: Listener> Drop for Following<'_, L> {
    fn drop(&mut self) {
        self.0.following(false);
    }
}

impl<'a, L: Listener> Follower<'a, L> {
    fn new(connector: &'a OriginConnector, listener: &'a L) -> Self {
        Self {
            connector,
            listener,
            reporter: Reporter::new(listener),
            server_id: random_server_id(),
            place: Place::default(),
            backoff: Backoff::new(FIRST_WAIT, LONGEST_WAIT),
            advised: None,
        }
    }

    /// Follows the log on one connection, until that cannot go on.
    async fn follow_once(&mut self) -> Result<Infallible, FollowError> {
        let asked = timeout(OPEN_LIMIT, self.ask()).await;
        let mut dump = asked.map_err(|_| FollowError::TooLate)??;
        let mut following = None;
        loop {
            dump.read(|event| self.take(event, &mut following)).await?;
        }
    }

    /// Asks for the log, from the last place on if that is known, else from its end.
    async fn ask(&mut self) -> Result<Dump, FollowError> {
        let mut conn = self.connector.open_aside(None).await?;
        if conn.flavor().is_tidb() {
            return Err(FollowError::NoLog);
        }
        if !self.place.is_known() {
            self.place = Place::end(&mut conn).await?;
        }
        Dump::begin(conn, &self.place, self.server_id).await
    }

    fn take(&mut self, event: &BinlogEvent<'_>, following: &mut Option<Following<'a, L>>) {
        if event.body == BinlogEventBody::Format {
            let is_same = self.place.enter(FileId::of(event));
            following.get_or_insert_with(|| self.begin(is_same));
        }
        self.reporter.report(&event.body);
        self.place.advance(event);
    }

    /// The first event is there. `is_same`: nothing was missed since the last.
    fn begin(&mut self, is_same: bool) -> Following<'a, L> {
        let (origin, place) = (&self.connector.origin().address, &self.place);
        info!(%origin, %place, resumed = is_same, "Following the binary log of an origin");
        self.backoff.reset();
        self.advised = None;
        if !is_same {
            self.listener.anything_changed();
        }
        Following::begin(self.listener)
    }

    /// Tells of an error, and how long to wait after it.
    fn after(&mut self, error: &FollowError) -> Duration {
        let (origin, advice) = (&self.connector.origin().address, error.advice());
        if self.advised.replace(advice) == Some(advice) {
            debug!(%origin, %error, "Still cannot follow the binary log of an origin");
        } else {
            warn!(%origin, %error, advice, "Cannot follow the binary log of an origin");
        }
        if error.is_of_place() {
            self.place = Place::default();
        }
        if error.needs_operator() {
            RARELY
        } else {
            self.backoff.next_wait()
        }
    }
}

/// A server id of our own. All replicas of a server must have different ones, which people choose
/// small, or as the replica's IP address: in 240.0.0.0/4 there is none of either.
fn random_server_id() -> u32 {
    let mut bytes = [0; 4];
    rand::fill(&mut bytes).expect("aws-lc fails to draw randomness only by aborting the process");
    0xF000_0000 | (u32::from_le_bytes(bytes) >> 4)
}
