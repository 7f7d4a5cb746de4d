//! Whether an origin has programs of its own: triggers, procedures, functions.
//!
//! What they leave on a connection no statement betrays, not even one that reads a view. Where
//! there are any, connections are reset between two sessions (`OriginConn::begin_stay`). They are
//! asked for when the edge meets the origin and every minute after that, and believed to be there
//! after any statement that may have made one.

use std::time::Duration;

use tracing::debug;

use crate::origin::{Flavor, OriginConnector};

/// How long a program that somebody else has made may stay unknown.
const INTERVAL: Duration = Duration::from_secs(60);

/// Only those that the origin's user may see are shown. Those of the server itself are left out.
const QUESTION: &str = "SELECT \
    EXISTS(SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA NOT IN \
    ('mysql', 'sys', 'information_schema', 'performance_schema')) OR \
    EXISTS(SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA NOT IN \
    ('mysql', 'sys', 'information_schema', 'performance_schema')) LIMIT 1";

/// Asks now and then. Dropping the future ends it.
pub(crate) async fn watch(connector: &OriginConnector) {
    loop {
        match ask(connector).await {
            // TiDB has none.
            Ok(None) => return,
            Ok(Some(has_some)) => connector.set_programs(has_some),
            Err(reason) => debug!(reason, "Failed to ask an origin for its programs"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Asks on a connection aside from the pool. `None`: the origin knows no programs.
async fn ask(connector: &OriginConnector) -> Result<Option<bool>, String> {
    let opened = connector.open_aside().await;
    let mut conn = opened.map_err(|error| error.to_string())?;
    if conn.flavor() == Flavor::TiDb {
        conn.quit();
        return Ok(None);
    }
    let answer = conn.ask_number(QUESTION).await;
    conn.quit();
    let answer = answer.map_err(|error| error.to_string())?;
    // Where the origin does not say, to believe that there are some is right.
    Ok(Some(answer != Some(0)))
}
