//! Fetches a result again in the background, while the stale one is served.

use std::sync::Arc;

use conn_pool::Lease;
use mysql_proto::{Command, write_command};
use mysql_sql::{Dialect, classify, touches};
use query_cache::{Leader, RefreshPermit, Writes};
use tracing::debug;

use super::{Bypass, Context, Kept, Key, KeyParts, ResultCache};
use crate::error::OriginLoss;
use crate::hyperdrives::Served;
use crate::origin::{Answer, BringError, Life, OriginConn, OriginConnector, escapes};
use crate::profile::Profile;
use crate::session::is_worth_keeping;

/// What is done for no session.
const NOBODY: Life = Life {
    session: 0,
    resets: 0,
};

/// Fetches results again for a session that has served a stale one.
#[derive(Debug)]
pub(crate) struct Refresher {
    served: Arc<Served>,
    profile: Arc<Profile>,
    dialect: Dialect,
}

/// Why a result was not fetched again. The next read that finds it stale tries once more.
#[derive(Debug, thiserror::Error)]
enum NotRefreshed {
    #[error("there is no lease: {0}")]
    NoLease(String),
    #[error("it is not to be kept any more: {0}")]
    NotKept(&'static str),
    #[error("the origin connection was lost: {0}")]
    Lost(#[from] OriginLoss),
    #[error("the connection could not be led to the state of the session: {0:?}")]
    NotLed(BringError),
    #[error("the origin refused with error {0}")]
    Refused(u16),
}

impl Refresher {
    pub(crate) fn new(served: &Arc<Served>, profile: &Arc<Profile>, dialect: Dialect) -> Self {
        Self {
            served: Arc::clone(served),
            profile: Arc::clone(profile),
            dialect,
        }
    }

    /// Does it in a task of its own: the client has its answer.
    pub(crate) fn start(self, key: Key, permit: RefreshPermit<Context, Kept>) {
        let served = Arc::clone(&self.served);
        let cache = served.cache.as_ref();
        let leader = cache.and_then(|cache| cache.store.refresh(key.clone(), permit));
        let Some(leader) = leader else { return };
        tokio::spawn(async move {
            let Some(cache) = &served.cache else { return };
            if let Err(reason) = self.refresh(cache, &KeyParts::of(&key), leader).await {
                debug!(%reason, "Failed to fetch a result again");
            }
        });
    }

    async fn refresh(
        &self,
        cache: &ResultCache,
        parts: &KeyParts<'_>,
        mut leader: Leader<Context, Kept>,
    ) -> Result<(), NotRefreshed> {
        let statement = classify(parts.sql, self.dialect);
        let touched = touches(parts.sql, self.dialect, &statement);
        let not_kept = |why: Bypass| NotRefreshed::NotKept(why.name());
        let names = touched
            .keeps
            .map_err(|why| not_kept(Bypass::Statement(why)))?;
        let database = parts.state.database_name();
        let plan = cache.plan((&names, touched.hints), database, None);
        let plan = plan.map_err(not_kept)?;
        let figures = cache.figures.of(parts.sql, self.dialect);

        let mut lease = self.lease(parts).await?;
        if reads_otherwise(&lease, parts) {
            lease.give_back();
            leader.let_go();
            return Err(NotRefreshed::NotKept("backslashes"));
        }
        let noted = cache.versions.note(&plan.on, plan.generation);
        if !leader.note(noted) {
            lease.give_back();
            return Ok(());
        }
        // What it reads may be a view that calls a function, by the time that it runs: then the
        // generation is another one, and this a write of everything.
        let committing = cache.versions.begin(Writes::Nothing, plan.generation);
        let on = self.served.pool.connector().server_name();
        let mut in_flight = cache.loose.begin(committing, false, on);
        in_flight.set_thread(lease.thread());
        self.note_unnamed(&mut lease);
        let answer = ask(&mut lease, parts, cache.max_entry_bytes()).await;
        if !matches!(answer, Err(NotRefreshed::Lost(_))) {
            in_flight.end();
        }
        let answer = answer?;
        self.note_unnamed(&mut lease);
        let is_clean = answer.summary.error.is_none() && answer.summary.warnings == 0;
        if is_clean {
            lease.give_back();
        }
        if let Some(code) = answer.summary.error {
            leader.let_go();
            return Err(NotRefreshed::Refused(code));
        }
        if answer.is_cut || !is_worth_keeping(&answer.summary, parts.status) {
            leader.decline();
            return Ok(());
        }
        leader.push(&answer.bytes);
        let _moved = leader.fill(Kept::new(&answer.summary, figures), plan.lifetime);
        Ok(())
    }

    /// See `Session::note_unnamed`.
    fn note_unnamed(&self, lease: &mut Lease<OriginConnector>) {
        if self.served.pool.connector().runs_on_reads() {
            lease.note_program();
        }
    }

    /// A connection in the state of the session that asked first.
    async fn lease(&self, parts: &KeyParts<'_>) -> Result<Lease<OriginConnector>, NotRefreshed> {
        let pool = &self.served.pool;
        let state = parts.state;
        let lease = pool.lease(&self.profile, state, None).await;
        let mut lease = lease.map_err(|error| NotRefreshed::NoLease(error.to_string()))?;
        let connector = pool.connector();
        let (on_writes, on_reads) = (connector.runs_on_writes(), connector.runs_on_reads());
        lease.begin_stay(NOBODY, on_writes, on_reads);
        let reset = lease.must_reset() || lease.may_have_run(on_writes, on_reads);
        let steps = lease.steps_to(state, reset);
        if !steps.is_empty() {
            lease.begin_command();
            let sent = lease.send(&steps.bytes).await;
            sent.map_err(|error| OriginLoss::from(error.source))?;
            lease
                .finish(&steps, state)
                .await
                .map_err(NotRefreshed::NotLed)?;
            lease.end_command();
        }
        Ok(lease)
    }
}

/// True unless the text surely reads as it did in the session that asked first: where nobody has
/// set `sql_mode`, the server's default may be another one by now, and end a literal elsewhere.
fn reads_otherwise(lease: &OriginConn, parts: &KeyParts<'_>) -> bool {
    parts.sql.contains(&b'\\')
        && parts.state.has_default_mode()
        && lease.default_escapes() != Some(escapes(parts.status))
}

/// Runs the statement, and gives its response as a client would have it.
async fn ask(
    lease: &mut Lease<OriginConnector>,
    parts: &KeyParts<'_>,
    max_bytes: usize,
) -> Result<Answer, NotRefreshed> {
    let answer = match parts.prepared {
        None => lease.ask_long(parts.sql, max_bytes).await?,
        Some(_) => execute(lease, parts, max_bytes).await?,
    };
    Ok(answer)
}

/// Prepares, executes and closes.
async fn execute(
    lease: &mut Lease<OriginConnector>,
    parts: &KeyParts<'_>,
    max_bytes: usize,
) -> Result<Answer, NotRefreshed> {
    let mut prepare = Vec::new();
    write_command(&mut prepare, Command::STMT_PREPARE, parts.sql);
    lease.begin_command();
    let sent = lease.send(&prepare).await;
    sent.map_err(|error| OriginLoss::from(error.source))?;
    let prepared = lease.read_answer(Command::STMT_PREPARE).await?;
    if let Some(code) = prepared.summary.error {
        return Err(NotRefreshed::Refused(code));
    }
    let id = prepared.summary.statement_id.unwrap_or_default();
    let mut bytes = Vec::new();
    let argument = [&id.to_le_bytes(), parts.parameters.concat().as_slice()].concat();
    write_command(&mut bytes, Command::STMT_EXECUTE, &argument);
    write_command(&mut bytes, Command::STMT_CLOSE, &id.to_le_bytes());
    let sent = lease.send(&bytes).await;
    sent.map_err(|error| OriginLoss::from(error.source))?;
    let answer = lease
        .read_long_answer(Command::STMT_EXECUTE, max_bytes)
        .await?;
    lease.handles.note_id(id);
    if !lease.has_unread() {
        lease.end_command();
    }
    Ok(answer)
}
