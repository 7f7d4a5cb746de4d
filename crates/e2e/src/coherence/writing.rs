//! A writer: takes a row's turn and its next value, and writes it in one of the ways.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Result;
use testkit::DatabaseKind;
use tokio::time::Instant;

use super::client::Client;
use super::pace::{self, Phase, phase};
use super::registers::{TWINS, Turn};
use super::round::Round;
use super::schema::{DATABASE, LOOSE, OWNED};
use super::ways::{SET_PREPARED, Step, Way, Ways, file, filled};
use crate::random::Random;

/// Tells the numbers of writers from those of readers.
const FIRST_NUMBER: usize = 100;

/// Percent of the writes of an opaque way that are made, where definitions change.
const OPAQUE: usize = 25;

/// Writes at random.
pub(super) struct Writer {
    round: Arc<Round>,
    ways: Ways,
    random: Random,
    client: Option<Client>,
}

/// How a write went, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Acknowledged,
    /// Nobody waited, or nothing was to be committed.
    Silent,
}

impl Writer {
    pub(super) fn new(round: Arc<Round>, number: usize) -> Self {
        let number = round.number_of(FIRST_NUMBER + number);
        Self {
            ways: Ways::of(round.common.kind, round.has_functions),
            random: Random::of(round.common.seed, number),
            client: None,
            round,
        }
    }

    pub(super) async fn run(mut self) {
        let round = Arc::clone(&self.round);
        let registers = &round.common.registers;
        while !round.is_over() {
            pace::wait(&registers.reads, &round.is_over, &mut self.random).await;
            if let Err(error) = self.write().await {
                round.common.failed(&error);
                registers.failed_writes.fetch_add(1, Ordering::Relaxed);
                // What it was in the middle of is undone, as by any client that leaves.
                self.client = None;
            }
        }
    }

    async fn write(&mut self) -> Result<()> {
        let (ids, way) = self.choose();
        if self.client.is_none() {
            self.client = Some(Client::open(&self.round.endpoint, DATABASE).await?);
        }
        let round = Arc::clone(&self.round);
        let mut turn = round.common.registers.turn(ids, way.never).await;
        let began = Instant::now();
        let outcome = self.perform(&mut turn, ids, &way).await;
        let text = match &outcome {
            Ok(Outcome::Acknowledged) => "acknowledged".to_owned(),
            Ok(Outcome::Silent) if way.never => "rolled back".to_owned(),
            Ok(Outcome::Silent) => "not waited for".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        turn.note(way.name, began, &text);
        outcome.map(|_| ())
    }

    fn choose(&mut self) -> (&'static [usize], Way) {
        let reads = self.round.common.registers.reads.load(Ordering::Relaxed);
        if phase(reads) == Phase::Quiet {
            let has_loose = self.round.common.kind != DatabaseKind::Tidb;
            match self.random.below(8) {
                0 => return (&[OWNED], *self.random.pick(&self.ways.owned)),
                1 if has_loose => return (&[LOOSE], *self.random.pick(&self.ways.loose)),
                _ => {}
            }
        }
        let rows: &[&'static [usize]] = match phase(reads) {
            Phase::Quiet => &[&[1], &[2], &[3], &[4], &TWINS],
            Phase::Storm => &[&[1], &TWINS],
        };
        let ids = *self.random.pick(rows);
        loop {
            let way = *self.random.pick(&self.ways.register);
            let is_wanted = self.round.has_definitions && self.random.chance(OPAQUE);
            if !way.is_opaque || is_wanted {
                return (ids, way);
            }
        }
    }

    async fn perform(&mut self, turn: &mut Turn<'_>, ids: &[usize], way: &Way) -> Result<Outcome> {
        let mut is_known = false;
        for step in way.steps {
            let Some(client) = &mut self.client else {
                break;
            };
            let fill = |text: &str, value: i64| filled(text, ids, value, value.unsigned_abs());
            match step {
                Step::Text(text) => {
                    client.query(&fill(text, turn.value)).await?;
                }
                Step::Execute => {
                    let v = turn.value;
                    let [one, other] = [ids.first(), ids.last()].map(|id| {
                        let id = id.copied().unwrap_or_default();
                        i64::try_from(id).unwrap_or_default()
                    });
                    client.execute(SET_PREPARED, &[v, v, one, other, v]).await?;
                }
                Step::Load(text) => {
                    client.load(text, &file(ids, turn.value)).await?;
                }
                Step::SendAndVanish(text) => {
                    client.send_only(&fill(text, turn.value)).await?;
                    self.client = None;
                    return Ok(Outcome::Silent);
                }
                Step::Vanish => {
                    self.client = None;
                    return Ok(Outcome::Silent);
                }
                Step::TakeNext => turn.take_next(false),
                Step::Known => {
                    turn.acknowledged();
                    is_known = true;
                }
            }
        }
        if turn.is_never() {
            return Ok(Outcome::Silent);
        }
        if !is_known {
            turn.acknowledged();
        }
        Ok(Outcome::Acknowledged)
    }
}
