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

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use mysql_proto::{StatusFlags, Summary};
use mysql_sql::{
    Assignment, Effect, NotKept, Outline, PinReason, Statement, StatementKind, Touched, Touches,
    hints, touches,
};
use query_cache::{Dependencies, Generation, Leader, Lifetime, Lookup, RefreshPermit, Sought};
use tokio::time::Instant;

pub(super) use at_once::{AtOnce, NotFound};

use super::commits::only_reads;
use super::{OF_SESSION, Session};
use crate::cache::{
    Bypass, Context, Entry, Figures, Hashed, Kept, Key, KeyParts, Outcome, Pieces, Reading,
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

/// What a result depends on, and for how long it is good.
#[derive(Debug)]
pub(super) struct Plan {
    generation: Generation,
    pub(super) on: Dependencies,
    pub(super) lifetime: Lifetime,
}

/// What a text touches.
pub(super) enum TextTouches {
    /// As was read of another that differs in values only, or of this one.
    Known(Arc<Reading>),
    Own(Touches),
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
const LONGEST: usize = 64 * 1024;

impl Session {
    /// True when a read of this session may be answered from what is kept.
    pub(super) fn may_look_up(&self) -> bool {
        let cache = self.served.cache.as_ref();
        cache.is_some_and(|cache| cache.keeps()) && self.is_past_cache().is_none()
    }

    /// Why no read of this session at all may be answered so at the moment.
    fn is_past_cache(&self) -> Option<Bypass> {
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

    fn states(&self) -> &States {
        self.served.pool.connector().states()
    }

    /// The result that is kept under this key. One that is stale is fetched again in the
    /// background.
    pub(super) fn look_up(&self, read: Read<'_>, now: Instant) -> Result<Entry, NotFound> {
        let cache = self.served.cache.as_ref().ok_or(NotFound::NotSought)?;
        if read.len() > LONGEST {
            return Err(NotFound::NotSought);
        }
        let key = self.key_of(read);
        match cache.store.lookup(&key, now) {
            Lookup::Hit(entry) => {
                entry.value().figures.count(Outcome::Hit);
                Ok(entry)
            }
            Lookup::Stale(entry, permit) => {
                entry.value().figures.count(Outcome::Stale);
                // A handle that is prepared anew has not the history of one with a shape.
                if let Some(permit) = permit.filter(|_| read.shape() == 0) {
                    self.refresh(key, permit);
                }
                Ok(entry)
            }
            Lookup::Miss => Err(NotFound::Missing { hash: key.hash() }),
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

    /// What a text is, and what it touches, where that has to be known: not if it only reads and is
    /// not to be kept, or if nothing can be told of it. `None`: it asks to be explained.
    pub(super) fn read_text(
        &self,
        sql: &[u8],
        is_whole: bool,
    ) -> Option<(Statement, Option<TextTouches>)> {
        let may_be_kept = is_whole && sql.len() <= LONGEST && self.may_look_up();
        let outline = may_be_kept.then(|| self.outline(sql)).flatten();
        if let Some(known) = outline.as_ref().and_then(|own| self.plain_reading(own)) {
            return Some((Statement::plain_read(), Some(TextTouches::Known(known))));
        }
        if is_whole && hints(sql, self.dialect()).explains {
            return None;
        }
        let statement = self.classify(sql, is_whole);
        let touches = self.touches(sql, outline.as_ref(), &statement);
        Some((statement, touches))
    }

    /// The outline of a text that can be read.
    fn outline(&self, sql: &[u8]) -> Option<Outline> {
        Outline::of(sql).filter(|_| self.can_read(sql))
    }

    fn plain_reading(&self, outline: &Outline) -> Option<Arc<Reading>> {
        let readings = &self.served.cache.as_ref()?.readings;
        readings.of_plain(outline, self.dialect())
    }

    fn touches(
        &self,
        sql: &[u8],
        outline: Option<&Outline>,
        statement: &Statement,
    ) -> Option<TextTouches> {
        let cache = self.served.cache.as_ref()?;
        let may_be_kept = statement.kind == StatementKind::Read && self.is_past_cache().is_none();
        let is_understood = statement.effect.pin != Some(PinReason::NotUnderstood);
        let has_to_be = may_be_kept || !only_reads(statement);
        if !has_to_be || !is_understood {
            return None;
        }
        let dialect = self.dialect();
        let enters_database = enters_database(&statement.effect);
        if may_be_kept && cache.keeps() && !enters_database {
            let readings = &cache.readings;
            let reading = readings.of((sql, outline), dialect, statement, &cache.figures);
            return Some(TextTouches::Known(reading));
        }
        let mut touches = touches(sql, dialect, statement);
        if enters_database && touches.writes != Touched::Nothing {
            // Which of the names behind it are looked up there, is not told.
            touches.writes = Touched::Everything;
        }
        Some(TextTouches::Own(touches))
    }

    /// What becomes of a text that reads and is not kept. `None`: it goes to the origin, and that
    /// is all.
    pub(super) fn plan_text(&self, sql: &[u8], touches: Option<&TextTouches>) -> Option<Planned> {
        let cache = self.served.cache.as_ref().filter(|cache| cache.keeps())?;
        let figures = match touches {
            Some(TextTouches::Known(reading)) => Arc::clone(&reading.figures),
            _ => cache.figures.of(sql, self.dialect()),
        };
        self.planned(cache, Read::Text(sql), touches.map(|own| &**own), figures)
    }

    /// Likewise of an execution.
    pub(super) fn plan_execution(&self, text: &StatementText, read: Read<'_>) -> Option<Planned> {
        let cache = self.served.cache.as_ref().filter(|cache| cache.keeps())?;
        let dialect = self.dialect();
        let figures = text.cache_figures(|| cache.figures.of(text.sql(), dialect));
        self.planned(cache, read, text.touches(dialect), Arc::clone(figures))
    }

    fn planned(
        &self,
        cache: &ResultCache,
        read: Read<'_>,
        touches: Option<&Touches>,
        figures: Arc<Figures>,
    ) -> Option<Planned> {
        match self.plan_for(cache, read, touches) {
            Ok(plan) => Some(Planned {
                key: self.key_of_missing(read).to_key(self.states()),
                plan,
                figures,
            }),
            Err(why) => {
                figures.count(Outcome::Bypass(why));
                None
            }
        }
    }

    /// Under what a result is to be kept that the command under way has not found.
    fn key_of_missing<'a>(&'a self, read: Read<'a>) -> Hashed<'a> {
        match self.at_once.not_found {
            // The session is as it was: at most a `KILL` has been waited for since.
            NotFound::Missing { hash } => self.parts_of(read).with_hash(hash),
            NotFound::NotSought => self.key_of(read),
        }
    }

    /// What a read depends on. The error: why it is not kept.
    pub(super) fn plan_for(
        &self,
        cache: &ResultCache,
        read: Read<'_>,
        touches: Option<&Touches>,
    ) -> Result<Plan, Bypass> {
        if let Some(why) = self.is_past_cache() {
            return Err(why);
        }
        let not_understood = Bypass::Statement(NotKept::NotUnderstood);
        let touches = touches.ok_or(not_understood)?;
        if read.len() > LONGEST {
            return Err(Bypass::TooLong);
        }
        let names = touches.keeps.as_ref();
        let names = names.map_err(|why| Bypass::Statement(*why))?;
        let database = match read {
            Read::Text(_) => self.state.database_name(),
            Read::Execution(text, ..) if self.is_prepared_now(text) => text.under().database_name(),
            Read::Execution(..) => return Err(Bypass::OtherState),
        };
        if let Some(why) = self.reads_another_state() {
            return Err(why);
        }
        let (catalog, generation) = cache.catalog();
        let catalog = catalog.known().ok_or(Bypass::NoCatalog)?;
        let database = database.map(lower_case);
        let reads = catalog.reads(names, database.as_deref())?;
        let lifetime = cache
            .lifetime(touches.hints, reads.max_age)
            .ok_or(Bypass::Rule)?;
        // What would not be kept need not wait for others, nor they for it.
        if cache.loose.runs_earlier() {
            return Err(Bypass::Earlier);
        }
        if !cache.versions.can_note(&reads.on, generation) {
            return Err(Bypass::Committing);
        }
        Ok(Plan {
            generation,
            on: reads.on,
            lifetime,
        })
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

/// True for several statements of which one is `USE`.
fn enters_database(effect: &Effect) -> bool {
    let mut sets = effect.sets.iter();
    effect.is_multi && sets.any(|set| matches!(set, Assignment::Database(_)))
}

/// A name in lower case, which most are.
fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    }
}

/// True for the response of a statement that went as it should, and has told nothing that belongs
/// to its session.
///
/// `asked_in`: the status of that. Where the response tells another one, the session is not as it
/// was taken to be.
pub(crate) fn is_worth_keeping(summary: &Summary, asked_in: StatusFlags) -> bool {
    let of_session = StatusFlags::SESSION_STATE_CHANGED
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
        if last.is_some_and(|summary| summary.error.is_some()) {
            // A lock that was waited for too long, `KILL QUERY`: the next one may go well.
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

impl Deref for TextTouches {
    type Target = Touches;

    fn deref(&self) -> &Touches {
        match self {
            Self::Known(reading) => &reading.touches,
            Self::Own(touches) => touches,
        }
    }
}

impl<'a> Read<'a> {
    fn len(self) -> usize {
        match self {
            Self::Text(sql) => sql.len(),
            Self::Execution(text, _, parameters) => {
                text.sql().len() + parameters.map(<[u8]>::len).iter().sum::<usize>()
            }
        }
    }

    fn shape(self) -> u64 {
        match self {
            Self::Text(_) => 0,
            Self::Execution(_, shape, _) => shape,
        }
    }

    fn sql(self) -> &'a [u8] {
        match self {
            Self::Text(sql) => sql,
            Self::Execution(text, ..) => text.sql(),
        }
    }
}
