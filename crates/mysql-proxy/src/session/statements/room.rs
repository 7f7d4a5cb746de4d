//! Room for one more prepared statement at an origin that has as many as it may.
//!
//! `max_prepared_stmt_count` holds for all clients of a server together (16,382 by default), and
//! the edge keeps statements that nobody uses now, for those who may again. A client would not have
//! kept them, so they go before it is told:
//! <https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_max_prepared_stmt_count>

use std::time::Duration;

use tracing::debug;

use super::Session;

/// `ER_MAX_PREPARED_STMT_COUNT_REACHED`.
pub(super) const TOO_MANY: u16 = 1461;

/// A server counts the statements of a closed connection until it has noticed that.
const NOTICE: Duration = Duration::from_millis(20);

/// How often others' connections are closed for one statement.
const MOST: usize = 3;

/// A pool whose idle connections were closed has none to give up for a while, and logins are dear
/// to a server that is full.
const COOL_DOWN: Duration = Duration::from_secs(5);

/// What was done for one statement.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    made: usize,
}

impl Session {
    /// Gives up statements that are kept for nobody: first those of the connection in hand, then,
    /// with their connections, those of the idle ones. False: there is nothing more to give up.
    pub(super) async fn make_room(&mut self, rooms: &mut Rooms) -> bool {
        let Some(lease) = &mut self.held else {
            return false;
        };
        rooms.made += 1;
        if lease.handles.close_free() {
            debug!("Closed prepared statements that were kept, as the origin takes no more");
            return true;
        }
        if rooms.made > MOST {
            return false;
        }
        if self.served.may_close_idle(COOL_DOWN) {
            debug!("Closing idle connections for their prepared statements");
            self.served.pool.close_idle();
        }
        // Also for what another session has just closed.
        tokio::time::sleep(NOTICE).await;
        true
    }
}
