//! Keeps a session within its limits, and ends it when others want it to end.

use std::pin::Pin;
use std::sync::Arc;

use mysql_proto::Command;
use tracing::debug;

use super::deadlines::{Deadlines, Expired};
use crate::error::SessionEnd;
use crate::hyperdrives::Served;
use crate::registry::{Entry, Interruption};

/// Watches over one session.
#[derive(Debug)]
pub(super) struct Watch {
    entry: Arc<Entry>,
    served: Arc<Served>,
    deadlines: Deadlines,
}

impl Watch {
    pub(super) fn new(entry: &Arc<Entry>, served: &Arc<Served>) -> Self {
        Self {
            entry: Arc::clone(entry),
            served: Arc::clone(served),
            deadlines: Deadlines::new(served.hyperdrive.limits),
        }
    }

    /// True for the entry that it watches: a session that changes its user gets another.
    pub(super) fn is_of(&self, entry: &Arc<Entry>) -> bool {
        Arc::ptr_eq(&self.entry, entry)
    }

    /// Waits, between two commands, until the session has to end. Cancel-safe.
    pub(super) async fn idle(&mut self) -> SessionEnd {
        tokio::select! {
            biased;
            () = self.entry.ended() => SessionEnd::Killed,
            expired = self.deadlines.expired() => match expired {
                Expired::IdleTransaction => SessionEnd::IdleTransactionTimeout,
                Expired::Query | Expired::Transaction | Expired::Grace => {
                    SessionEnd::TransactionTimeout
                }
            },
        }
    }

    /// Serves a command. When its time is over, what it runs is killed at the origin, and its
    /// response goes on to its end: the origin's own error, mostly. When that does not come either,
    /// the command is dropped where it is.
    pub(super) async fn serve(
        &mut self,
        command: Command,
        mut serving: Pin<&mut impl Future<Output = Result<(), SessionEnd>>>,
    ) -> Result<(), SessionEnd> {
        self.entry.begin(command);
        self.deadlines.begin_command(ends_by_itself(command));
        let mut transaction_is_over = false;
        let mut is_killed = false;
        loop {
            let expired = tokio::select! {
                biased;
                served = &mut serving => {
                    return match served {
                        Ok(()) if transaction_is_over => Err(SessionEnd::TransactionTimeout),
                        served => served,
                    };
                }
                () = self.entry.ended(), if !is_killed => {
                    // The command learns of it too, and ends: see `Downstream::ended`.
                    is_killed = true;
                    self.deadlines.begin_grace();
                    continue;
                }
                expired = self.deadlines.expired() => expired,
            };
            match expired {
                Expired::Grace if is_killed => return Err(SessionEnd::Killed),
                Expired::Grace => return Err(SessionEnd::NotInterrupted),
                Expired::Transaction => transaction_is_over = true,
                Expired::Query | Expired::IdleTransaction => {}
            }
            self.interrupt();
        }
    }

    /// The command is done, as far as the session goes on.
    pub(super) fn rest(&mut self, in_transaction: bool) {
        self.entry.rest();
        self.deadlines.end_command(in_transaction);
    }

    /// The time of the command under way is over.
    fn interrupt(&mut self) {
        self.deadlines.begin_grace();
        self.entry.interrupt(Interruption::TimedOut);
        let (entry, served) = (Arc::clone(&self.entry), Arc::clone(&self.served));
        tokio::spawn(async move {
            if let Err(error) = served.kill_statement_of(&entry).await {
                debug!(%error, "Failed to kill a statement whose time is over");
            }
        });
    }
}

/// The stream of a binary log does not end, and is no query.
fn ends_by_itself(command: Command) -> bool {
    !matches!(
        command,
        Command::BINLOG_DUMP | Command::BINLOG_DUMP_GTID | Command::REGISTER_SLAVE
    )
}
