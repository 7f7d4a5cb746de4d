//! Who is connected: every session by the id of its greeting, for `KILL` and `SHOW TIDEGATE`.
//!
//! A session writes to its own [`Entry`] by relaxed atomics as it goes; the registry itself is only
//! locked when a session comes or goes, and by whoever looks.

mod entry;

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;
use domain::HyperdriveId;

pub(crate) use entry::{Aim, Entry, Facts, Interruption, Parted, Running, Stay, TRANSACTION};

/// Connection ids are odd numbers from 2³⁰ up to 2³¹, so that one of ours hardly ever is an
/// origin's as well:
///
/// - MySQL and MariaDB count their connections from 1, and would have to take in a billion.
/// - TiDB's are even, as far as they fit in the 32 bits of a greeting: the lowest bit says that
///   they do (`GCID` in its `pkg/util/globalconn`).
/// - Below 2³¹, since some clients keep the id in a signed integer of 32 bits.
const FIRST_ID: u32 = 1 << 30;

/// The bits of an id that tell one session from another.
const ID_BITS: u32 = FIRST_ID - 2;

/// All sessions of an edge.
pub(crate) struct Registry {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The id given last.
    last: u32,
    /// By connection id. `None`: amid its login.
    places: HashMap<u32, Option<Arc<Entry>>>,
    /// Sessions by local user.
    users: HashMap<Box<str>, usize>,
}

/// A local user has as many sessions as it may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooManyOfUser {
    /// How many that is.
    pub(crate) limit: usize,
}

impl Registry {
    /// A registry without sessions. Where it begins to count is drawn by lot, so that an id that
    /// somebody noted down names nobody after a restart.
    pub(crate) fn new() -> Self {
        let mut seed = [0; 4];
        rand::fill(&mut seed)
            .expect("aws-lc fails to draw randomness only by aborting the process");
        Self {
            inner: Mutex::new(Inner {
                last: u32::from_le_bytes(seed),
                ..Inner::default()
            }),
        }
    }

    /// Takes an id for a client that has just connected.
    pub(crate) fn reserve(self: &Arc<Self>) -> Place {
        let id = self.inner().next_id();
        Place {
            registry: Arc::clone(self),
            id,
        }
    }

    /// The session of this id.
    pub(crate) fn find(&self, id: u32) -> Option<Arc<Entry>> {
        self.inner().places.get(&id).cloned().flatten()
    }

    /// Tells the session of this id to end. Under the lock, so that one that just becomes another
    /// user's, and gets another entry, is not missed.
    pub(crate) fn end(&self, id: u32) {
        if let Some(Some(entry)) = self.inner().places.get(&id) {
            entry.end();
        }
    }

    /// The sessions of a hyperdrive, in the order of their ids.
    pub(crate) fn sessions_of(&self, hyperdrive: HyperdriveId) -> Vec<Arc<Entry>> {
        let mut sessions: Vec<_> = self
            .inner()
            .places
            .values()
            .flatten()
            .filter(|entry| entry.hyperdrive == hyperdrive)
            .cloned()
            .collect();
        sessions.sort_unstable_by_key(|entry| entry.id);
        sessions
    }

    /// The commands under way, but for those of these hyperdrives.
    pub(crate) fn running_beside(&self, others: &[HyperdriveId]) -> Vec<Running> {
        let inner = self.inner();
        let entries = inner.places.values().flatten();
        let entries = entries.filter(|entry| !others.contains(&entry.hyperdrive));
        entries.filter_map(Entry::running).collect()
    }

    /// The books. They are consistent after every step, so a panic elsewhere does not spoil them.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("sessions", &self.inner().places.len())
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// The next id that no living session has. There is always one: half a billion of them.
    fn next_id(&mut self) -> u32 {
        loop {
            self.last = self.last.wrapping_add(2);
            let id = FIRST_ID | (self.last & ID_BITS) | 1;
            if let MapEntry::Vacant(place) = self.places.entry(id) {
                place.insert(None);
                return id;
            }
        }
    }

    fn user_came(&mut self, user: &str, limit: Option<usize>) -> Result<(), TooManyOfUser> {
        let count = self.users.get(user).copied().unwrap_or(0);
        match limit {
            Some(limit) if count >= limit => Err(TooManyOfUser { limit }),
            _ => {
                self.users.insert(user.into(), count + 1);
                Ok(())
            }
        }
    }

    fn user_left(&mut self, user: &str) {
        if let Some(count) = self.users.get_mut(user) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.users.remove(user);
            }
        }
    }
}

/// The id of a client that has not logged in yet. Dropping it gives the id back.
#[derive(Debug)]
pub(crate) struct Place {
    registry: Arc<Registry>,
    id: u32,
}

impl Place {
    /// The connection id, for the greeting.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The client has logged in: others find it from now on. To be called once. `limit`: most
    /// sessions of its user.
    pub(crate) fn enter(
        &self,
        facts: Facts,
        limit: Option<usize>,
    ) -> Result<Arc<Entry>, TooManyOfUser> {
        let mut inner = self.registry.inner();
        inner.user_came(&facts.user, limit)?;
        let entry = Arc::new(Entry::new(self.id, facts));
        inner.places.insert(self.id, Some(Arc::clone(&entry)));
        Ok(entry)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.registry.inner();
        let entry = inner.places.remove(&self.id).flatten();
        if let Some(entry) = entry {
            inner.user_left(&entry.user);
            entry.leave();
        }
    }
}

/// A session's own entry, which others find until this is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    entry: Arc<Entry>,
    place: Place,
}

impl Registered {
    /// The entry of a place that was entered.
    pub(crate) fn new(place: Place, entry: Arc<Entry>) -> Self {
        Self { entry, place }
    }

    /// The session is another user's from now on. `limit`: most sessions of that user.
    pub(crate) fn change_user(
        &mut self,
        facts: Facts,
        limit: Option<usize>,
    ) -> Result<(), TooManyOfUser> {
        let mut inner = self.place.registry.inner();
        if facts.user != self.entry.user {
            inner.user_came(&facts.user, limit)?;
            inner.user_left(&self.entry.user);
        }
        let entry = Arc::new(self.entry.succeed(facts));
        inner.places.insert(self.place.id, Some(Arc::clone(&entry)));
        drop(inner);
        self.entry = entry;
        Ok(())
    }

    /// The registry that it is in.
    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.place.registry
    }

    /// The entry, for others to keep.
    pub(crate) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }
}

impl Deref for Registered {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn facts(user: &str) -> Facts {
        Facts {
            user: user.into(),
            hyperdrive: HyperdriveId::random(),
            peer: "127.0.0.1:1".parse().unwrap(),
            program: "test".into(),
        }
    }

    #[test]
    fn ids_are_odd_and_hardly_an_origins() {
        let registry = Arc::new(Registry::new());
        for _ in 0..100 {
            let id = registry.reserve().id();
            assert!(id % 2 == 1 && (1 << 30..1 << 31).contains(&id), "{id}");
        }
    }

    #[test]
    fn no_two_living_sessions_have_one_id() {
        let registry = Arc::new(Registry::new());
        registry.inner().last = ID_BITS;
        let first = registry.reserve();
        // As after half a billion others.
        registry.inner().last = ID_BITS;
        let second = registry.reserve();
        assert_eq!(first.id(), FIRST_ID + 1);
        assert_eq!(second.id(), FIRST_ID + 3);
    }

    #[test]
    fn a_session_is_found_from_its_login_to_its_end() {
        let registry = Arc::new(Registry::new());
        let place = registry.reserve();
        let id = place.id();
        assert!(registry.find(id).is_none());
        let facts = facts("app");
        let hyperdrive = facts.hyperdrive;
        let entry = place.enter(facts, None).unwrap();
        let session = Registered::new(place, entry);
        assert_eq!(registry.find(id).unwrap().id, id);
        assert_eq!(registry.sessions_of(hyperdrive).len(), 1);
        assert!(registry.sessions_of(HyperdriveId::random()).is_empty());
        drop(session);
        assert!(registry.find(id).is_none());
        assert!(registry.inner().places.is_empty());
    }

    #[test]
    fn a_session_changes_its_user() {
        let registry = Arc::new(Registry::new());
        let enter = |user| {
            let place = registry.reserve();
            let entry = place.enter(facts(user), None).unwrap();
            Registered::new(place, entry)
        };
        let (mut one, other) = (enter("app"), enter("other"));
        let refused = one.change_user(facts("other"), Some(1));
        assert_eq!(refused, Err(TooManyOfUser { limit: 1 }));
        assert_eq!(&*one.user, "app");
        one.end();
        drop(other);
        one.change_user(facts("other"), Some(1)).unwrap();
        one.change_user(facts("other"), Some(1)).unwrap();
        let found = registry.find(one.id).unwrap();
        assert!(Arc::ptr_eq(&found, one.entry()) && &*found.user == "other");
        assert!(found.ended().now_or_never().is_some());
        assert_eq!(registry.inner().users.len(), 1);
        drop((one, found));
        assert!(registry.inner().users.is_empty());
    }

    #[test]
    fn a_user_has_as_many_sessions_as_it_may() {
        let registry = Arc::new(Registry::new());
        let enter = |user, limit| {
            let place = registry.reserve();
            let entry = place.enter(facts(user), limit)?;
            Ok(Registered::new(place, entry))
        };
        let first = enter("app", Some(1)).unwrap();
        let refused: Result<_, TooManyOfUser> = enter("app", Some(1));
        assert_eq!(refused.unwrap_err(), TooManyOfUser { limit: 1 });
        let other = enter("other", Some(1)).unwrap();
        drop(first);
        let again = enter("app", Some(1)).unwrap();
        drop((other, again));
        assert!(registry.inner().users.is_empty());
        assert!(registry.inner().places.is_empty());
    }
}
