//! The text of a prepared statement, shared by all who have prepared it.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use mysql_sql::{Dialect, Escapes, PinReason, Statement, Touches, touches};

use crate::cache::{Figures, LastPlan, hash_of_text};
use crate::state::SessionState;
use crate::striped::Striped;

/// Longest text that is kept. A longer one is rare, and stays with the connection that it was
/// prepared on.
const MAX_TEXT: usize = 1 << 20;

/// Most bytes of texts that a hyperdrive keeps: tens of thousands of usual statements. What is over
/// it stays with the connection that it was prepared on.
pub(crate) const MAX_ALL_TEXTS: usize = 64 << 20;

/// Bytes of a text that figures show.
const SHOWN: usize = 1024;

/// A statement as it was prepared, whoever did it and wherever.
#[derive(Debug)]
pub(crate) struct StatementText {
    id: u64,
    key: Key,
    /// Of the SQL, as the cache wants it.
    hash: u64,
    statement: Statement,
    /// It is a [`Statement::plain_read`], which each execution asks.
    is_plain: bool,
    /// Once somebody has asked.
    touches: OnceLock<Touches>,
    /// Likewise.
    figures: OnceLock<Arc<Figures>>,
    last_plan: LastPlan,
    sessions: AtomicU32,
    connections: AtomicU32,
    executions: Striped,
    home: Weak<Shared>,
}

/// What preparing depends on.
#[derive(Clone, Debug)]
struct Key {
    sql: Arc<[u8]>,
    /// Names are looked up in the default database; mode, character set and whatever other variable
    /// decide how the text reads, and what types it gives.
    under: Arc<SessionState>,
    escapes: Escapes,
}

/// The texts of one hyperdrive. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<HashMap<Key, Weak<StatementText>>>,
    bytes: AtomicUsize,
    last_id: AtomicU64,
}

/// How a statement is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatementFigures {
    /// The beginning of its text.
    pub(crate) text: Vec<u8>,
    /// How often sessions have it prepared; a session may have it more than once.
    pub(crate) sessions: u32,
    /// How often it is prepared on origin connections.
    pub(crate) connections: u32,
    /// Executions, by the origin or from the cache.
    pub(crate) executions: u64,
}

impl Texts {
    /// The text of a statement that a session in this state prepares. `None`: it is too large to be
    /// kept, or there are too many.
    pub(crate) fn intern(
        &self,
        sql: &[u8],
        state: &Arc<SessionState>,
        escapes: Escapes,
        statement: &Statement,
    ) -> Option<Arc<StatementText>> {
        let key = Key {
            sql: sql.into(),
            under: state.for_prepare(&statement.effect),
            escapes,
        };
        let mut known = self.shared.lock();
        if let Some(text) = known.get(&key).and_then(Weak::upgrade) {
            return Some(text);
        }
        let bytes = self.shared.bytes.load(Ordering::Relaxed);
        if sql.len() > MAX_TEXT || bytes.saturating_add(sql.len()) > MAX_ALL_TEXTS {
            return None;
        }
        self.shared.bytes.fetch_add(sql.len(), Ordering::Relaxed);
        let text = Arc::new(StatementText::new(
            self.shared.next_id(),
            key.clone(),
            statement.clone(),
            Arc::downgrade(&self.shared),
        ));
        known.insert(key, Arc::downgrade(&text));
        Some(text)
    }

    /// A text that is not kept: the statement cannot be prepared elsewhere.
    pub(crate) fn unkept(
        &self,
        state: &Arc<SessionState>,
        statement: Statement,
    ) -> Arc<StatementText> {
        let key = Key {
            sql: Arc::new([]),
            under: Arc::clone(state),
            escapes: Escapes::None,
        };
        let id = self.shared.next_id();
        Arc::new(StatementText::new(id, key, statement, Weak::new()))
    }

    /// The figures of all statements that somebody has prepared, those used most first.
    pub(crate) fn figures(&self) -> Vec<StatementFigures> {
        // The last to hold a text locks the map to take it out, so none is dropped under the lock.
        let texts: Vec<_> = self
            .shared
            .lock()
            .values()
            .filter_map(Weak::upgrade)
            .collect();
        let mut figures: Vec<_> = texts.iter().map(|text| text.figures()).collect();
        figures.sort_by(|a, b| b.executions.cmp(&a.executions).then(a.text.cmp(&b.text)));
        figures
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Weak<StatementText>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// The last to hold a text has let go of it.
    fn forget(&self, key: &Key) {
        let mut known = self.lock();
        // Somebody may have prepared it again meanwhile.
        if known.get(key).is_some_and(|text| text.strong_count() == 0) {
            known.remove(key);
        }
        self.bytes.fetch_sub(key.sql.len(), Ordering::Relaxed);
    }
}

impl StatementText {
    fn new(id: u64, key: Key, statement: Statement, home: Weak<Shared>) -> Self {
        Self {
            id,
            hash: hash_of_text(&key.sql),
            key,
            is_plain: statement == Statement::plain_read(),
            statement,
            touches: OnceLock::new(),
            figures: OnceLock::new(),
            last_plan: LastPlan::default(),
            sessions: AtomicU32::new(0),
            connections: AtomicU32::new(0),
            executions: Striped::default(),
            home,
        }
    }

    /// Tells texts of a hyperdrive apart. Never used again.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The SQL; empty if it is not kept.
    pub(crate) fn sql(&self) -> &Arc<[u8]> {
        &self.key.sql
    }

    /// The hash of the SQL, as the cache wants it.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The state of the session that prepared it.
    pub(crate) fn under(&self) -> &Arc<SessionState> {
        &self.key.under
    }

    /// What executing it does.
    pub(crate) fn statement(&self) -> &Statement {
        &self.statement
    }

    /// True when it is a [`Statement::plain_read`].
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// What executing it touches; it is read once. `None`: nothing can be told of it.
    pub(crate) fn touches(&self, dialect: Dialect) -> Option<&Touches> {
        let is_understood = self.statement.effect.pin != Some(PinReason::NotUnderstood);
        (self.is_kept() && is_understood).then(|| {
            let sql = &self.key.sql;
            let escapes = self.key.escapes;
            let dialect = Dialect { escapes, ..dialect };
            self.touches
                .get_or_init(|| touches(sql, dialect, &self.statement))
        })
    }

    /// How the cache of its hyperdrive does with it; looked up once.
    pub(crate) fn cache_figures(&self, look_up: impl FnOnce() -> Arc<Figures>) -> &Arc<Figures> {
        self.figures.get_or_init(look_up)
    }

    /// What its executions were found to depend on.
    pub(crate) fn last_plan(&self) -> &LastPlan {
        &self.last_plan
    }

    /// True when it can be prepared on any connection.
    pub(crate) fn is_kept(&self) -> bool {
        !self.key.sql.is_empty()
    }

    /// Counts an execution.
    pub(crate) fn executed(&self) {
        self.executions.inc();
    }

    pub(super) fn held_by_one_more(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn held_by_one_less(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn prepared_on_one_more(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn prepared_on_one_less(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// How it is used.
    pub(crate) fn figures(&self) -> StatementFigures {
        let shown = self.key.sql.len().min(SHOWN);
        StatementFigures {
            text: self.key.sql.get(..shown).unwrap_or_default().to_vec(),
            sessions: self.sessions.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            executions: self.executions.sum(),
        }
    }
}

#[cfg(test)]
impl StatementText {
    /// A text that belongs to no hyperdrive.
    pub(super) fn unshared(id: u64) -> Arc<Self> {
        Self::made_of(id, &[])
    }

    /// Likewise, of this length.
    pub(super) fn of_length(len: usize) -> Arc<Self> {
        // Texts of one length are one text.
        Self::made_of(len as u64, &vec![b' '; len])
    }

    fn made_of(id: u64, sql: &[u8]) -> Arc<Self> {
        let key = Key {
            sql: sql.into(),
            under: Arc::new(SessionState::new(None, 45)),
            escapes: Escapes::None,
        };
        let statement = mysql_sql::classify(b"", Escapes::None);
        Arc::new(Self::new(id, key, statement, Weak::new()))
    }
}

impl Drop for StatementText {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            home.forget(&self.key);
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.sql == other.sql && self.escapes == other.escapes && self.under.is_same(&other.under)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sql.hash(state);
        self.under.stamp().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use mysql_sql::classify;

    use super::*;

    fn in_database(name: &str) -> Arc<SessionState> {
        Arc::new(SessionState::new(Some(name.to_owned()), 45))
    }

    fn intern(texts: &Texts, sql: &str, state: &Arc<SessionState>) -> Option<Arc<StatementText>> {
        let statement = classify(sql.as_bytes(), Escapes::Backslash);
        texts.intern(sql.as_bytes(), state, Escapes::Backslash, &statement)
    }

    #[test]
    fn sessions_in_equal_states_share_a_text() {
        let texts = Texts::default();
        let (a, b) = (in_database("shop"), in_database("shop"));
        let one = intern(&texts, "SELECT 1", &a).unwrap();
        assert_eq!(intern(&texts, "SELECT 1", &b).unwrap().id(), one.id());
        assert_ne!(intern(&texts, "SELECT 2", &a).unwrap().id(), one.id());
        let elsewhere = in_database("other");
        assert_ne!(
            intern(&texts, "SELECT 1", &elsewhere).unwrap().id(),
            one.id()
        );
    }

    #[test]
    fn a_text_goes_with_its_last_holder() {
        let texts = Texts::default();
        let state = in_database("shop");
        let one = intern(&texts, "SELECT 1", &state).unwrap();
        let id = one.id();
        assert_eq!(texts.figures().len(), 1);
        drop(one);
        assert_eq!(texts.figures().len(), 0);
        assert_eq!(texts.shared.bytes.load(Ordering::Relaxed), 0);
        assert_ne!(intern(&texts, "SELECT 1", &state).unwrap().id(), id);
    }

    #[test]
    fn large_texts_are_not_kept() {
        let texts = Texts::default();
        let state = in_database("shop");
        let large = format!("SELECT '{}'", "x".repeat(MAX_TEXT));
        assert!(intern(&texts, &large, &state).is_none());
        let nearly = "x".repeat(MAX_TEXT - 20);
        let many: Vec<_> = (0..80)
            .map(|n| intern(&texts, &format!("SELECT '{nearly}{n}'"), &state))
            .collect();
        assert_eq!(many.iter().flatten().count(), 64);
        drop(many);
        assert!(intern(&texts, "SELECT 1", &state).is_some());
    }

    #[test]
    fn figures_show_the_busiest_first() {
        let texts = Texts::default();
        let state = in_database("shop");
        let idle = intern(&texts, "SELECT 1", &state).unwrap();
        let busy = intern(&texts, "SELECT 2", &state).unwrap();
        busy.executed();
        busy.held_by_one_more();
        let figures = texts.figures();
        assert_eq!(figures[0].text, b"SELECT 2");
        assert_eq!((figures[0].executions, figures[0].sessions), (1, 1));
        assert_eq!(figures[1], idle.figures());
    }
}
