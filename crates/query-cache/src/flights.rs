//! The flights under way, by the hash of their keys. All is short steps under one lock, which only
//! misses take.
//!
//! Should two keys have one hash, they have one flight: whose result is for the other key, finds
//! that out by the entry that it is given, and asks for itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::time::Duration;

use quick_cache::DefaultHashBuilder;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::declined::Declined;
use crate::entry::Entry;

/// How long anybody waits for one leader. A query may take so long, or its connection may be one
/// that takes everything and answers nothing; so then one of those who wait asks as well.
const PATIENCE: Duration = Duration::from_secs(3);

/// The flights under way, and the keys that have none because nothing would come of it.
pub(crate) struct Flights<C, V> {
    under_way: HashMap<u64, Flight<C, V>, DefaultHashBuilder>,
    declined: Declined,
    last: LeaderId,
}

/// Tells the leaders of one flight apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeaderId(u64);

/// What follows a flight.
pub(crate) struct Following<C, V> {
    pub(crate) progress: watch::Receiver<Progress<C, V>>,
    /// When it is time to join again.
    pub(crate) overdue_at: Instant,
}

/// What becomes of a flight when one of its leaders is done.
pub(crate) enum Ended<C, V> {
    /// It is over. Gives what tells its followers, if there are any.
    Led(Option<watch::Sender<Progress<C, V>>>),
    /// Another leader has taken this one's place: it goes on, or was over before.
    Displaced,
}

/// A flight under way. Most have no followers, and then there is nobody to be told.
struct Flight<C, V> {
    tell: Option<watch::Sender<Progress<C, V>>>,
    is_stalled: bool,
    leader: LeaderId,
    /// Since when somebody waits for this leader.
    awaited_since: Option<Instant>,
}

/// How far a flight is. It has failed if its sender is gone before it is over.
pub(crate) enum Progress<C, V> {
    UnderWay,
    /// Its leader waits for its own client, who does not read.
    Stalled,
    /// Over, with a result for all.
    Filled(Entry<C, V>),
    /// Over, with nothing for anybody.
    LetGo,
}

impl<C, V> Flights<C, V> {
    pub(crate) fn new(hasher: DefaultHashBuilder) -> Self {
        Self {
            under_way: HashMap::with_hasher(hasher),
            declined: Declined::new(),
            last: LeaderId::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Follows the flight for this key, if there is one that is not overdue.
    pub(crate) fn follow(&mut self, hash: u64) -> Option<Following<C, V>> {
        self.under_way.get_mut(&hash)?.follow()
    }

    /// Whether there is a flight for this key.
    pub(crate) fn has(&self, hash: u64) -> bool {
        self.under_way.contains_key(&hash)
    }

    /// Lists a flight for this key until [`Flights::end`], in the place of one that is overdue: who
    /// follows that follows this one.
    pub(crate) fn start(&mut self, hash: u64) -> LeaderId {
        self.last = LeaderId(self.last.0.wrapping_add(1));
        let flight = self.under_way.entry(hash).or_insert(Flight {
            tell: None,
            is_stalled: false,
            leader: self.last,
            awaited_since: None,
        });
        flight.lead_by(self.last);
        self.last
    }

    /// This leader waits for its own client, or goes on.
    pub(crate) fn set_stalled(&mut self, hash: u64, leader: LeaderId, is_stalled: bool) {
        let flight = self.under_way.get_mut(&hash);
        if let Some(flight) = flight.filter(|flight| flight.leader == leader) {
            flight.set_stalled(is_stalled);
        }
    }

    /// Frees the key, if this leader has it still.
    pub(crate) fn end(&mut self, hash: u64, leader: LeaderId) -> Ended<C, V> {
        match self.under_way.entry(hash) {
            Place::Occupied(flight) if flight.get().leader == leader => {
                Ended::Led(flight.remove().tell)
            }
            Place::Occupied(_) | Place::Vacant(_) => Ended::Displaced,
        }
    }

    /// What tells the followers of a flight that goes on, if there are any: somebody has a result
    /// for them before its leader.
    pub(crate) fn take_followers(&mut self, hash: u64) -> Option<watch::Sender<Progress<C, V>>> {
        self.under_way.get_mut(&hash)?.tell.take()
    }

    /// Whether a result for this key could not be kept a while ago.
    pub(crate) fn is_declined(&self, hash: u64) -> bool {
        self.declined.may_have_some() && self.declined.has(hash, Instant::now())
    }

    pub(crate) fn decline(&mut self, hash: u64) {
        self.declined.add(hash, Instant::now());
    }
}

impl<C, V> Flight<C, V> {
    fn follow(&mut self) -> Option<Following<C, V>> {
        let now = Instant::now();
        let overdue_at = *self.awaited_since.get_or_insert(now) + PATIENCE;
        if overdue_at <= now {
            return None;
        }
        let progress = if self.is_stalled {
            Progress::Stalled
        } else {
            Progress::UnderWay
        };
        let tell = &mut self.tell;
        let tell = tell.get_or_insert_with(|| watch::Sender::new(progress));
        Some(Following {
            progress: tell.subscribe(),
            overdue_at,
        })
    }

    fn lead_by(&mut self, leader: LeaderId) {
        self.leader = leader;
        self.awaited_since = None;
        self.set_stalled(false);
    }

    fn set_stalled(&mut self, is_stalled: bool) {
        self.is_stalled = is_stalled;
        let Some(tell) = &self.tell else { return };
        tell.send_if_modified(|progress| match progress {
            Progress::UnderWay if is_stalled => {
                *progress = Progress::Stalled;
                true
            }
            Progress::Stalled if !is_stalled => {
                *progress = Progress::UnderWay;
                // Nobody needs to be woken because it goes on.
                false
            }
            _ => false,
        });
    }
}
