//! Reads that may be answered from the cache.
//!
//! ```text
//!   answer_at_once ── kept ─► the client has it          no lease, no wait, nothing classified
//!     │ not kept
//!   plan ── not to be kept ─► relayed as ever
//!     │
//!   take_part ── somebody asks for the same ─► wait ─► answer_kept
//!     │ nobody does
//!   filling ► note_versions, right before it is sent
//!           ► keep_response, piece by piece as it passes
//!           ► fill, before the client has the last piece
//! ```

mod at_once;
mod part;

use std::sync::Arc;

use mysql_proto::{StatusFlags, Summary};
use mysql_sql::{NotKept, Touches};
use query_cache::{Leader, Lookup, RefreshPermit};
use tokio::time::Instant;

pub(super) use at_once::{AtOnce, NotFound};

use super::reading::TextTouches;
use super::{OF_SESSION, Session};
use crate::cache::{
    Bypass, Context, Entry, Figures, Hashed, Kept, Key, KeyParts, LastPlan, Outcome, Pieces, Plan,
    Refresher, ResultCache, hash_of_text,
};
use crate::downstream::CommandPacket;
use crate::error::SessionEnd;
use crate::statements::StatementText;
use crate::states::States;

/// A read whose result is to be kept.
#[derive(Debug)]
pub(super) struct Filling {
    leader: Leader<Context, Kept>,
    plan: Plan,
    figures: Arc<Figures>,
    max_bytes: usize,
    /// The status of the session.
    asked_in: StatusFlags,
}

/// A read, as it was sent.
#[derive(Clone, Copy)]
pub(super) enum Read<'a> {
    /// `COM_QUERY`.
    Text(&'a [u8]),
    /// `COM_STMT_EXECUTE`: the statement, what executions have made of it, and the parameters with
    /// their types, from the flags on, in pieces.
    Execution(&'a Arc<StatementText>, u64, Pieces<'a>),
}

/// A read whose result is to be kept, if it can be.
#[derive(Debug)]
pub(super) struct Planned {
    key: Key,
    plan: Plan,
    figures: Arc<Figures>,
}

/// Longest read that is looked for, text and parameters: to hash and to keep a longer one costs
/// more than it saves.
pub(super) const LONGEST: usize = 64 * 1024;

impl Session {
    /// True when a read of this session may be answered from what is kept.
    pub(super) fn may_look_up(&self) -> bool {
        let cache = self.served.cache.as_ref();
        cache.is_some_and(|cache| cache.keeps()) && self.is_past_cache().is_none()
    }

    /// Why no read of this session at all may be answered so at the moment.
    pub(super) fn is_past_cache(&self) -> Option<Bypass> {
        let status = self.status.unwrap_or_default();
        let is_open = status.contains(StatusFlags::IN_TRANS) || self.pins.transaction;
        if is_open || !status.contains(StatusFlags::AUTOCOMMIT) {
            Some(Bypass::Transaction)
        } else if self.pins.hold() || self.held.is_some() || self.forces_escapes {
            Some(Bypass::Pinned)
        } else {
            None
        }
    }

    /// Under what the result of a read is kept.
    #[inline]
    pub(super) fn key_of<'a>(&'a self, read: Read<'a>) -> Hashed<'a> {
        let hash = match read {
            Read::Text(sql) => hash_of_text(sql),
            Read::Execution(text, ..) => text.hash(),
        };
        self.parts_of(read).hashed(hash)
    }

    fn parts_of<'a>(&'a self, read: Read<'a>) -> KeyParts<'a> {
        let (prepared, parameters) = match read {
            Read::Text(_) => (None, Pieces::default()),
            Read::Execution(text, shape, parameters) => (Some((text.under(), shape)), parameters),
        };
        KeyParts {
            state: &self.state,
            capabilities: self.profile.capabilities,
            status: self.status.unwrap_or_default(),
            prepared,
            sql: read.sql(),
            parameters,
        }
    }

    pub(super) fn states(&self) -> &States {
        self.served.pool.connector().states()
    }

    /// The result that is kept under this key. One that is stale is fetched again in the
    /// background. `shape`: what executions have made of the statement.
    pub(super) fn look_up(&self, key: &Hashed<'_>, shape: u64, now: Instant) -> Option<Entry> {
        let cache = self.served.cache.as_ref()?;
        match cache.store.lookup(key, now) {
            Lookup::Hit(entry) => {
                entry.value().figures.count(Outcome::Hit);
                Some(entry)
            }
            Lookup::Stale(entry, permit) => {
                entry.value().figures.count(Outcome::Stale);
                // A handle that is prepared anew has not the history of one with a shape.
                if let Some(permit) = permit.filter(|_| shape == 0) {
                    self.refresh(*key, permit);
                }
                Some(entry)
            }
            Lookup::Miss => None,
        }
    }

    /// Has a result fetched again in the background. Apart from the look-up, as what it takes of
    /// the stack is too much for each hit to step over.
    #[cold]
    #[inline(never)]
    fn refresh(&self, key: Hashed<'_>, permit: RefreshPermit<Context, Kept>) {
        let refresher = Refresher::new(&self.served, &self.profile, self.dialect());
        refresher.start(key.to_key(self.states()), permit);
    }

    /// A read goes past the cache.
    pub(super) fn count_past(&self, text: &StatementText, why: Bypass) {
        if let Some(cache) = &self.served.cache {
            let figures = text.cache_figures(|| cache.figures.of(text.sql(), self.dialect()));
            figures.count(Outcome::Bypass(why));
        }
    }

    /// Answers with a result that is kept.
    pub(super) async fn answer_kept(
        &mut self,
        packet: CommandPacket,
        kept: &Entry,
    ) -> Result<(), SessionEnd> {
        self.downstream.consume(packet);
        self.previous.note_kept(kept.value().rows);
        self.downstream.send(kept.bytes()).await
    }

    /// What becomes of a text that reads and is not kept. `None`: it goes to the origin, and that
    /// is all.
    pub(super) fn plan_text(&self, sql: &[u8], touches: Option<&TextTouches>) -> Option<Planned> {
        let cache = self.served.cache.as_ref().filter(|cache| cache.keeps())?;
        let figures = match touches {
            Some(TextTouches::Known(reading)) => Arc::clone(&reading.figures),
            _ => cache.figures.of(sql, self.dialect()),
        };
        let key = || self.key_to_fill(Read::Text(sql));
        let last = match touches {
            Some(TextTouches::Known(reading)) => Some(&reading.last_plan),
            _ => None,
        };
        let plan = self.plan_for(cache, None, touches.map(|own| &**own), last);
        planned(plan, key, figures)
    }

    /// Likewise of an execution. `key`: under what its result is to be kept.
    pub(super) fn plan_execution(
        &self,
        text: &StatementText,
        key: impl FnOnce() -> Result<Key, Bypass>,
    ) -> Option<Planned> {
        let cache = self.served.cache.as_ref().filter(|cache| cache.keeps())?;
        let dialect = self.dialect();
        let figures = text.cache_figures(|| cache.figures.of(text.sql(), dialect));
        let (touches, last) = (text.touches(dialect), Some(text.last_plan()));
        let plan = self.plan_for(cache, Some(text), touches, last);
        planned(plan, key, Arc::clone(figures))
    }

    /// Under what the result of a read is to be kept.
    pub(super) fn key_to_fill(&self, read: Read<'_>) -> Result<Key, Bypass> {
        read.fits()?;
        let key = match (read, &self.at_once.not_found) {
            (Read::Text(_), NotFound::Text { hash }) => self.parts_of(read).with_hash(*hash),
            _ => self.key_of(read),
        };
        Ok(key.to_key(self.states()))
    }

    /// What a read depends on, a text or the execution of a prepared one. The error: why it is not
    /// kept. `last`: what was found of the text before.
    pub(super) fn plan_for(
        &self,
        cache: &ResultCache,
        prepared: Option<&StatementText>,
        touches: Option<&Touches>,
        last: Option<&LastPlan>,
    ) -> Result<Plan, Bypass> {
        if let Some(why) = self.is_past_cache() {
            return Err(why);
        }
        let not_understood = Bypass::Statement(NotKept::NotUnderstood);
        let touches = touches.ok_or(not_understood)?;
        let names = touches.keeps.as_ref();
        let names = names.map_err(|why| Bypass::Statement(*why))?;
        let database = match prepared {
            None => self.state.database_name(),
            Some(text) if self.is_prepared_now(text) => text.under().database_name(),
            Some(_) => return Err(Bypass::OtherState),
        };
        if let Some(why) = self.reads_another_state() {
            return Err(why);
        }
        cache.plan((names, touches.hints), database, last)
    }

    /// The statement under way is about to be sent: what it reads is as new as its tables are now.
    pub(super) fn note_versions(&mut self) {
        let (Some(filling), Some(cache)) = (&mut self.filling, &self.served.cache) else {
            return;
        };
        let noted = cache
            .versions
            .note(&filling.plan.on, filling.plan.generation);
        // A connection of before a renewal answers as before.
        let noted = noted.filter(|_| self.generation == self.served.pool.generation());
        if !filling.leader.note(noted) {
            self.filling = None;
        }
    }
}

/// A read whose result is to be kept under this key, if it can be.
fn planned(
    plan: Result<Plan, Bypass>,
    key: impl FnOnce() -> Result<Key, Bypass>,
    figures: Arc<Figures>,
) -> Option<Planned> {
    match plan.and_then(|plan| Ok((plan, key()?))) {
        Ok((plan, key)) => Some(Planned { key, plan, figures }),
        Err(why) => {
            figures.count(Outcome::Bypass(why));
            None
        }
    }
}

/// True for the response of a statement that went as it should, and has told nothing that belongs
/// to its session.
///
/// `asked_in`: the status of that. Where the response tells another one, the session is not as it
/// was taken to be.
pub(crate) fn is_worth_keeping(summary: &Summary, asked_in: StatusFlags) -> bool {
    // That a handle was prepared anew by its server is news for its own session.
    let of_session = StatusFlags::SESSION_STATE_CHANGED
        | StatusFlags::METADATA_CHANGED
        | StatusFlags::IN_TRANS
        | StatusFlags::MORE_RESULTS_EXISTS
        | StatusFlags::CURSOR_EXISTS;
    let has_plain_status = |status: StatusFlags| {
        !status.intersects(of_session)
            && status.contains(StatusFlags::AUTOCOMMIT)
            && status.intersection(OF_SESSION) == asked_in.intersection(OF_SESSION)
    };
    summary.error.is_none()
        && summary.warnings == 0
        && summary.result_sets == 1
        && summary.ends_with_rows
        && summary.status.is_some_and(has_plain_status)
}

impl Filling {
    /// The client does not take what is passed on, or takes it again. Who waits for it looks twice.
    pub(super) fn note_stalled(&self, is_stalled: bool) {
        self.leader.set_stalled(is_stalled);
    }

    /// A piece of the response is about to be passed on; with a summary it is the last. `None`:
    /// there is nothing more to be kept.
    pub(super) fn keep(
        mut self: Box<Self>,
        bytes: &[u8],
        last: Option<&Summary>,
    ) -> Option<Box<Self>> {
        let is_renewed = |summary: &Summary| {
            let status = summary.status.unwrap_or_default();
            status.contains(StatusFlags::METADATA_CHANGED)
        };
        if last.is_some_and(|summary| summary.error.is_some() || is_renewed(summary)) {
            // A lock that was waited for too long, `KILL QUERY`, a handle that the server prepared
            // anew: the next one may go well.
            self.leader.let_go();
            return None;
        }
        let is_too_long = self.leader.received() + bytes.len() > self.max_bytes;
        if is_too_long || last.is_some_and(|summary| !is_worth_keeping(summary, self.asked_in)) {
            self.leader.decline();
            return None;
        }
        self.leader.push(bytes);
        let Some(summary) = last else {
            return Some(self);
        };
        let kept = Kept::new(summary, self.figures);
        // Where something came between it is not kept, and that is all.
        let _moved = self.leader.fill(kept, self.plan.lifetime);
        None
    }
}

impl<'a> Read<'a> {
    /// The error: it is too long to be looked for.
    pub(super) fn fits(self) -> Result<(), Bypass> {
        if self.len() > LONGEST {
            return Err(Bypass::TooLong);
        }
        Ok(())
    }

    fn len(self) -> usize {
        match self {
            Self::Text(sql) => sql.len(),
            Self::Execution(text, _, parameters) => {
                text.sql().len() + parameters.map(<[u8]>::len).iter().sum::<usize>()
            }
        }
    }

    fn sql(self) -> &'a [u8] {
        match self {
            Self::Text(sql) => sql,
            Self::Execution(text, ..) => text.sql(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_to_one_session_is_not_kept_for_others() {
        let asked_in = StatusFlags::AUTOCOMMIT;
        let is_kept = |told: StatusFlags| {
            let summary = Summary {
                status: Some(asked_in | told),
                result_sets: 1,
                ends_with_rows: true,
                ..Summary::default()
            };
            is_worth_keeping(&summary, asked_in)
        };
        assert!(is_kept(StatusFlags::empty()));
        for news in [
            StatusFlags::METADATA_CHANGED,
            StatusFlags::SESSION_STATE_CHANGED,
            StatusFlags::CURSOR_EXISTS,
            StatusFlags::MORE_RESULTS_EXISTS,
            StatusFlags::IN_TRANS,
        ] {
            assert!(!is_kept(news), "{news:?}");
        }
    }
}
