//! Who asks for what is missing, and who waits for it.

use std::sync::Arc;
use std::time::Duration;

use query_cache::{Follower, Joined, Outcome as Shared};
use tokio::time::Instant;

use super::super::Session;
use super::{Filling, Planned};
use crate::cache::{Bypass, Context, Entry, Figures, Kept, Outcome, Plan};
use crate::error::Trouble;
use crate::registry::Interruption;

/// A session's part in fetching what is missing.
enum Part {
    /// Somebody has just fetched it.
    Answered(Entry),
    /// The statement goes to the origin.
    Sends,
    /// Somebody else fetches it.
    Follows(Followed),
}

/// Another's flight, and with what to go on if that comes to nothing.
type Followed = (Follower<Context, Kept>, Plan, Arc<Figures>);

/// How often a read waits for another whose result turns out to be too old for it.
const MAX_RETRIES: u32 = 2;

/// How often it goes on to wait for one that takes long, for 3 s each time.
const MAX_OVERDUE: u32 = 10;

/// What is left for the wait for a connection when another has been waited for in vain.
const MOMENT: Duration = Duration::from_millis(500);

impl Session {
    /// Finds out who asks for the same already, and waits for that. `None`: nobody does, or it
    /// cannot be waited for, and the statement goes to the origin.
    pub(in crate::session) async fn take_part(
        &mut self,
        planned: Planned,
    ) -> Result<Option<Entry>, Trouble> {
        match self.join(planned) {
            Part::Answered(kept) => Ok(Some(kept)),
            Part::Sends => Ok(None),
            // Seldom, and so not in the future that each session has room for.
            Part::Follows(flight) => Box::pin(self.await_flight(flight)).await,
        }
    }

    /// Joins in what is asked already, or else leads.
    fn join(&mut self, planned: Planned) -> Part {
        let Some(cache) = &self.served.cache else {
            return Part::Sends;
        };
        let Planned { key, plan, figures } = planned;
        match cache.store.join(key) {
            Joined::Lead(leader) => {
                figures.count(Outcome::Miss);
                self.filling = Some(Box::new(Filling {
                    leader,
                    plan,
                    figures,
                    max_bytes: cache.max_entry_bytes(),
                    asked_in: self.status.unwrap_or_default(),
                }));
                Part::Sends
            }
            Joined::Follow(follower) => Part::Follows((follower, plan, figures)),
            Joined::Filled(kept) => {
                figures.count(Outcome::Hit);
                Part::Answered(kept)
            }
            Joined::Alone => {
                figures.count(Outcome::Bypass(Bypass::Result));
                Part::Sends
            }
        }
    }

    /// Waits for another.
    async fn await_flight(
        &mut self,
        (mut follower, mut plan, mut figures): Followed,
    ) -> Result<Option<Entry>, Trouble> {
        self.followed_since.get_or_insert_with(Instant::now);
        let (mut retries, mut overdue) = (0, 0);
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = follower.outcome() => outcome,
                end = self.downstream.ended() => return Err(Trouble::Client(end)),
                // As the origin says, where a statement is killed for either.
                _ = self.registered.interrupted() => {
                    return Err(Trouble::Interrupted(Interruption::Killed));
                }
            };
            let key = match outcome {
                Shared::Filled(kept) => {
                    figures.count(Outcome::Hit);
                    return Ok(Some(kept));
                }
                // Where writes never cease it could go on.
                Shared::Retry(key) if retries < MAX_RETRIES => {
                    retries += 1;
                    key
                }
                // One of those who wait leads next.
                Shared::Overdue(key) if overdue < MAX_OVERDUE => {
                    overdue += 1;
                    key
                }
                Shared::Retry(_) | Shared::Overdue(_) | Shared::Alone => {
                    figures.count(Outcome::Bypass(Bypass::Stalled));
                    return Ok(None);
                }
            };
            let planned = Planned { key, plan, figures };
            (follower, plan, figures) = match self.join(planned) {
                Part::Answered(kept) => return Ok(Some(kept)),
                Part::Sends => return Ok(None),
                Part::Follows(flight) => flight,
            };
        }
    }

    /// How long the session waits for a connection. One limit holds for that and for a wait for
    /// another's result, but for a moment that it has in any case.
    pub(in crate::session) fn patience(&self) -> Duration {
        let limit = self.served.pool.config().wait_timeout;
        let waited = self
            .followed_since
            .map_or(Duration::ZERO, |since| since.elapsed());
        limit.saturating_sub(waited).max(limit.min(MOMENT))
    }
}
