//! One question to the origin per key, whose answer serves all who ask meanwhile. (What is listed
//! is the key's hash: see `flights.rs`.)
//!
//! ```text
//!             note: nothing on its way          fill: still current
//!  Leader ────────────────────────────► asked ───────────────────────► followers: Filled
//!    │                                    │
//!    │ note: something on its way         │ decline, or fill: too large
//!    ├──────────► followers: Alone        ├──────────► followers: Alone, and for a while so is
//!    │                                    │            whoever else asks for the key
//!    │                                    ├─ let_go ► followers: Alone
//!    └─ dropped ► followers: Retry        └─ dropped, or fill: moved ► followers: Retry
//! ```
//!
//! Where none of these comes, the first who has waited for long leads as well, and the others
//! follow that one; what comes of the first flight is for them all the same, if it is current then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::cache::Shared;
use crate::config::Lifetime;
use crate::entry::{Entry, RefreshPermit};
use crate::error::NotFilled;
use crate::flights::{Ended, Following, LeaderId, Progress};
use crate::key::{Key, Sought};
use crate::mutant::Fault;
use crate::noted::Noted;
use crate::store::{MadeRoom, Weighed};
use crate::weight::Weigh;

/// Followers leave a leader that is stalled at two looks so far apart.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The one who asks. Whatever becomes of it, its followers are told: dropped before it has filled
/// or declined, it has failed.
pub struct Leader<C, V> {
    listing: Listing<C, V>,
    asked: Option<Asked>,
    context: C,
    /// Its key's bytes, and what has come of the result: as an entry has them.
    bytes: Vec<u8>,
    /// How many are the key's.
    key_len: usize,
    /// Of the entry that it refreshes: goes back when the flight is over.
    _permit: Option<RefreshPermit<C, V>>,
}

/// One who waits for a leader. Dropping it costs nobody anything.
pub struct Follower<C, V> {
    key: Key<C>,
    flight: watch::Receiver<Progress<C, V>>,
    overdue_at: Instant,
}

/// What a follower has waited for.
#[derive(Debug)]
pub enum Outcome<C, V> {
    /// The result, which is good at this moment.
    Filled(Entry<C, V>),
    /// The leader failed, or a write made its result unfit for others: join again. Where writes
    /// never cease that can go on; who is told so twice had better ask alone.
    Retry(Key<C>),
    /// The leader is overdue: join again, and lead if nobody else does by then.
    Overdue(Key<C>),
    /// The result is for nobody else, or its leader is stalled: ask without telling.
    Alone,
}

/// An [`Outcome`], while its follower has the key still.
enum End<C, V> {
    Filled(Entry<C, V>),
    Retry,
    Overdue,
    Alone,
}

/// When a leader asked, and under which versions.
struct Asked {
    noted: Noted,
    at: Instant,
}

/// A flight's place in the list, which is freed when it is dropped.
struct Listing<C, V> {
    shared: Arc<Shared<C, V>>,
    hash: u64,
    id: LeaderId,
    is_listed: bool,
}

impl<C, V> Leader<C, V>
where
    C: PartialEq + Weigh,
{
    pub(crate) fn new(
        shared: Arc<Shared<C, V>>,
        (key, id): (Key<C>, LeaderId),
        permit: Option<RefreshPermit<C, V>>,
    ) -> Self {
        let Key {
            context,
            hash,
            bytes,
        } = key;
        let listing = Listing {
            shared,
            hash,
            id,
            is_listed: true,
        };
        Self {
            listing,
            asked: None,
            context,
            key_len: bytes.len(),
            bytes,
            _permit: permit,
        }
    }

    /// Takes what [`crate::Versions::note`] says right before the statement is sent; the age of
    /// the entry counts from here. If that is nothing, so that nothing can be kept, the followers
    /// are let go at once, and it says `false`.
    pub fn note(&mut self, noted: Option<Noted>) -> bool {
        self.asked = noted.map(|noted| Asked {
            noted,
            at: Instant::now(),
        });
        if self.asked.is_none() {
            self.listing.end(Some(Progress::LetGo));
        }
        self.asked.is_some()
    }

    /// Says whether the leader waits for its own client, who does not read. Followers do not wait
    /// with it for long.
    pub fn set_stalled(&self, is_stalled: bool) {
        let Listing {
            shared, hash, id, ..
        } = &self.listing;
        if self.listing.is_listed {
            shared.flights().set_stalled(*hash, *id, is_stalled);
        }
    }

    /// A piece of the result.
    pub fn push(&mut self, piece: &[u8]) {
        if self.received() == 0 {
            // Mostly the first piece is the last.
            self.bytes.reserve_exact(piece.len());
        }
        self.bytes.extend_from_slice(piece);
    }

    /// How much of the result has come, in bytes.
    pub fn received(&self) -> usize {
        self.bytes.len() - self.key_len
    }

    /// Keeps the result, all of which has come, and gives it to all followers, if it is good for
    /// others than the leader: no write to its tables has begun since the note.
    pub fn fill(mut self, value: V, lifetime: Lifetime) -> Result<Entry<C, V>, NotFilled> {
        let Asked { noted, at } = self.asked_still_current().ok_or(NotFilled::Moved)?;
        let store = &self.listing.shared.store;
        let weighed = store.weigh(&self.context, noted.bytes(), self.bytes.len());
        let weight = match weighed {
            Ok(weight) => weight,
            Err(too_large) => {
                self.decline();
                return Err(too_large);
            }
        };
        let Self {
            mut listing,
            context,
            bytes,
            key_len,
            ..
        } = self;
        let entry = Entry::new((context, &bytes, key_len), value, noted, lifetime, at);
        Ok(listing.land(Weighed::new(entry, weight)))
    }

    /// The result cannot be kept: it is too large, or of a kind that is not. The key is remembered
    /// for a minute, so that nobody waits for a leader that will say the same.
    pub fn decline(self) {
        let Listing { shared, hash, .. } = &self.listing;
        shared.flights().decline(*hash);
        self.end(Progress::LetGo);
    }

    /// There is no result this time, but the next one may have one: the followers ask for
    /// themselves, all at once, in case it goes on like this.
    pub fn let_go(self) {
        self.end(Progress::LetGo);
    }

    fn asked_still_current(&mut self) -> Option<Asked> {
        let asked = self.asked.take()?;
        if self.listing.shared.mutant.has(Fault::Comparing) {
            let noted = asked.noted.taken_again();
            return Some(Asked { noted, ..asked });
        }
        asked.noted.is_current().then_some(asked)
    }

    fn end(mut self, progress: Progress<C, V>) {
        self.listing.end(Some(progress));
    }
}

impl<C: PartialEq, V> Follower<C, V> {
    pub(crate) fn new(following: Following<C, V>, key: Key<C>) -> Self {
        Self {
            key,
            flight: following.progress,
            overdue_at: following.overdue_at,
        }
    }

    /// Waits for what becomes of the flight. Cancel-safe.
    pub async fn outcome(mut self) -> Outcome<C, V> {
        let end = loop {
            if let Some(end) = self.end_if_over() {
                break end;
            }
            let next = if self.is_stalled() {
                self.after_stalled_look().await
            } else {
                self.after_change().await
            };
            if let Some(end) = next {
                break end;
            }
        };
        match end {
            End::Filled(entry) => Outcome::Filled(entry),
            End::Retry => Outcome::Retry(self.key),
            End::Overdue => Outcome::Overdue(self.key),
            End::Alone => Outcome::Alone,
        }
    }

    fn end_if_over(&mut self) -> Option<End<C, V>> {
        match &*self.flight.borrow_and_update() {
            Progress::UnderWay | Progress::Stalled => None,
            Progress::LetGo => Some(End::Alone),
            // Of another key with the same hash.
            Progress::Filled(entry) if !self.key.is(entry.context(), entry.key_bytes()) => {
                Some(End::Alone)
            }
            // A write may have begun since the result was kept, and before this one joined.
            Progress::Filled(entry) if !entry.is_current() => Some(End::Retry),
            Progress::Filled(entry) => {
                entry.count_hit();
                Some(End::Filled(entry.clone()))
            }
        }
    }

    fn is_stalled(&self) -> bool {
        matches!(*self.flight.borrow(), Progress::Stalled)
    }

    /// Waits until something happens, or until the leader is overdue.
    async fn after_change(&mut self) -> Option<End<C, V>> {
        match timeout_at(self.overdue_at, self.flight.changed()).await {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some(End::Retry),
            Err(_) => Some(End::Overdue),
        }
    }

    /// Waits until it is over, or time for the second look.
    async fn after_stalled_look(&mut self) -> Option<End<C, V>> {
        let over = self.flight.wait_for(Progress::is_over);
        let is_gone = timeout(BETWEEN_LOOKS, over).await.map(|over| over.is_err());
        match is_gone {
            Ok(is_gone) => is_gone.then_some(End::Retry),
            Err(_) => self.is_stalled().then_some(End::Alone),
        }
    }
}

impl<C, V> Progress<C, V> {
    fn is_over(&self) -> bool {
        matches!(self, Self::Filled(_) | Self::LetGo)
    }
}

impl<C, V> Listing<C, V>
where
    C: PartialEq + Weigh,
{
    /// Keeps the result, and frees the key in the same moment, so that who joins finds one or the
    /// other. After that followers are told. Gives what is kept: what a leader that took this one's
    /// place has brought before, if that was asked for later.
    fn land(&mut self, weighed: Weighed<C, V>) -> Entry<C, V> {
        self.is_listed = false;
        let Self {
            shared, hash, id, ..
        } = self;
        let entry = weighed.entry.clone();
        let mut room = MadeRoom::default();
        let tell = {
            let mut flights = shared.flights();
            let tell = match flights.end(*hash, *id) {
                Ended::Led(tell) => tell,
                Ended::Displaced => {
                    let kept = shared.store.of_same_key(*hash, &entry);
                    let is_newer = |kept: &Entry<C, V>| kept.is_newer_than(&entry);
                    if let Some(newer) = kept.filter(is_newer) {
                        return newer;
                    }
                    flights.take_followers(*hash)
                }
            };
            shared.store.insert(*hash, weighed, &mut room);
            tell
        };
        if let Some(tell) = tell {
            tell.send_replace(Progress::Filled(entry.clone()));
        }
        entry
    }
}

impl<C, V> Listing<C, V> {
    /// Frees the key for the next flight, once: it may have one then. After that followers are
    /// told; of no progress, that it has failed.
    fn end(&mut self, progress: Option<Progress<C, V>>) {
        if !self.is_listed {
            return;
        }
        self.is_listed = false;
        let tell = match self.shared.flights().end(self.hash, self.id) {
            Ended::Led(tell) => tell,
            // Those who follow the leader in its place go on.
            Ended::Displaced => None,
        };
        if let (Some(tell), Some(progress)) = (tell, progress) {
            tell.send_replace(progress);
        }
    }
}

impl<C, V> Drop for Listing<C, V> {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl<C, V> fmt::Debug for Leader<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader").finish_non_exhaustive()
    }
}

impl<C, V> fmt::Debug for Follower<C, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}
