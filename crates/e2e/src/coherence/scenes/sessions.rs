//! Scenes about what a session does next: after its write was lost, in another database, or while
//! somebody else's read takes very long.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use super::super::client::Client;
use super::super::gate::Treatment;
use super::super::schema::{DATABASE, NAMESAKE, OTHER_DATABASE, STAGE};
use super::{A_MOMENT, KEPT, LATE, LOOKED_AT, Scenes, Writing, read_row, update};

/// Longer than anybody waits for one who asks.
const OVERDUE: Duration = Duration::from_millis(3_600);

/// A text that reads another row in each database.
const NAMESAKES: &str = "SELECT id, v, c FROM stage WHERE id IN (13, 14)";

impl Scenes {
    /// A write is cut off and arrives later, while its session goes on.
    pub(super) async fn goes_on(&mut self, writes: bool) -> Result<()> {
        let mut reader = self.with_kept().await?;
        let mut session = Client::open(&self.round.endpoint, DATABASE).await?;
        self.number += 1;
        let mark = format!("/* scene {} */", self.number);
        let came = self.arrange(&mark, Treatment::Late(LATE));
        self.write_by(&mut session, STAGE, "", &mark).await;
        came.await;
        if writes {
            self.write_by(&mut session, STAGE, "", "").await;
        }
        let until = Instant::now() + LATE + LOOKED_AT;
        while Instant::now() < until && !self.round.is_over() {
            self.read_by(&mut session, KEPT).await?;
            sleep(A_MOMENT).await;
            self.miss(&mut reader).await?;
            self.read_by(&mut session, KEPT).await?;
            self.read_by(&mut reader, KEPT).await?;
        }
        Ok(())
    }

    /// One text reads a row in each of two databases, and both are written by sessions that go from
    /// one to the other.
    pub(super) async fn other_database(&mut self) -> Result<()> {
        let mut here = Client::open(&self.round.endpoint, DATABASE).await?;
        let mut there = Client::open(&self.round.endpoint, OTHER_DATABASE).await?;
        let mut session = Client::open(&self.round.endpoint, DATABASE).await?;
        let goes = format!("USE {OTHER_DATABASE}; ");
        let comes = format!("USE {DATABASE}; ");
        for (id, ahead) in [(NAMESAKE, goes.as_str()), (NAMESAKE, ""), (STAGE, &comes)] {
            for _ in 0..2 {
                read_row(&self.round, &mut here, NAMESAKES, STAGE).await?;
                read_row(&self.round, &mut there, NAMESAKES, NAMESAKE).await?;
            }
            self.write_by(&mut session, id, ahead, "").await;
            read_row(&self.round, &mut there, NAMESAKES, NAMESAKE).await?;
            read_row(&self.round, &mut here, NAMESAKES, STAGE).await?;
        }
        // It goes there, though the text fails behind that.
        let failed = session.query(&format!("{goes}SELECT * FROM nothing")).await;
        ensure!(failed.is_err(), "there is a table that there is not");
        read_row(&self.round, &mut there, NAMESAKES, NAMESAKE).await?;
        self.write_by(&mut session, NAMESAKE, "", "").await;
        read_row(&self.round, &mut there, NAMESAKES, NAMESAKE).await
    }

    pub(super) async fn overdue_read(&mut self) -> Result<()> {
        let mut reader = Client::open(&self.round.endpoint, DATABASE).await?;
        self.write(Writing::Update, None).0.await?;
        let came = self.arrange(KEPT, Treatment::HoldAnswer(OVERDUE));
        let slow = self.spawn_read(KEPT);
        came.await;
        let began = Instant::now();
        let waiting = [self.spawn_read(KEPT), self.spawn_read(KEPT)];
        for one in waiting {
            one.await?;
        }
        self.write(Writing::Update, None).0.await?;
        while began.elapsed() < OVERDUE && !self.round.is_over() {
            self.read_by(&mut reader, KEPT).await?;
            sleep(A_MOMENT).await;
        }
        slow.await?;
        self.read_by(&mut reader, KEPT).await?;
        self.miss(&mut reader).await?;
        self.read_by(&mut reader, KEPT).await
    }

    /// Writes the next value of a row, in the session's database or after it has gone elsewhere.
    async fn write_by(&self, session: &mut Client, id: usize, ahead: &str, mark: &str) {
        let registers = &self.round.common.registers;
        let turn = registers.turn(&[id], false).await;
        let began = Instant::now();
        let sql = format!("{ahead}{} {mark}", update(id, turn.value));
        match session.query(&sql).await {
            Ok(_) => {
                turn.acknowledged();
                turn.note("a session", began, "acknowledged");
            }
            Err(error) => {
                self.round.common.failed(&error);
                registers.failed_writes.fetch_add(1, Ordering::Relaxed);
                turn.note("a session", began, &format!("{error:#}"));
            }
        }
    }
}
