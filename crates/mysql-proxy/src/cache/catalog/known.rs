//! The catalog as it is known at the moment.
//!
//! It is asked for as a whole when the edge meets the origin, after whatever may have changed it,
//! and every minute, since others may change it too (`ask.rs`). While it is not known nothing is
//! kept, and each write counts as one of everything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};
use domain::{Hyperdrive, TableRule};
use query_cache::{Committing, Generation, Versions, Writes};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::Catalog;
use super::ask::ask;
use super::build::build;
use crate::cache::outlast::outlast;
use crate::hyperdrives::Hyperdrives;
use crate::origin::OriginConnector;
use crate::programs::Bodies;

/// How long a change that somebody else has made of it may stay unknown.
const INTERVAL: Duration = Duration::from_secs(60);

/// Least time between two questions: definitions come in crowds.
const PAUSE: Duration = Duration::from_millis(200);

/// The same, in multiples of what the last one took, and at most: a large catalog is asked for less
/// often.
const SHARE: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// The catalog of one origin, as it is known at the moment.
#[derive(Debug)]
pub(crate) struct Known {
    /// Each read that is not kept looks at it, on all cores.
    current: ArcSwapOption<Asked>,
    /// The one that was known last, which may be too old to go on with: all of one generation are
    /// equal, as what was found by one outlives a time in which none is known. Held while it is put
    /// in the place of another.
    last: Mutex<Option<Arc<Asked>>>,
    wake: Notify,
    versions: Versions,
}

/// A catalog, and the generation in which it was asked for.
#[derive(Debug)]
struct Asked {
    catalog: Catalog,
    generation: Generation,
}

/// The catalog at one moment. Not for long: see [`arc_swap::Guard`].
#[derive(Debug)]
pub(crate) struct Current(Guard<Option<Arc<Asked>>>);

impl Known {
    pub(crate) fn new(versions: Versions) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            last: Mutex::default(),
            wake: Notify::new(),
            versions,
        }
    }

    /// The catalog, if it is known, with the generation of whatever is found by it.
    pub(crate) fn current(&self) -> (Current, Generation) {
        let current = self.current.load();
        // Read after it: what was found by one of before is not trusted.
        let generation = self.versions.generation();
        match &*current {
            None => (Current(current), generation),
            Some(asked) if asked.generation == generation => (Current(current), generation),
            // A hyperdrive of the same origin has changed it.
            Some(_) => {
                self.wake.notify_one();
                (Current(Guard::from_inner(None)), generation)
            }
        }
    }

    /// It may be another one from now on.
    pub(crate) fn forget(&self) {
        let _last = self.last();
        self.current.store(None);
        self.versions.new_generation();
        self.wake.notify_one();
    }

    /// Notes the answer to a question that was asked in this generation. What has changed since, it
    /// does not tell. If views may write, and could not before, everything is committing until what
    /// is given is ended: see `cache/outlast.rs`.
    fn answered(&self, catalog: Catalog, asked_in: Generation) -> Option<Committing> {
        let mut last = self.last();
        if self.versions.generation() != asked_in {
            self.wake.notify_one();
            return None;
        }
        let of_generation = |last: &&Arc<Asked>| last.generation == asked_in;
        let generation = match last.as_ref().filter(of_generation) {
            Some(known) if known.catalog == catalog => {
                self.current.store(Some(Arc::clone(known)));
                return None;
            }
            // Somebody else has changed it.
            Some(_) => {
                self.current.store(None);
                let Some(generation) = self.versions.next_generation(asked_in) else {
                    self.wake.notify_one();
                    return None;
                };
                generation
            }
            None => asked_in,
        };
        let could_write = last
            .as_ref()
            .is_some_and(|last| last.catalog.views_may_write());
        let begins = catalog.views_may_write() && !could_write;
        // Before anything is kept by it.
        let committing = begins.then(|| self.versions.begin(Writes::Everything, generation));
        let asked = Arc::new(Asked {
            catalog,
            generation,
        });
        *last = Some(Arc::clone(&asked));
        self.current.store(Some(asked));
        committing
    }

    /// The origin has not told it: what was known is too old to go on with.
    fn lost(&self) {
        let _last = self.last();
        self.current.store(None);
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<Asked>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps it known. Dropping the future ends that.
    pub(crate) async fn watch(
        &self,
        connector: &OriginConnector,
        rules: &[TableRule],
        (hyperdrives, of): (&Hyperdrives, &Arc<Hyperdrive>),
    ) {
        let mut is_failing = false;
        let mut bodies = Bodies::default();
        loop {
            let (asked_in, began) = (self.versions.generation(), Instant::now());
            match ask(connector, &mut bodies).await {
                Ok(found) => {
                    let catalog = build(&found, &self.versions, rules);
                    if let Some(committing) = self.answered(catalog, asked_in) {
                        tokio::spawn(outlast(hyperdrives.clone(), Arc::clone(of), committing));
                    }
                    if std::mem::take(&mut is_failing) {
                        info!("An origin tells its tables again, so that results are kept");
                    }
                }
                Err(reason) => {
                    if !std::mem::replace(&mut is_failing, true) {
                        warn!(
                            reason,
                            "An origin does not tell its tables: nothing is kept"
                        );
                    }
                    self.lost();
                }
            }
            // Most of the time the origin is to have its peace.
            let pause = PAUSE.max(SHARE * began.elapsed());
            sleep(pause.min(LONGEST_PAUSE)).await;
            // A change that has come meanwhile has left a permit.
            let _elapsed = timeout(INTERVAL, self.wake.notified()).await;
        }
    }
}

impl Current {
    /// `None`: it is not known.
    pub(crate) fn known(&self) -> Option<&Catalog> {
        self.0.as_ref().map(|asked| &asked.catalog)
    }
}

#[cfg(test)]
mod tests {
    use query_cache::Mutant;

    use super::*;

    fn catalog(views_may_write: bool) -> Catalog {
        Catalog {
            views_may_write,
            ..Catalog::default()
        }
    }

    #[test]
    fn catalogs_of_one_generation_are_equal_though_it_is_lost_between_them() {
        let versions = Versions::new(Mutant::default());
        let known = Known::new(versions.clone());
        let answered = |may_write| {
            let asked_in = versions.generation();
            let committing = known.answered(catalog(may_write), asked_in);
            let (current, generation) = known.current();
            assert_eq!(current.known(), Some(&catalog(may_write)));
            (generation == asked_in, committing.is_some())
        };
        assert_eq!(answered(false), (true, false));
        known.lost();
        assert_eq!(known.current().0.known(), None);
        assert_eq!(answered(false), (true, false));
        known.lost();
        assert_eq!(answered(true), (false, true));
        known.lost();
        assert_eq!(answered(true), (true, false));
    }
}
