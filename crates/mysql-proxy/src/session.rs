//! One client, from its login to its end.

mod command;
mod lease;
mod login;
mod passthrough;
mod pins;
mod previous;
mod questions;
mod relay;
mod settle;

use std::sync::Arc;

use conn_pool::Lease;
use mysql_proto::StatusFlags;
use mysql_sql::Escapes;
use net::DrainGuard;
use tracing::debug;

pub(crate) use login::Login;

use crate::downstream::Downstream;
use crate::error::SessionEnd;
use crate::hyperdrives::Served;
use crate::listener::Shared;
use crate::origin::OriginConnector;
use crate::profile::Profile;
use crate::refusal;
use crate::state::SessionState;
use pins::Pins;
use previous::Previous;

/// A session: what belongs to the client, whichever origin connection serves it at the moment.
///
/// ```text
///          next command                     settle: no pin
///   idle ───────────────► lease taken ─────────────────────► idle (lease given back)
///                          │      ▲ │
///                  relay   │      │ │ settle: transaction open, or session state on the lease
///                          └──────┘ └──────────► idle (lease held) ── next command ──► …
/// ```
#[derive(Debug)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    served: Arc<Served>,
    downstream: Downstream,
    /// The id in the greeting: the client knows its session by it.
    id: u32,
    /// What an origin connection must have been opened with to serve this session.
    profile: Arc<Profile>,
    /// What the session has made of its connection, whichever that is.
    state: Arc<SessionState>,
    /// The lease in hand: during a command, and between commands while something pins it.
    held: Option<Lease<OriginConnector>>,
    pins: Pins,
    previous: Previous,
    /// The value of `LAST_INSERT_ID()`, which belongs to the session and not to a connection. Older
    /// than the lease's own while that is news.
    insert_id: u64,
    /// As the last status said; before the first, as the origin's logins say. `None`: nobody has
    /// logged in to the origin yet.
    status: Option<StatusFlags>,
}

/// What of a status belongs to the session rather than to one result.
const OF_SESSION: StatusFlags = StatusFlags::IN_TRANS
    .union(StatusFlags::IN_TRANS_READONLY)
    .union(StatusFlags::AUTOCOMMIT)
    .union(StatusFlags::NO_BACKSLASH_ESCAPES);

/// Connections that may turn out dead one after the other before a command of which nothing left is
/// given up: after a restart of the origin, every idle one is dead.
const MAX_RETRIES: usize = 3;

/// Serves commands until the client leaves, the session breaks, or the drain finds it idle.
pub(crate) async fn run(mut session: Session, drain: DrainGuard) -> SessionEnd {
    let draining = drain.draining().clone();
    let mut drain_began = std::pin::pin!(draining.started());
    let end = loop {
        // A session amid a transaction goes on during a drain; its limit is the drain's own.
        let may_drain = !session.pins.transaction;
        let command = tokio::select! {
            biased;
            command = session.downstream.next_command() => command,
            () = &mut drain_began, if may_drain => Err(SessionEnd::Draining),
        };
        let served = match command {
            Ok(packet) => session.serve(packet).await,
            Err(end) => Err(end),
        };
        if let Err(end) = served {
            break end;
        }
    };
    session.close(&end).await;
    end
}

impl Session {
    /// How a backslash reads in this session's literals.
    fn escapes(&self) -> Escapes {
        let status = self.status.unwrap_or_default();
        if status.contains(StatusFlags::NO_BACKSLASH_ESCAPES) {
            Escapes::None
        } else {
            Escapes::Backslash
        }
    }

    /// Ends the session: tells the client of a drain, and gives back what can be given back.
    async fn close(mut self, end: &SessionEnd) {
        if matches!(end, SessionEnd::Draining) {
            // Nobody asked: a client that reads this with its next command knows what happened,
            // as it would from a server that shuts down.
            let error = refusal::draining();
            if let Err(error) = self.downstream.send_error(Some(0), &error).await {
                debug!(reason = %error, "Failed to tell a client of the drain");
            }
        }
        self.leave_lease().await;
    }
}
