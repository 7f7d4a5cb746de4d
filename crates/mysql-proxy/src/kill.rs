//! `KILL QUERY` at the origin, by a short connection beside the pool: the pool may be exhausted,
//! and that is when somebody kills.

use std::time::Duration;

use mysql_proto::ErrPacket;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::{OriginError, OriginLoss};
use crate::origin::{Flavor, OriginConnector};
use crate::registry::{Aim, Stay};

/// Connections for killing that a hyperdrive has open at a time, on top of its pool's. Each lasts a
/// few milliseconds, so four kill hundreds of statements in a second.
const PLACES: usize = 4;

/// Longest that one `KILL` may take, with its wait for a place, dialling and login. A killer that
/// takes longer helps nobody: the statement's own limits have come by then.
const LIMIT: Duration = Duration::from_secs(5);

/// `ER_NO_SUCH_THREAD`.
const NO_SUCH_THREAD: u16 = 1094;

/// Kills statements at one origin.
#[derive(Debug)]
pub(crate) struct Killer {
    places: Semaphore,
}

/// How a `KILL` went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Killed {
    /// The origin was told, and took it.
    Told,
    /// There was nothing to kill.
    Nothing,
}

/// Why a statement could not be killed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KillError {
    /// No connection could be opened for it.
    #[error("{0}")]
    NoConnection(#[from] OriginError),
    /// The connection was lost.
    #[error("{0}")]
    Lost(#[from] OriginLoss),
    /// The origin refused.
    #[error("the origin refused: {}", .0.message)]
    Refused(ErrPacket),
    /// It took too long.
    #[error("it took longer than {LIMIT:?}")]
    TooLate,
}

impl Killer {
    pub(crate) fn new() -> Self {
        Self {
            places: Semaphore::new(PLACES),
        }
    }

    /// Kills the statement that was aimed at.
    ///
    /// Whether it succeeds or not, and also when the future is dropped, the session's connection
    /// serves nobody else afterwards: see [`Entry::part`](crate::registry::Entry::part).
    pub(crate) async fn kill_aimed(
        &self,
        aim: Aim,
        origin: &OriginConnector,
    ) -> Result<Killed, KillError> {
        // The aim lives until it has arrived.
        self.kill_query(aim.stay, origin).await
    }

    /// Kills what a connection runs. The caller sees to it that nobody else gets that connection.
    pub(crate) async fn kill_query(
        &self,
        stay: Stay,
        origin: &OriginConnector,
    ) -> Result<Killed, KillError> {
        let killing = async {
            // The semaphore is never closed; an error would only mean that there is no limit.
            let _place = self.places.acquire().await;
            tell(stay, origin).await
        };
        timeout(LIMIT, killing)
            .await
            .unwrap_or(Err(KillError::TooLate))
    }
}

async fn tell(stay: Stay, origin: &OriginConnector) -> Result<Killed, KillError> {
    let mut conn = origin.open_aside(None).await?;
    let statement = statement(conn.flavor(), stay);
    let answer = conn.ask(statement.as_bytes()).await?;
    let refusal = answer.refusal();
    conn.quit();
    match refusal {
        None => Ok(Killed::Told),
        // It ended by itself just now.
        Some(error) if error.code == NO_SUCH_THREAD => Ok(Killed::Nothing),
        Some(error) => Err(KillError::Refused(error)),
    }
}

/// TiDB takes MySQL's form only where it is configured to; its own it always takes.
/// <https://docs.pingcap.com/tidb/stable/sql-statement-kill>
fn statement(flavor: Flavor, stay: Stay) -> String {
    let thread = stay.thread;
    match flavor {
        Flavor::MySql | Flavor::MariaDb { .. } => format!("KILL QUERY {thread}"),
        Flavor::TiDb => format!("KILL TIDB QUERY {thread}"),
    }
}
