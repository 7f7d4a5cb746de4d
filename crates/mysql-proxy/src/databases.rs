//! Which databases an origin has let its user into.
//!
//! A client that logs in to a database that there is not, or that it may not use, is told so by its
//! login, as at a server. The origin is only asked the first time that a name is heard, by a login
//! beside the pool: those of the pool may be in use for long, and an idle one is in a database
//! already. A database that is dropped later is found missing by the next statement.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mysql_client::LoginError;
use mysql_proto::ErrPacket;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::OriginError;
use crate::origin::OriginConnector;

/// Most names that are remembered; with one more, all are heard for the first time again.
const MOST: usize = 1024;

/// Connections for this that a hyperdrive has open at a time, on top of its pool's.
const PLACES: usize = 4;

/// Longest that a login waits for it, and at most half of the time that it has. One that has waited
/// so long is let in: its first statement will be told what is wrong.
const LIMIT: Duration = Duration::from_secs(5);

/// `ER_DBACCESS_DENIED_ERROR`, `ER_BAD_DB_ERROR`, `ER_TOO_LONG_IDENT`, `ER_WRONG_DB_NAME`.
const NOT_TO_BE_USED: [u16; 4] = [1044, 1049, 1059, 1102];

/// The databases of one origin.
#[derive(Debug)]
pub(crate) struct Databases {
    known: Mutex<HashSet<Box<str>>>,
    places: Semaphore,
}

impl Databases {
    pub(crate) fn new() -> Self {
        Self {
            known: Mutex::default(),
            places: Semaphore::new(PLACES),
        }
    }

    /// The origin's error, if this database cannot be used. `login_timeout`: of the client's login.
    pub(crate) async fn refused(
        &self,
        name: &str,
        origin: &OriginConnector,
        login_timeout: Duration,
    ) -> Option<ErrPacket> {
        if self.known().contains(name) {
            return None;
        }
        let asking = async {
            // The semaphore is never closed; an error would only mean that there is no limit.
            let _place = self.places.acquire().await;
            origin.open_aside(Some(name)).await
        };
        match timeout(LIMIT.min(login_timeout / 2), asking).await {
            Ok(Ok(conn)) => {
                conn.quit();
                self.note(name);
                None
            }
            Ok(Err(OriginError::Login(LoginError::Refused(error))))
                if NOT_TO_BE_USED.contains(&error.code) =>
            {
                Some(error)
            }
            // Whatever else is wrong, statements are told of, when it may be right again.
            Ok(Err(_)) | Err(_) => None,
        }
    }

    fn note(&self, name: &str) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name.into());
    }

    /// Each step leaves it whole, so a panic elsewhere does not spoil it.
    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<Box<str>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
