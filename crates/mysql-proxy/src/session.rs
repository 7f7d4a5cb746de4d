//! One client, from its login to its end.

mod attributes;
mod cached;
mod capture;
mod change_user;
mod cleanup;
mod command;
mod commits;
mod deadlines;
mod defining;
mod escapes;
mod explain;
mod home;
mod kill;
mod lease;
mod limits;
mod locks;
mod login;
mod logins;
mod note;
mod other_state;
mod outcome;
mod outgoing;
mod pins;
mod previous;
mod questions;
mod reading;
mod relay;
mod replica;
mod routines;
mod settle;
mod show;
mod statements;
mod straight;
mod warnings;

use std::sync::Arc;

use conn_pool::Lease;
use mysql_proto::{ErrPacket, NONCE_LEN, ResponseTracker, StatusFlags};
use mysql_sql::{Dialect, Letters, PinReason, Server};
use net::DrainGuard;
use tokio::time::Instant;
use tracing::debug;

pub(crate) use cached::is_worth_keeping;
pub(crate) use login::Login;

use crate::cache::InFlight;
use crate::downstream::Downstream;
use crate::error::SessionEnd;
use crate::hyperdrives::Served;
use crate::listener::Shared;
use crate::origin::OriginConnector;
use crate::profile::Profile;
use crate::refusal;
use crate::registry::Registered;
use crate::state::SessionState;
use crate::statements::Statements;
use cached::{AtOnce, Filling};
use commits::{Uncommitted, UnderLock};
use defining::Defining;
use home::Home;
use limits::Watch;
use locks::LockAnswer;
use logins::Logins;
use pins::Pins;
use previous::Previous;
use routines::{Calling, routines_known};

/// A session: what belongs to the client, whichever origin connection serves it at the moment.
///
/// ```text
///          next command                     settle: no pin
///   idle ───────────────► lease taken ─────────────────────► idle (lease given back)
///                          │      ▲ │
///                  relay   │      │ │ settle: transaction open, or session state on the lease
///                          └──────┘ └──────────► idle (lease held) ── next command ──► …
/// ```
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Debug)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    served: Arc<Served>,
    downstream: Downstream,
    /// The id in the greeting: the client knows its session by it.
    id: u32,
    /// How often it has begun anew, by a reset or a change of user.
    resets: u64,
    /// The random bytes of the greeting, which a client may answer again.
    nonce: [u8; NONCE_LEN],
    /// What others see of it.
    registered: Registered,
    /// The state that they see.
    shown: Option<Arc<SessionState>>,
    /// What an origin connection must have been opened with to serve this session.
    profile: Arc<Profile>,
    /// What it goes back to when it is reset.
    home: Home,
    /// What the session has made of its connection, whichever that is.
    state: Arc<SessionState>,
    /// The lease in hand: during a command, and between commands while something pins it.
    held: Option<Lease<OriginConnector>>,
    /// The response that the client did not wait for.
    response: Option<ResponseTracker>,
    /// The statement under way may write, and needs no commit.
    writes_alone: bool,
    pins: Pins,
    statements: Statements,
    previous: Previous,
    /// The value of `LAST_INSERT_ID()`, which belongs to the session and not to a connection. Older
    /// than the lease's own while that is news. `None`: it was lost with the connection that a
    /// statement had made it on, and who needs it is told that the session's state is.
    insert_id: Option<u64>,
    /// As the last status said; before the first, as the origin's logins say. `None`: nobody has
    /// logged in to the origin yet.
    status: Option<StatusFlags>,
    /// The pool's generation when that was learned.
    generation: u64,
    /// The lease in hand has to be made to read backslashes as this session does.
    forces_escapes: bool,
    /// `status` is that of the last response, which was no error.
    is_status_sure: bool,
    /// The connection in hand is in the database that the state tells, and what a name writes to
    /// there, others see under that name or not at all; unless a routine that it waits to know
    /// ([`pins::Waiting`]) has led it elsewhere.
    are_names_sure: bool,
    /// The statement under way may write anything.
    writes_anything: bool,
    /// What it does to later logins.
    logins: Logins,
    /// The routines that the statement under way calls, and the definition that it may be.
    calling: Calling,
    defining: Option<Defining>,
    /// The read under way, if its result is to be kept.
    filling: Option<Box<Filling>>,
    /// What comes to the client, if it has asked for a lock.
    lock_answer: Option<Box<LockAnswer>>,
    /// The command under way, as far as it might have been answered at once.
    at_once: AtOnce,
    /// Since when the command under way has waited for another session's, if it has.
    followed_since: Option<Instant>,
    /// The write under way, if others may see it before it is over.
    in_flight: Option<InFlight>,
    under_lock: UnderLock,
    /// What the open transaction has written.
    uncommitted: Uncommitted,
}

/// What of a status belongs to the session rather than to one result.
const OF_SESSION: StatusFlags = StatusFlags::IN_TRANS
    .union(StatusFlags::IN_TRANS_READONLY)
    .union(StatusFlags::AUTOCOMMIT)
    .union(StatusFlags::NO_BACKSLASH_ESCAPES)
    .union(StatusFlags::ANSI_QUOTES);

/// Connections that may turn out dead one after the other before a command of which nothing left is
/// given up: after a restart of the origin, every idle one is dead.
const MAX_RETRIES: usize = 3;

/// Serves commands until the client leaves, the session breaks, or the drain finds it idle.
pub(crate) async fn run(mut session: Session, drain: DrainGuard) -> SessionEnd {
    let draining = drain.draining();
    let mut watch = Watch::new(session.registered.entry(), &session.served, draining);
    session.show_itself();
    let end = loop {
        // A session that holds a connection goes on during a drain; its limit is the drain's own.
        let may_drain = !session.pins.hold();
        let command = tokio::select! {
            biased;
            command = session.downstream.next_command() => command,
            end = watch.idle(may_drain) => Err(end),
            // The client is hung up on, too, as it would be directly.
            why = hung_up(&mut session.held) => Err(SessionEnd::OriginHungUp(why)),
            () = routines_known(&session.pins, &session.served) => {
                if let Err(end) = Box::pin(session.let_go_of_routines()).await {
                    break end;
                }
                session.show_itself();
                continue;
            }
        };
        let served = match command {
            Ok(packet) => {
                // Read once for all, as each command pays for it.
                let now = Instant::now();
                match session.answer_at_once(packet, now) {
                    Ok(true) => continue,
                    Ok(false) => {
                        // Pinned here: to hand it over would copy it, twice, for each command.
                        let serving = std::pin::pin!(session.serve(packet));
                        watch.serve(packet.command, now, serving).await
                    }
                    Err(end) => Err(end),
                }
            }
            Err(end) => Err(end),
        };
        if let Err(end) = served {
            break end;
        }
        // One whose connection was lost has nobody else to end it.
        if let Some(defining) = session.defining.take() {
            defining.outlive();
        }
        session.show_itself();
        if !watch.is_of(session.registered.entry()) {
            watch = Watch::new(session.registered.entry(), &session.served, draining);
        }
        watch.rest(session.pins.transaction);
    };
    session.close(&end, drain).await;
    end
}

/// Waits until the origin hangs up on the connection that a session keeps; for ever if it keeps
/// none. Gives what it says of that.
async fn hung_up(held: &mut Option<Lease<OriginConnector>>) -> Option<ErrPacket> {
    match held {
        Some(lease) => lease.hung_up().await,
        None => std::future::pending().await,
    }
}

impl Session {
    /// How this session's statements read.
    fn dialect(&self) -> Dialect {
        let is_unsure = self.pins.has(PinReason::CharacterSet.name())
            || self.pins.has(PinReason::NotUnderstood.name());
        let letters = if is_unsure {
            Letters::Unknown
        } else {
            self.state.letters(self.server() != Server::MariaDb)
        };
        Dialect {
            escapes: self.escapes(),
            letters,
            server: self.server(),
            ignores_space: !is_unsure && self.state.ignores_space(),
        }
    }

    /// Lets others see how it is now. Costs next to nothing where nothing has changed.
    fn show_itself(&mut self) {
        if self.held.is_none() {
            self.registered.forget_lease();
        }
        self.registered.note_transaction(self.pins.transaction);
        if self.pins.take_changed() {
            self.registered.note_pins(self.pins.reasons());
        }
        let is_shown = |shown: &Arc<SessionState>| Arc::ptr_eq(shown, &self.state);
        if !self.shown.as_ref().is_some_and(is_shown) {
            self.registered.note_state(&self.state);
            self.shown = Some(Arc::clone(&self.state));
        }
    }

    /// Ends the session: tells the client why, where it is the edge that ends it, and gives
    /// its lease back.
    async fn close(mut self, end: &SessionEnd, drain: DrainGuard) {
        if let Some(error) = refusal::of_end(end, &self.served.hyperdrive) {
            self.shared.metrics.error(error.code);
            // Nobody asked: a client that reads this with its next command knows what happened,
            // as it would from a server that shuts down.
            if let Err(error) = self.downstream.send_error(Some(0), &error).await {
                debug!(reason = %error, "Failed to tell a client why its session ends");
            }
        }
        self.leave(end, drain);
    }
}
