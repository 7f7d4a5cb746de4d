//! What a session leaves behind: a connection amid a statement, in a transaction, or with state on
//! it is made clean and given back, and closed where that fails.
//!
//! It is done by a task of its own, since the client is gone and its place is for the next. There
//! are never more of them than the pool has connections, because each holds a lease; each is
//! bounded in time, and the edge's drain waits for them.

use std::sync::Arc;
use std::time::Duration;

use conn_pool::Lease;
use mysql_proto::{ResponseState, ResponseTracker};
use net::DrainGuard;
use tokio::time::timeout;
use tracing::debug;

use super::Session;
use super::commits::UnderLock;
use super::defining::Defining;
use super::logins::LoginChange;
use super::replica::REPLICA;
use crate::cache::InFlight;
use crate::error::{OriginLoss, SessionEnd};
use crate::hyperdrives::Served;
use crate::mutant::{Fault, Mutant};
use crate::origin::{BringError, OriginConnector};
use crate::registry::{Parted, Stay};

/// Longest that all of it may take. What is not clean by then is closed, which a pool makes good by
/// a login.
const LIMIT: Duration = Duration::from_secs(10);

/// Longest that a killed statement may go on: MySQL looks for kills between two rows, and so long
/// is no row in the making.
const REST_LIMIT: Duration = Duration::from_secs(2);

/// A lease that its session left behind.
#[derive(Debug)]
struct Leftover {
    served: Arc<Served>,
    lease: Lease<OriginConnector>,
    /// Whether others had aimed a `KILL` at it.
    parted: Parted,
    /// How far the response to the command under way was read, if that is known.
    response: Option<ResponseTracker>,
    /// The command is not killed.
    finishes: bool,
    /// See [`OriginConn::outlives_reset`](crate::origin::OriginConn::outlives_reset).
    may_break_by_reset: bool,
    /// The server knows a replica by it.
    is_of_replica: bool,
    /// The write under way: over when the whole response was read, else of unknown outcome.
    in_flight: Option<InFlight>,
    /// The definition under way.
    defining: Option<Defining>,
    /// The change of later logins under way.
    login_change: Option<LoginChange>,
    /// Over with the reset.
    under_lock: UnderLock,
    mutant: Mutant,
}

/// Why a connection was closed and not given back.
#[derive(Debug, thiserror::Error)]
enum NotClean {
    #[error("the server knows a replica by it")]
    OfReplica,
    #[error("a KILL may still come for it")]
    Struck,
    #[error("nobody knows where its response ends")]
    Unknown,
    #[error("its statement could not be killed: {0}")]
    NotKilled(#[from] crate::kill::KillError),
    #[error("it was lost: {0}")]
    Lost(#[from] OriginLoss),
    #[error("it said more than it was asked")]
    Talks,
    #[error("its reset was refused with error {0}")]
    Refused(u16),
    #[error("its distributed transaction may have to outlive it")]
    Distributed,
    #[error("it took too long")]
    TooLate,
}

impl Session {
    /// Parts with the lease in hand at the session's end.
    pub(super) fn leave(mut self, end: &SessionEnd, drain: DrainGuard) {
        let parted = self.registered.part();
        let may_break_by_reset = self.may_break_by_reset();
        let defining = self.defining.take();
        let Some(lease) = self.held.take() else {
            return defining.map_or((), Defining::outlive);
        };
        let is_clean = lease.is_settled()
            && !self.pins.hold()
            && !self.pins.is_dirty()
            && !lease.has_conditions()
            && lease.has_neutral_id();
        if is_clean && parted == Parted::Unharmed {
            lease.give_back();
            return;
        }
        let leftover = Leftover {
            served: Arc::clone(&self.served),
            lease,
            parted,
            response: self.response.take(),
            finishes: self.writes_alone && end.is_of_client(),
            may_break_by_reset,
            is_of_replica: self.pins.has(REPLICA),
            in_flight: self.in_flight.take(),
            defining,
            login_change: self.logins.take(),
            under_lock: std::mem::take(&mut self.under_lock),
            mutant: self.shared.config.mutant,
        };
        leftover.clean_up(drain);
    }
}

impl Leftover {
    /// Makes it clean and gives it back, in the background.
    fn clean_up(mut self, drain: DrainGuard) {
        let defining = self.defining.take();
        tokio::spawn(async move {
            let cleaning = timeout(LIMIT, self.clean());
            if let Err(reason) = cleaning.await.unwrap_or(Err(NotClean::TooLate)) {
                debug!(%reason, "Closed what a session left behind");
                if let Some(defining) = defining {
                    defining.outlive();
                }
            }
            drop(drain);
        });
    }

    /// An error drops the lease, which closes the connection.
    async fn clean(mut self) -> Result<(), NotClean> {
        if !self.lease.is_settled() {
            self.end_statement().await?;
        }
        if let Some(in_flight) = self.in_flight.take() {
            self.under_lock.end(in_flight, &self.served);
        }
        drop(self.login_change.take());
        if self.is_of_replica {
            return Err(NotClean::OfReplica);
        }
        if self.parted == Parted::Struck {
            return Err(NotClean::Struck);
        }
        if self.mutant.has(Fault::Reset) {
            self.lease.give_back();
            return Ok(());
        }
        if self.may_break_by_reset && !self.lease.outlives_reset().await {
            return Err(NotClean::Distributed);
        }
        match self.lease.reset().await {
            Ok(()) => {}
            Err(BringError::Lost(loss)) => return Err(loss.into()),
            Err(BringError::Refused(error)) => return Err(NotClean::Refused(error.code)),
            Err(BringError::NotReset(code)) => return Err(NotClean::Refused(code)),
        }
        self.under_lock.let_go(&self.served);
        if self.lease.has_unread() {
            return Err(NotClean::Talks);
        }
        self.lease.give_back();
        Ok(())
    }

    /// The client is gone, and so is the reason for its statement: it would hold its locks, and
    /// this connection, until it ends by itself. Only a write that needs no commit goes on, as at a
    /// server: somebody may have sent it and not waited. (One that takes longer than [`LIMIT`] does
    /// so without its connection here: servers look for their client when they answer.)
    async fn end_statement(&mut self) -> Result<(), NotClean> {
        let Some(mut response) = self.response.take() else {
            return Err(NotClean::Unknown);
        };
        // Its last piece may have been read when the client could not take it any more.
        let fed = response.feed(&[]).map_err(OriginLoss::from)?;
        if fed.state == ResponseState::Done {
            if self.lease.has_unread() {
                return Err(NotClean::Talks);
            }
            self.lease.end_command();
            return Ok(());
        }
        if self.finishes {
            return self.read_rest(&mut response).await;
        }
        let stay = Stay {
            thread: self.lease.thread(),
        };
        self.served.kill_query(stay).await?;
        let reading = self.read_rest(&mut response);
        timeout(REST_LIMIT, reading)
            .await
            .unwrap_or(Err(NotClean::TooLate))
    }

    async fn read_rest(&mut self, response: &mut ResponseTracker) -> Result<(), NotClean> {
        loop {
            let bytes = self.lease.receive().await.map_err(OriginLoss::from)?;
            let fed = response.feed(bytes).map_err(OriginLoss::from)?;
            match fed.state {
                ResponseState::Incomplete => {}
                ResponseState::Done if fed.consumed == bytes.len() => {
                    self.lease.end_command();
                    return Ok(());
                }
                ResponseState::Done => return Err(NotClean::Talks),
                // It waits for a file that nobody sends.
                ResponseState::AwaitLocalInfile => return Err(NotClean::Unknown),
            }
        }
    }
}
