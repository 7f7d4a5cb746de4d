//! A reader: reads at random, and checks what it sees.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Result;
use tokio::time::Instant;

use super::client::{Client, Rows};
use super::pace::{Phase, phase};
use super::registers::Of;
use super::round::Round;
use super::schema::{BIG_ROWS, OTHER_DATABASE};
use super::shapes::{Read, database_of, reads, reads_from_elsewhere};
use crate::random::Random;

/// Statements in front of the list, which are all that is read in a storm.
const STORMY: usize = 10;

/// One of so many reads is not waited for.
const VANISHING: usize = 3_000;

/// Percent of the reads that only fill the cache, where it is tight.
const FILLING: usize = 15;

/// Reads at random.
pub(super) struct Reader {
    round: Arc<Round>,
    name: String,
    database: &'static str,
    reads: Vec<Read>,
    random: Random,
    client: Option<Client>,
}

impl Reader {
    pub(super) fn new(round: Arc<Round>, number: usize) -> Self {
        let database = database_of(number);
        let reads = if database == OTHER_DATABASE {
            reads_from_elsewhere()
        } else {
            reads(round.common.kind, round.has_functions)
        };
        Self {
            name: format!("reader {number}"),
            database,
            reads,
            random: Random::of(round.common.seed, round.number_of(number)),
            client: None,
            round,
        }
    }

    pub(super) async fn run(mut self) {
        while !self.round.is_over() {
            if let Err(error) = self.read().await {
                let common = &self.round.common;
                common.failed(&error);
                let failed = &common.registers.failed_reads;
                failed.fetch_add(1, Ordering::Relaxed);
                self.client = None;
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        if self.random.below(VANISHING) == 0 {
            return self.vanish().await;
        }
        if self.round.is_tight && self.random.chance(FILLING) {
            let id = 1 + self.random.below(BIG_ROWS);
            let sql = format!("SELECT id, body FROM coherence.big WHERE id = {id}");
            self.client().await?.query(&sql).await?;
            return Ok(());
        }
        let place = self.choose();
        self.client().await?;
        let registers = &self.round.common.registers;
        let read = &self.reads[place];
        let floors = registers.floors();
        let began = Instant::now();
        let Some(client) = &mut self.client else {
            return Ok(());
        };
        let rows = send(client, read).await?;
        let of = Of {
            who: &self.name,
            statement: &read.sql,
            began,
        };
        registers.check(&floors, &read.expected, &rows, &of);
        Ok(())
    }

    /// The statements in front are chosen more often than those behind.
    fn choose(&mut self) -> usize {
        let reads = self.round.common.registers.reads.load(Ordering::Relaxed);
        if phase(reads) == Phase::Storm {
            return self.random.below(STORMY.min(self.reads.len()));
        }
        let limit = 1 + self.random.below(self.reads.len());
        self.random.below(limit)
    }

    async fn vanish(&mut self) -> Result<()> {
        let place = self.choose();
        let sql = self.reads[place].sql.clone();
        let client = self.client().await?;
        if !sql.contains('?') {
            client.send_only(&sql).await?;
        }
        self.client = None;
        Ok(())
    }

    async fn client(&mut self) -> Result<&mut Client> {
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::open(&self.round.endpoint, self.database).await?,
        };
        Ok(self.client.insert(client))
    }
}

pub(super) async fn send(client: &mut Client, read: &Read) -> Result<Rows> {
    match &read.values {
        Some(values) => client.execute(&read.sql, values).await,
        None => client.query(&read.sql).await,
    }
}
