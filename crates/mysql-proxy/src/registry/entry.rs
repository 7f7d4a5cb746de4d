//! What others can see of a session, and do to it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use domain::HyperdriveId;
use mysql_proto::Command;
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::time::Instant;

use super::Registry;
use crate::state::SessionState;

/// What is known of a session at its login.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The local user.
    pub(crate) user: Box<str>,
    /// The hyperdrive that the user selected.
    pub(crate) hyperdrive: HyperdriveId,
    /// Where the client is.
    pub(crate) peer: SocketAddr,
    /// The client's own name for itself, of its connection attributes.
    pub(crate) program: Box<str>,
}

/// One session, for others to see.
pub(crate) struct Entry {
    /// The connection id, as the client knows it.
    pub(crate) id: u32,
    /// The local user.
    pub(crate) user: Box<str>,
    /// The hyperdrive.
    pub(crate) hyperdrive: HyperdriveId,
    /// Where the client is.
    pub(crate) peer: SocketAddr,
    /// The client's own name for itself.
    pub(crate) program: Box<str>,
    since: Instant,
    /// The command under way, and since when: see [`Activity`].
    activity: AtomicU64,
    /// The lease in hand: see [`Stay`].
    stay: AtomicU64,
    /// A transaction is open.
    transaction: AtomicBool,
    /// What others ask of it.
    signals: AtomicU8,
    /// A `KILL` is under way, or came, that the session has not let pass.
    kill_comes: AtomicBool,
    /// Held while one is under way.
    kill: Arc<tokio::sync::Mutex<()>>,
    /// The session's task.
    waker: Mutex<Option<Waker>>,
    /// Closed when the session is gone.
    gone: Arc<Semaphore>,
    details: Mutex<Details>,
}

/// What changes seldom.
#[derive(Default)]
struct Details {
    pins: Vec<&'static str>,
    state: Option<Arc<SessionState>>,
}

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activity {
    /// The command under way. `None`: the client says nothing.
    pub(crate) command: Option<Command>,
    /// How long ago that came, or the command before.
    pub(crate) time: Duration,
}

/// A command under way.
#[derive(Debug)]
pub(crate) struct Running {
    entry: Arc<Entry>,
    mark: u64,
}

impl Running {
    /// True when it is over. One of the same kind that came in the same millisecond is taken for
    /// it.
    pub(crate) fn has_ended(&self) -> bool {
        self.entry.activity.load(Ordering::SeqCst) != self.mark
    }

    /// True while its session lives.
    pub(crate) fn is_registered(&self, registry: &Registry) -> bool {
        let known = registry.find(self.entry.id);
        known.is_some_and(|known| Arc::ptr_eq(&known, &self.entry))
    }
}

/// A stay on an origin connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stay {
    /// The connection's id at the origin.
    pub(crate) thread: u32,
}

/// The aim of the one killer of a statement: see [`Entry::aim_alone`].
#[derive(Debug)]
pub(crate) struct Aim {
    pub(crate) stay: Stay,
    _alone: OwnedMutexGuard<()>,
}

/// How a session parted with its origin connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parted {
    /// Nobody aimed at it.
    Unharmed,
    /// A `KILL` was sent to it, or is about to be: it may arrive late, and must not meet another
    /// session there. The connection has to be closed.
    Struck,
}

/// Why a command must not go on waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// `KILL QUERY`.
    Killed,
    /// `query_timeout` or `transaction_timeout`.
    TimedOut,
}

/// The command's place in an activity; below it are milliseconds since the login, which last for
/// two million years.
const COMMAND_SHIFT: u32 = 56;

/// In the place of a command when there is none.
const IDLE: u8 = u8::MAX;

/// In a stay, above the thread id: there is a lease.
const HELD: u64 = 1 << 32;
/// Likewise: a `KILL` was aimed at the thread.
const STRUCK: u64 = 1 << 33;

/// The pin of an open transaction.
pub(crate) const TRANSACTION: &str = "transaction";

/// Signals.
const END: u8 = 1;
const KILL_QUERY: u8 = 1 << 1;
const TIME_OUT: u8 = 1 << 2;

impl Entry {
    pub(super) fn new(id: u32, facts: Facts) -> Self {
        Self {
            id,
            user: facts.user,
            hyperdrive: facts.hyperdrive,
            peer: facts.peer,
            program: facts.program,
            since: Instant::now(),
            activity: AtomicU64::new(u64::from(IDLE) << COMMAND_SHIFT),
            stay: AtomicU64::new(0),
            transaction: AtomicBool::new(false),
            signals: AtomicU8::new(0),
            kill_comes: AtomicBool::new(false),
            kill: Arc::default(),
            waker: Mutex::default(),
            gone: Arc::new(Semaphore::new(0)),
            details: Mutex::default(),
        }
    }

    /// The entry of the same session as another user's. Whoever wants it to end still does.
    pub(super) fn succeed(&self, facts: Facts) -> Self {
        let signals = self.signals.load(Ordering::Acquire) & END;
        Self {
            since: self.since,
            signals: AtomicU8::new(signals),
            waker: Mutex::new(self.waker().clone()),
            gone: Arc::clone(&self.gone),
            ..Self::new(self.id, facts)
        }
    }

    // === What the session itself tells ===

    /// A command came. What was asked of the one before does not concern it.
    pub(crate) fn begin(&self, command: Command, now: Instant) {
        self.note_activity(command.0, now);
        if self.signals.load(Ordering::Relaxed) != 0 {
            self.signals.fetch_and(END, Ordering::Relaxed);
        }
    }

    /// A command came at this time, and is answered before anybody could ask anything of it.
    pub(crate) fn begin_and_rest(&self, now: Instant) {
        self.note_activity(IDLE, now);
    }

    fn note_activity(&self, command: u8, now: Instant) {
        let age = now.saturating_duration_since(self.since);
        let millis = u64::try_from(age.as_millis()).unwrap_or(0);
        let activity = (u64::from(command) << COMMAND_SHIFT) | millis;
        self.activity.store(activity, Ordering::Relaxed);
    }

    /// The command is done. The clock is not read again, which each command would pay for: a
    /// session that says nothing shows since when by its last command.
    pub(crate) fn rest(&self) {
        let activity = self.activity.load(Ordering::Relaxed);
        let idle = activity | (u64::from(IDLE) << COMMAND_SHIFT);
        self.activity.store(idle, Ordering::Relaxed);
    }

    /// Whether a transaction is open.
    pub(crate) fn note_transaction(&self, is_open: bool) {
        if self.transaction.load(Ordering::Relaxed) != is_open {
            self.transaction.store(is_open, Ordering::Relaxed);
        }
    }

    /// What pins it now, but for a transaction.
    pub(crate) fn note_pins(&self, pins: Vec<&'static str>) {
        self.details().pins = pins;
    }

    /// Its state is another one now.
    pub(crate) fn note_state(&self, state: &Arc<SessionState>) {
        self.details().state = Some(Arc::clone(state));
    }

    /// It has a lease, of the connection with this id at the origin.
    pub(crate) fn take(&self, thread: u32) {
        self.stay.store(HELD | u64::from(thread), Ordering::Release);
    }

    /// It parts with its lease, to lend the connection on.
    ///
    /// # Race
    ///
    /// A killer that reads the thread's id a moment before this, and sends its `KILL` a moment
    /// after, would hit the statement of the next session on the connection. So a killer marks the
    /// stay before it sends anything ([`Entry::aim`]), in the same atomic that is emptied here:
    ///
    /// ```text
    ///   killer  aim: held → struck ── KILL QUERY 7 ──►          aim: nothing there, nothing sent
    ///   session                  part: struck → close     part: held → lend on
    ///                            (whenever it arrives,
    ///                            nobody else is there)
    /// ```
    ///
    /// A connection that is closed, and never lent again, need not be parted with.
    pub(crate) fn part(&self) -> Parted {
        let stay = self.stay.swap(0, Ordering::AcqRel);
        if stay & STRUCK == 0 {
            Parted::Unharmed
        } else {
            Parted::Struck
        }
    }

    /// It has no lease any more: the connection was closed.
    pub(crate) fn forget_lease(&self) {
        if self.stay.load(Ordering::Relaxed) != 0 {
            self.stay.store(0, Ordering::Release);
        }
    }

    /// Whoever signals wakes this task from now on: the one that the session runs in.
    ///
    /// # Race
    ///
    /// A signal is a bit first and a call second. Either the caller finds the waker, or the lock
    /// that it found empty makes the bit visible to whoever looks for it after this.
    pub(crate) fn wake_by(&self, waker: &Waker) {
        *self.waker() = Some(waker.clone());
    }

    /// True when others want it to end.
    pub(crate) fn is_ended(&self) -> bool {
        self.signals.load(Ordering::Acquire) & END != 0
    }

    /// Waits until others want it to end. Only for the session's own task: see [`Entry::wake_by`].
    /// Cancel-safe.
    pub(crate) async fn ended(&self) {
        std::future::poll_fn(|_| {
            if self.is_ended() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Waits until the command under way must not wait any longer. Likewise.
    pub(crate) async fn interrupted(&self) -> Interruption {
        std::future::poll_fn(|_| match self.signals.load(Ordering::Acquire) {
            signals if signals & KILL_QUERY != 0 => Poll::Ready(Interruption::Killed),
            signals if signals & TIME_OUT != 0 => Poll::Ready(Interruption::TimedOut),
            _ => Poll::Pending,
        })
        .await
    }

    /// True when a `KILL` was sent to its connection since the last that it let pass.
    pub(crate) fn kill_comes(&self) -> bool {
        self.kill_comes.load(Ordering::SeqCst)
    }

    /// Waits until no `KILL` is on its way to its connection.
    pub(crate) async fn let_kill_pass(&self) {
        // While this is held, no other killer begins.
        let _alone = self.kill.lock().await;
        self.kill_comes.store(false, Ordering::SeqCst);
    }

    // === What others do to it ===

    /// Takes aim at what it runs now, as the only killer: while the aim lives, the session begins
    /// no other command on that connection, which the `KILL` could meet there in the place of this
    /// one. `None`: there is nothing to kill, or another killer is at work.
    pub(crate) fn aim_alone(&self) -> Option<Aim> {
        let alone = Arc::clone(&self.kill).try_lock_owned().ok()?;
        // Before the aim: a command that begins without seeing this is the one that is aimed at.
        self.kill_comes.store(true, Ordering::SeqCst);
        let stay = self.aim()?;
        Some(Aim {
            stay,
            _alone: alone,
        })
    }

    /// Takes aim at its connection: from now on that is not lent on, and may be killed. `None`: it
    /// has no lease, so there is nothing at the origin to kill.
    fn aim(&self) -> Option<Stay> {
        let mark = |stay| (stay & HELD != 0).then_some(stay | STRUCK);
        let stay = self
            .stay
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, mark)
            .ok()?;
        thread_of(stay).map(|thread| Stay { thread })
    }

    /// Tells the command under way not to wait for a lease any longer.
    pub(crate) fn interrupt(&self, why: Interruption) {
        self.signal(match why {
            Interruption::Killed => KILL_QUERY,
            Interruption::TimedOut => TIME_OUT,
        });
    }

    /// Waits until the session is gone, and the client's connection closed. Cancel-safe.
    pub(crate) async fn gone(&self) {
        // There are no permits: this only ends when it is closed.
        let _closed = self.gone.acquire().await;
    }

    /// The session is gone.
    pub(super) fn leave(&self) {
        self.gone.close();
    }

    /// Tells the session to end.
    pub(super) fn end(&self) {
        self.signal(END);
    }

    fn signal(&self, signal: u8) {
        self.signals.fetch_or(signal, Ordering::Release);
        if let Some(waker) = &*self.waker() {
            waker.wake_by_ref();
        }
    }

    // === What others see ===

    /// What it does.
    pub(crate) fn activity(&self) -> Activity {
        let activity = self.activity.load(Ordering::Relaxed);
        let command = u8::try_from(activity >> COMMAND_SHIFT).unwrap_or(IDLE);
        let began = Duration::from_millis(activity & ((1 << COMMAND_SHIFT) - 1));
        Activity {
            command: (command != IDLE).then_some(Command(command)),
            time: self.since.elapsed().saturating_sub(began),
        }
    }

    /// The command under way, to be looked at again. `None`: there is none, or one that sends the
    /// binary log and runs no statement.
    pub(super) fn running(self: &Arc<Self>) -> Option<Running> {
        let mark = self.activity.load(Ordering::SeqCst);
        let command = u8::try_from(mark >> COMMAND_SHIFT).unwrap_or(IDLE);
        let dumps = [Command::BINLOG_DUMP, Command::BINLOG_DUMP_GTID];
        let runs = command != IDLE && !dumps.contains(&Command(command));
        runs.then(|| Running {
            entry: Arc::clone(self),
            mark,
        })
    }

    /// How long it has been connected.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The id at the origin of the connection that it has a lease of.
    pub(crate) fn thread(&self) -> Option<u32> {
        thread_of(self.stay.load(Ordering::Relaxed))
    }

    /// What pins it.
    pub(crate) fn pins(&self) -> Vec<&'static str> {
        let mut pins = self.details().pins.clone();
        if self.transaction.load(Ordering::Relaxed) {
            pins.push(TRANSACTION);
        }
        pins
    }

    /// Its default database.
    pub(crate) fn database(&self) -> Option<String> {
        let details = self.details();
        let state = details.state.as_ref()?;
        state.database_name().map(str::to_owned)
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn details(&self) -> MutexGuard<'_, Details> {
        self.details.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn thread_of(stay: u64) -> Option<u32> {
    (stay & HELD != 0).then(|| u32::try_from(stay & u64::from(u32::MAX)).unwrap_or(0))
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("user", &self.user)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn entry() -> Entry {
        let facts = Facts {
            user: "app".into(),
            hyperdrive: HyperdriveId::random(),
            peer: "127.0.0.1:1".parse().unwrap(),
            program: "test".into(),
        };
        Entry::new(1, facts)
    }

    #[tokio::test(start_paused = true)]
    async fn shows_what_the_session_does() {
        let entry = entry();
        tokio::time::advance(Duration::from_secs(3)).await;
        entry.begin(Command::QUERY, Instant::now());
        tokio::time::advance(Duration::from_secs(2)).await;
        let activity = Activity {
            command: Some(Command::QUERY),
            time: Duration::from_secs(2),
        };
        assert_eq!(entry.activity(), activity);
        assert_eq!(entry.age(), Duration::from_secs(5));
        entry.rest();
        let activity = Activity {
            command: None,
            ..activity
        };
        assert_eq!(entry.activity(), activity);
    }

    #[test]
    fn a_connection_that_was_aimed_at_is_not_lent_on() {
        let entry = entry();
        assert_eq!(entry.aim(), None);
        entry.take(7);
        assert_eq!(entry.thread(), Some(7));
        assert_eq!(entry.part(), Parted::Unharmed);
        assert_eq!((entry.thread(), entry.aim()), (None, None));
        entry.take(0);
        assert_eq!(entry.aim(), Some(Stay { thread: 0 }));
        assert_eq!(entry.aim(), Some(Stay { thread: 0 }));
        assert_eq!(entry.part(), Parted::Struck);
        entry.take(8);
        assert_eq!(entry.part(), Parted::Unharmed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lets_a_kill_pass_and_there_is_one_killer_at_a_time() {
        let entry = entry();
        assert!(!entry.kill_comes());
        assert!(entry.aim_alone().is_none());
        entry.take(7);
        let aim = entry.aim_alone().unwrap();
        assert_eq!(aim.stay, Stay { thread: 7 });
        assert!(entry.aim_alone().is_none());
        assert!(entry.kill_comes());
        let limit = Duration::from_secs(3);
        tokio::time::timeout(limit, entry.let_kill_pass())
            .await
            .unwrap_err();
        assert!(entry.kill_comes());
        drop(aim);
        entry.let_kill_pass().await;
        assert!(!entry.kill_comes());
        assert_eq!(entry.part(), Parted::Struck);
    }

    /// Either the killer finds nothing, or the session closes the connection: never neither.
    #[test]
    fn a_killer_and_a_parting_session_agree() {
        let (entry, both) = (entry(), Barrier::new(2));
        for _ in 0..2_000 {
            entry.take(7);
            let (parted, aimed) = std::thread::scope(|scope| {
                let killer = scope.spawn(|| {
                    both.wait();
                    entry.aim()
                });
                both.wait();
                (entry.part(), killer.join().unwrap())
            });
            assert_eq!(parted == Parted::Struck, aimed.is_some());
        }
    }

    #[tokio::test]
    async fn signals_reach_a_session_that_waits() {
        let entry = Arc::new(entry());
        let waiting = tokio::spawn({
            let entry = Arc::clone(&entry);
            async move {
                std::future::poll_fn(|context| {
                    entry.wake_by(context.waker());
                    Poll::Ready(())
                })
                .await;
                let why = entry.interrupted().await;
                entry.ended().await;
                why
            }
        });
        tokio::task::yield_now().await;
        entry.interrupt(Interruption::TimedOut);
        tokio::task::yield_now().await;
        entry.end();
        assert_eq!(waiting.await.unwrap(), Interruption::TimedOut);
    }

    #[tokio::test]
    async fn an_interruption_is_over_with_its_command_and_an_end_is_not() {
        let entry = entry();
        entry.interrupt(Interruption::Killed);
        entry.end();
        entry.begin(Command::PING, Instant::now());
        let limit = Duration::from_millis(1);
        tokio::time::timeout(limit, entry.interrupted())
            .await
            .unwrap_err();
        entry.ended().await;
    }
}
