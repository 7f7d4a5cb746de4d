//! Whoever changes definitions while the rest reads and writes: tables that are truncated, altered
//! and renamed, views that come to show something else, indexes and columns that come and go.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use testkit::{Database, DatabaseKind};
use tokio::time::Instant;

use super::client::Client;
use super::registers::FIRST;
use super::round::Round;
use super::schema::{DATABASE, PRESENT, SHAPED, SHOWN, SIDE};
use crate::random::Random;

/// Tells its number from those of others.
const NUMBER: usize = 300;

/// Between two changes. More often, and nothing would be kept for long.
const PAUSE: usize = 3_000;

/// Changes definitions.
pub(super) struct Definitions {
    round: Arc<Round>,
    random: Random,
    client: Option<Client>,
    kind: DatabaseKind,
}

impl Definitions {
    pub(super) fn new(round: Arc<Round>, origin: &Database) -> Self {
        Self {
            random: Random::of(round.common.seed, round.number_of(NUMBER)),
            client: None,
            kind: origin.kind(),
            round,
        }
    }

    pub(super) async fn run(mut self) {
        let round = Arc::clone(&self.round);
        let mut turn = self.random.below(7);
        while !round.is_over() {
            let pause = u64::try_from(self.random.below(2 * PAUSE)).unwrap_or_default();
            round.sleep(Duration::from_millis(pause)).await;
            turn += 1;
            let began = Instant::now();
            match self.change(turn % 7).await {
                Ok(()) => {
                    round.common.definitions.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    let error = error.context(format!("a definition, {:?}", began.elapsed()));
                    round.common.failed(&error);
                    self.client = None;
                }
            }
        }
    }

    async fn change(&mut self, which: usize) -> Result<()> {
        match which {
            0 => self.truncate().await,
            1 => self.show_another().await,
            2 => self.rename().await,
            3 if self.kind != DatabaseKind::Tidb => self.shape().await,
            4 => {
                self.come_and_go(
                    "CREATE INDEX by_value ON register (v)",
                    "DROP INDEX by_value ON register",
                )
                .await
            }
            5 => {
                self.come_and_go(
                    "ALTER TABLE register ADD COLUMN extra BIGINT NULL",
                    "ALTER TABLE register DROP COLUMN extra",
                )
                .await
            }
            _ => {
                self.run_all(&[
                    "CREATE OR REPLACE VIEW seen AS SELECT id, v, c FROM register WHERE id > 0"
                        .to_owned(),
                ])
                .await
            }
        }
    }

    /// Empties a table, and fills it again.
    async fn truncate(&mut self) -> Result<()> {
        let round = Arc::clone(&self.round);
        let mut turn = round.common.registers.turn(&[SIDE], false).await;
        turn.removes();
        let sql = if self.random.chance(70) {
            "TRUNCATE TABLE side"
        } else {
            "DELETE FROM side"
        };
        self.run_all(&[sql.to_owned()]).await?;
        turn.acknowledged();
        turn.take_next(false);
        let v = turn.value;
        let insert = format!("INSERT INTO side VALUES ({SIDE}, {v}, {v} * 31 + {SIDE})");
        self.run_all(&[insert]).await?;
        turn.acknowledged();
        Ok(())
    }

    /// Writes into the table that a view does not show, and has it show that one.
    async fn show_another(&mut self) -> Result<()> {
        let round = Arc::clone(&self.round);
        let turn = round.common.registers.turn(&[SHOWN], false).await;
        // The one that is not shown has a lower value than the one that is.
        let hidden = self.lower("left_side", "right_side").await?;
        let v = turn.value;
        self.run_all(&[
            format!("UPDATE {hidden} SET v = {v} WHERE id = {SHOWN}"),
            format!("CREATE OR REPLACE VIEW shown AS SELECT id, v FROM {hidden}"),
        ])
        .await?;
        turn.acknowledged();
        Ok(())
    }

    /// The table of the two whose row has the lower value, by a statement that nobody caches.
    async fn lower(&mut self, one: &'static str, other: &'static str) -> Result<&'static str> {
        let client = self.client().await?;
        client.query("BEGIN").await?;
        let value = async |client: &mut Client, table: &str| {
            let rows = client.query(&format!("SELECT v FROM {table}")).await?;
            anyhow::Ok(rows.first().and_then(|row| row.first().copied()))
        };
        let (of_one, of_other) = (value(client, one).await?, value(client, other).await?);
        client.query("COMMIT").await?;
        Ok(if of_one <= of_other { one } else { other })
    }

    /// Writes into the table that is next, and puts it in the place of the present one.
    async fn rename(&mut self) -> Result<()> {
        let round = Arc::clone(&self.round);
        let turn = round.common.registers.turn(&[PRESENT], false).await;
        let v = turn.value;
        self.run_all(&[
            format!("UPDATE next_one SET v = {v} WHERE id = {PRESENT}"),
            "RENAME TABLE present TO spare, next_one TO present, spare TO next_one".to_owned(),
        ])
        .await?;
        turn.acknowledged();
        Ok(())
    }

    /// Puts a column with another default in the place of the one that is there.
    async fn shape(&mut self) -> Result<()> {
        let round = Arc::clone(&self.round);
        let turn = round.common.registers.turn(&[SHAPED], false).await;
        let v = turn.value;
        let client = self.client().await?;
        client.query("BEGIN").await?;
        let rows = client.query("SELECT * FROM shaped").await?;
        client.query("COMMIT").await?;
        let old = rows.first().and_then(|row| row.get(1).copied());
        let old = old.unwrap_or(FIRST);
        self.run_all(&[format!(
            "ALTER TABLE shaped DROP COLUMN v{old}, ADD COLUMN v{v} BIGINT NOT NULL DEFAULT {v}"
        )])
        .await?;
        turn.acknowledged();
        Ok(())
    }

    async fn come_and_go(&mut self, come: &str, go: &str) -> Result<()> {
        self.run_all(&[come.to_owned(), go.to_owned()]).await
    }

    async fn run_all(&mut self, statements: &[String]) -> Result<()> {
        let client = self.client().await?;
        for sql in statements {
            client.query(sql).await?;
        }
        Ok(())
    }

    async fn client(&mut self) -> Result<&mut Client> {
        let client = match self.client.take() {
            Some(client) => client,
            None => Client::open(&self.round.endpoint, DATABASE).await?,
        };
        Ok(self.client.insert(client))
    }
}
