//! Opens a session's SQLite connection: functions of MySQL's, limits, and what is forbidden.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, Error, OpenFlags, Result};

use super::{Login, MAX_PACKET};
use crate::SERVER_VERSION;
use crate::origin::Shared;
use crate::sample::MAX_PAGES;

/// Longest wait for another session's write. What `@@innodb_lock_wait_timeout` says.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Compiled statements that a session keeps.
const STATEMENT_CACHE: usize = 64;

/// Longest `SLEEP()`.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// A sleep looks this often whether its client is still there.
const SLEEP_STEP: Duration = Duration::from_millis(20);

/// The only pragmas that statements may use: they read the catalogue, for `SHOW COLUMNS`.
const PRAGMAS: [&str; 3] = ["table_info", "table_xinfo", "index_list"];

/// What SQL functions tell of their session.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) shared: Arc<Shared>,
    pub(super) connection_id: u32,
    /// False until a database is selected.
    pub(super) has_database: AtomicBool,
    pub(super) last_insert_id: AtomicI64,
    /// The client has gone.
    pub(super) closing: Arc<AtomicBool>,
}

impl Facts {
    pub(super) fn new(shared: Arc<Shared>, login: Login, closing: Arc<AtomicBool>) -> Self {
        Self {
            shared,
            connection_id: login.connection_id,
            has_database: AtomicBool::new(login.has_database),
            last_insert_id: AtomicI64::new(0),
            closing,
        }
    }
}

/// Opens the database.
pub(super) fn open(facts: &Arc<Facts>) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&facts.shared.file, flags)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "max_page_count", MAX_PAGES)?;
    // Temporary tables and sorts stay out of the file system.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let max_packet = i32::try_from(MAX_PACKET).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, max_packet)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, max_packet)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    functions(&connection, facts)?;
    // Last, since it forbids what was done above.
    connection.authorizer(Some(authorize));
    Ok(connection)
}

/// A statement may not reach any file but the database, nor undo the limits.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Authorization::Deny,
        AuthAction::Pragma { pragma_name, .. } if !PRAGMAS.contains(&pragma_name) => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

fn functions(connection: &Connection, facts: &Arc<Facts>) -> Result<()> {
    let of_session = FunctionFlags::SQLITE_UTF8;
    let id = facts.connection_id;
    connection.create_scalar_function("connection_id", 0, of_session, move |_| Ok(id))?;
    connection.create_scalar_function("version", 0, of_session, |_| Ok(SERVER_VERSION))?;
    for name in ["database", "schema"] {
        let facts = Arc::clone(facts);
        connection.create_scalar_function(name, 0, of_session, move |_| {
            let selected = facts.has_database.load(Ordering::Relaxed);
            Ok(selected.then(|| facts.shared.config.database.clone()))
        })?;
    }
    for name in ["user", "current_user", "session_user"] {
        let user = format!("{}@127.0.0.1", facts.shared.config.user);
        connection.create_scalar_function(name, 0, of_session, move |_| Ok(user.clone()))?;
    }
    let state = Arc::clone(facts);
    connection.create_scalar_function("last_insert_id", 0, of_session, move |_| {
        Ok(state.last_insert_id.load(Ordering::Relaxed))
    })?;
    let state = Arc::clone(facts);
    connection.create_scalar_function("sleep", 1, of_session, move |context| {
        sleep(context, &state.closing)
    })
}

/// `SLEEP(seconds)`: 0 when it has slept.
fn sleep(context: &Context<'_>, closing: &AtomicBool) -> Result<i64> {
    let seconds: f64 = context.get(0)?;
    let wanted = Duration::try_from_secs_f64(seconds)
        .map_err(|error| Error::UserFunctionError(Box::new(error)))?;
    let mut left = wanted.min(MAX_SLEEP);
    while !left.is_zero() && !closing.load(Ordering::Relaxed) {
        let step = left.min(SLEEP_STEP);
        std::thread::sleep(step);
        left = left.saturating_sub(step);
    }
    Ok(0)
}
