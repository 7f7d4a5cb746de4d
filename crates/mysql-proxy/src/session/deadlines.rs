//! The deadlines of a session's commands and transactions.
//!
//! A deadline is a moment in a field. One timer stands for all of them: it is set to the earliest
//! that was ever needed, and when it fires early, because the command it was set for is long done,
//! it is set again. So a session of many short statements touches the timer once per limit and not
//! once per statement, and one without limits has none.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::Limits;
use tokio::time::{Instant, Sleep, sleep_until};

/// After a statement was killed at the origin, its response must end within this time. What runs on
/// then is stuck: the session ends, and its connection is closed.
const GRACE: Duration = Duration::from_secs(5);

/// A limit that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// That of a command.
    Query,
    /// That of a transaction.
    Transaction,
    /// That of a transaction in which the client says nothing.
    IdleTransaction,
    /// The time for a killed statement to end.
    Grace,
}

/// The deadlines of one session.
#[derive(Debug)]
pub(super) struct Deadlines {
    limits: Limits,
    query: Option<Instant>,
    transaction: Option<Instant>,
    idle_transaction: Option<Instant>,
    grace: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadlines {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            query: None,
            transaction: None,
            idle_transaction: None,
            grace: None,
            timer: None,
        }
    }

    /// A command came, now. `is_limited`: it must not take longer than a query may.
    pub(super) fn begin_command(&mut self, is_limited: bool, now: Instant) {
        self.idle_transaction = None;
        let limit = self.limits.query_timeout.filter(|_| is_limited);
        self.query = limit.map(|limit| now + limit);
        self.set_timer(self.query);
    }

    /// The command is done. `in_transaction`: and has left a transaction open.
    pub(super) fn end_command(&mut self, in_transaction: bool) {
        self.query = None;
        self.grace = None;
        if !in_transaction {
            self.transaction = None;
            return;
        }
        if self.limits.transaction_timeout.is_none()
            && self.limits.idle_transaction_timeout.is_none()
        {
            return;
        }
        let now = Instant::now();
        if self.transaction.is_none() {
            self.transaction = self.limits.transaction_timeout.map(|limit| now + limit);
            self.set_timer(self.transaction);
        }
        self.idle_transaction = self
            .limits
            .idle_transaction_timeout
            .map(|limit| now + limit);
        self.set_timer(self.idle_transaction);
    }

    /// The statement under way was killed at the origin: it must end soon.
    pub(super) fn begin_grace(&mut self) {
        self.query = None;
        self.grace = Some(Instant::now() + GRACE);
        self.set_timer(self.grace);
    }

    /// Tells of a limit that is over; there may be none, ever. A deadline that was told is gone.
    pub(super) fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<Expired> {
        while let Some(timer) = &mut self.timer {
            ready!(timer.as_mut().poll(context));
            let expired = self.take_expired(Instant::now());
            self.rearm();
            if let Some(expired) = expired {
                return Poll::Ready(expired);
            }
        }
        Poll::Pending
    }

    fn all(&mut self) -> [(Expired, &mut Option<Instant>); 4] {
        [
            (Expired::Query, &mut self.query),
            (Expired::Transaction, &mut self.transaction),
            (Expired::IdleTransaction, &mut self.idle_transaction),
            (Expired::Grace, &mut self.grace),
        ]
    }

    fn take_expired(&mut self, now: Instant) -> Option<Expired> {
        self.all().into_iter().find_map(|(expired, deadline)| {
            let is_over = deadline.is_some_and(|deadline| deadline <= now);
            is_over.then(|| {
                *deadline = None;
                expired
            })
        })
    }

    /// The timer has fired: sets it to the next deadline.
    fn rearm(&mut self) {
        self.timer = None;
        let next = self
            .all()
            .into_iter()
            .filter_map(|(_, deadline)| *deadline)
            .min();
        self.set_timer(next);
    }

    /// The timer must not fire later than this.
    fn set_timer(&mut self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        match &mut self.timer {
            Some(timer) if timer.deadline() <= deadline => {}
            Some(timer) => timer.as_mut().reset(deadline),
            None => self.timer = Some(Box::pin(sleep_until(deadline))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn deadlines(query: u32, transaction: u32, idle_transaction: u32) -> Deadlines {
        let limit = |seconds| (seconds > 0).then(|| SECOND * seconds);
        Deadlines::new(Limits {
            max_user_connections: None,
            query_timeout: limit(query),
            transaction_timeout: limit(transaction),
            idle_transaction_timeout: limit(idle_transaction),
        })
    }

    /// What expires within a time, and after how long.
    async fn within(deadlines: &mut Deadlines, limit: Duration) -> Option<(Expired, Duration)> {
        let began = Instant::now();
        let expired = poll_fn(|context| deadlines.poll_expired(context));
        let expired = tokio::time::timeout(limit, expired).await;
        expired.ok().map(|expired| (expired, began.elapsed()))
    }

    #[tokio::test(start_paused = true)]
    async fn without_limits_there_is_no_timer() {
        let mut deadlines = deadlines(0, 0, 0);
        deadlines.begin_command(true, Instant::now());
        deadlines.end_command(true);
        assert!(deadlines.timer.is_none());
        assert_eq!(within(&mut deadlines, 1000 * SECOND).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn each_command_has_its_own_time() {
        let mut deadlines = deadlines(5, 0, 0);
        for _ in 0..10 {
            deadlines.begin_command(true, Instant::now());
            assert_eq!(within(&mut deadlines, 4 * SECOND).await, None);
            deadlines.end_command(false);
        }
        assert_eq!(within(&mut deadlines, 100 * SECOND).await, None);
        deadlines.begin_command(true, Instant::now());
        let expected = Some((Expired::Query, 5 * SECOND));
        assert_eq!(within(&mut deadlines, 100 * SECOND).await, expected);
        // Told once.
        assert_eq!(within(&mut deadlines, 100 * SECOND).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transaction_has_one_time_for_all_its_commands() {
        let mut deadlines = deadlines(0, 10, 0);
        for _ in 0..3 {
            deadlines.begin_command(true, Instant::now());
            deadlines.end_command(true);
            assert_eq!(within(&mut deadlines, 3 * SECOND).await, None);
        }
        deadlines.begin_command(true, Instant::now());
        let expected = Some((Expired::Transaction, SECOND));
        assert_eq!(within(&mut deadlines, 3 * SECOND).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn only_silence_within_a_transaction_counts() {
        let mut deadlines = deadlines(60, 0, 10);
        for _ in 0..3 {
            deadlines.begin_command(true, Instant::now());
            // As long as it runs.
            assert_eq!(within(&mut deadlines, 20 * SECOND).await, None);
            deadlines.end_command(true);
            assert_eq!(within(&mut deadlines, 9 * SECOND).await, None);
        }
        let expected = Some((Expired::IdleTransaction, SECOND));
        assert_eq!(within(&mut deadlines, 3 * SECOND).await, expected);
        deadlines.begin_command(true, Instant::now());
        deadlines.end_command(false);
        assert_eq!(within(&mut deadlines, 100 * SECOND).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_killed_statement_has_a_grace() {
        let mut deadlines = deadlines(1, 0, 0);
        deadlines.begin_command(true, Instant::now());
        assert!(within(&mut deadlines, 2 * SECOND).await.is_some());
        deadlines.begin_grace();
        let expected = Some((Expired::Grace, GRACE));
        assert_eq!(within(&mut deadlines, 100 * SECOND).await, expected);
    }
}
