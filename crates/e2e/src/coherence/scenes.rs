//! The moments at which a cache goes wrong that leaves out a step, each arranged on purpose: the
//! gate holds back, cuts or delays just the packet that matters. They run one after the other, on a
//! table of their own, while everybody else reads and writes.
//!
//! Each begins with a read that is kept, `A`; other texts on the same row are misses, and so show
//! what the origin has.

mod sessions;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::client::Client;
use super::gate::Treatment;
use super::registers::{Expected, Of};
use super::round::Round;
use super::schema::{DATABASE, STAGE};

/// What is arranged comes soon, or not at all.
const SOON: Duration = Duration::from_secs(2);

/// Longer than the origin needs for a statement on one row.
const A_MOMENT: Duration = Duration::from_millis(25);

/// How long a packet is held.
const HELD: Duration = Duration::from_millis(150);

/// How long a command is on its way that arrives after its connection is gone, and how long a scene
/// goes on looking after it.
const LATE: Duration = Duration::from_millis(600);
const LOOKED_AT: Duration = Duration::from_secs(1);

/// The age after which [`KEPT_SHORTLY`] is fetched again.
const SHORT_AGE: Duration = Duration::from_millis(1_100);

/// `A`.
const KEPT: &str = "SELECT id, v, c FROM stage WHERE id = 13 /* kept */";

/// `A` of the scene in which an old result is fetched again while it is shown.
const KEPT_SHORTLY: &str =
    "SELECT /* tidegate: max_age=1, swr=15 */ id, v, c FROM stage WHERE id = 13";

/// How a scene writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// One statement.
    Update,
    /// A transaction, of which the COMMIT is treated.
    Transaction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    /// A write, then a read.
    ReadAfterWrite(Writing),
    /// The answer to a commit is slow: others see the new value before its writer is told.
    SlowCommit(Writing),
    /// The answer to a read is slow: it is old when it comes.
    SlowRead,
    /// The same for a read that refreshes what is kept.
    SlowRefresh,
    /// The connection is lost after a commit went out, which arrives later.
    LateCommit(Writing),
    /// The connection is lost after a commit went out, before the answer.
    CutCommit(Writing),
    /// The client is gone when its write is done.
    GoneWriter(Writing),
    /// The client whose read others wait for is gone.
    GoneReader,
    /// The answer to a read that others wait for takes so long that one of them asks as well.
    OverdueRead,
    /// A session goes on after its write was lost: it reads, or writes and reads.
    GoesOn { writes: bool },
    /// A session writes to a table after it has gone to another database in the same text.
    OtherDatabase,
}

const SCENES: [Scene; 17] = [
    Scene::ReadAfterWrite(Writing::Update),
    Scene::SlowCommit(Writing::Update),
    Scene::SlowRead,
    Scene::LateCommit(Writing::Transaction),
    Scene::ReadAfterWrite(Writing::Transaction),
    Scene::SlowCommit(Writing::Transaction),
    Scene::CutCommit(Writing::Update),
    Scene::SlowRefresh,
    Scene::GoneWriter(Writing::Update),
    Scene::GoneReader,
    Scene::LateCommit(Writing::Update),
    Scene::CutCommit(Writing::Transaction),
    Scene::GoneWriter(Writing::Transaction),
    Scene::GoesOn { writes: false },
    Scene::OtherDatabase,
    Scene::GoesOn { writes: true },
    Scene::OverdueRead,
];

/// Plays scenes.
pub(super) struct Scenes {
    round: Arc<Round>,
    /// Of the next statement that nobody has sent before.
    number: u64,
}

impl Scenes {
    pub(super) fn new(round: Arc<Round>) -> Self {
        let number = round.number * 1_000_000;
        Self { round, number }
    }

    pub(super) async fn run(mut self) {
        for scene in SCENES.into_iter().cycle() {
            if self.round.is_over() {
                return;
            }
            match self.play(scene).await {
                Ok(()) => {
                    self.round.common.scenes.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    let error = error.context(format!("{scene:?}"));
                    self.round.common.failed(&error);
                }
            }
            self.round.common.gate.clear();
        }
    }

    async fn play(&mut self, scene: Scene) -> Result<()> {
        match scene {
            Scene::ReadAfterWrite(writing) => self.read_after_write(writing).await,
            Scene::SlowCommit(writing) => self.slow_commit(writing).await,
            Scene::SlowRead => self.slow_read(KEPT).await,
            Scene::SlowRefresh => {
                self.read(KEPT_SHORTLY).await?;
                self.round.sleep(SHORT_AGE).await;
                self.slow_read(KEPT_SHORTLY).await
            }
            Scene::LateCommit(writing) => self.lost(writing, Treatment::Late(LATE)).await,
            Scene::CutCommit(writing) => self.lost(writing, Treatment::CutAfter).await,
            Scene::GoneWriter(writing) => self.gone_writer(writing).await,
            Scene::GoneReader => self.gone_reader().await,
            Scene::OverdueRead => self.overdue_read().await,
            Scene::GoesOn { writes } => self.goes_on(writes).await,
            Scene::OtherDatabase => self.other_database().await,
        }
    }

    async fn read_after_write(&mut self, writing: Writing) -> Result<()> {
        let mut reader = self.with_kept().await?;
        let (write, _) = self.write(writing, None);
        write.await?;
        for _ in 0..3 {
            self.read_by(&mut reader, KEPT).await?;
        }
        Ok(())
    }

    async fn slow_commit(&mut self, writing: Writing) -> Result<()> {
        let mut reader = self.with_kept().await?;
        let (write, came) = self.write(writing, Some(Treatment::HoldAnswer(HELD)));
        came.await;
        for _ in 0..3 {
            sleep(A_MOMENT).await;
            self.miss(&mut reader).await?;
            self.read_by(&mut reader, KEPT).await?;
        }
        write.await?;
        self.read_by(&mut reader, KEPT).await
    }

    /// For both a read that is new and one that refreshes.
    async fn slow_read(&mut self, text: &'static str) -> Result<()> {
        let mut reader = Client::open(&self.round.endpoint, DATABASE).await?;
        if text == KEPT {
            // What is kept goes, so that the next read is a miss.
            self.write(Writing::Update, None).0.await?;
        }
        let came = self.arrange(text, Treatment::HoldAnswer(HELD));
        let slow = self.spawn_read(text);
        came.await;
        sleep(A_MOMENT).await;
        self.write(Writing::Update, None).0.await?;
        // It waits for the same, and began after the write.
        self.read_by(&mut reader, text).await?;
        slow.await?;
        for _ in 0..3 {
            self.read_by(&mut reader, text).await?;
            sleep(A_MOMENT).await;
        }
        self.miss(&mut reader).await?;
        self.read_by(&mut reader, text).await
    }

    /// The connection of a commit is lost; what becomes of it shows later, if at all.
    async fn lost(&mut self, writing: Writing, treatment: Treatment) -> Result<()> {
        let mut reader = self.with_kept().await?;
        let (write, came) = self.write(writing, Some(treatment));
        came.await;
        write.await?;
        let until = match treatment {
            Treatment::Late(_) => Instant::now() + LATE + LOOKED_AT,
            _ => Instant::now() + HELD,
        };
        while Instant::now() < until && !self.round.is_over() {
            self.read_by(&mut reader, KEPT).await?;
            sleep(A_MOMENT).await;
            self.miss(&mut reader).await?;
            self.read_by(&mut reader, KEPT).await?;
        }
        Ok(())
    }

    async fn gone_writer(&mut self, writing: Writing) -> Result<()> {
        let mut reader = self.with_kept().await?;
        let (write, came) = self.write(writing, Some(Treatment::HoldAnswer(HELD)));
        came.await;
        // The client's connection ends with its task.
        write.abort();
        for _ in 0..12 {
            sleep(A_MOMENT).await;
            self.miss(&mut reader).await?;
            self.read_by(&mut reader, KEPT).await?;
        }
        Ok(())
    }

    async fn gone_reader(&mut self) -> Result<()> {
        let mut reader = Client::open(&self.round.endpoint, DATABASE).await?;
        self.write(Writing::Update, None).0.await?;
        let came = self.arrange(KEPT, Treatment::HoldAnswer(HELD));
        let gone = self.spawn_read(KEPT);
        came.await;
        let waiting = self.spawn_read(KEPT);
        gone.abort();
        self.write(Writing::Update, None).0.await?;
        self.read_by(&mut reader, KEPT).await?;
        waiting.await?;
        self.read_by(&mut reader, KEPT).await
    }

    /// A reader by whose reads `A` is kept now.
    async fn with_kept(&self) -> Result<Client> {
        let mut reader = Client::open(&self.round.endpoint, DATABASE).await?;
        for _ in 0..3 {
            self.read_by(&mut reader, KEPT).await?;
        }
        Ok(reader)
    }

    /// Begins to write. The second future waits until the treated packet has come to the gate.
    fn write(
        &mut self,
        writing: Writing,
        treatment: Option<Treatment>,
    ) -> (JoinHandle<()>, impl Future<Output = ()> + use<>) {
        self.number += 1;
        let mark = format!("/* scene {} */", self.number);
        let came = treatment.map(|treatment| self.arrange(&mark, treatment));
        let writing = write(Arc::clone(&self.round), writing, mark);
        let came = async move {
            if let Some(came) = came {
                came.await;
            }
        };
        (tokio::spawn(writing), came)
    }

    fn arrange(&self, text: &str, treatment: Treatment) -> impl Future<Output = ()> + use<> {
        let came = self.round.common.gate.arrange(text, treatment);
        async move {
            // It does not come where nothing goes wrong without it, as for a hit.
            timeout(SOON, came).await.ok();
        }
    }

    fn spawn_read(&self, text: &'static str) -> JoinHandle<()> {
        let round = Arc::clone(&self.round);
        tokio::spawn(async move {
            if let Err(error) = read_once(&round, text).await {
                round.common.failed(&error);
            }
        })
    }

    async fn read(&self, text: &str) -> Result<()> {
        read_once(&self.round, text).await
    }

    /// A read that nobody has made before, of the same row.
    async fn miss(&mut self, reader: &mut Client) -> Result<()> {
        self.number += 1;
        let n = self.number;
        let text = format!("SELECT id, v, c FROM stage WHERE id = {STAGE} AND {n} = {n}");
        self.read_by(reader, &text).await
    }

    async fn read_by(&self, reader: &mut Client, text: &str) -> Result<()> {
        read(&self.round, reader, text).await
    }
}

async fn read_once(round: &Round, text: &str) -> Result<()> {
    let mut reader = Client::open(&round.endpoint, DATABASE).await?;
    read(round, &mut reader, text).await
}

async fn read(round: &Round, reader: &mut Client, text: &str) -> Result<()> {
    read_row(round, reader, text, STAGE).await
}

async fn read_row(round: &Round, reader: &mut Client, text: &str, id: usize) -> Result<()> {
    let registers = &round.common.registers;
    let floors = registers.floors();
    let began = Instant::now();
    let rows = reader.query(text).await?;
    let expected = Expected {
        ids: vec![id],
        sums: false,
    };
    let of = Of {
        who: "a scene",
        statement: text,
        began,
    };
    registers.check(&floors, &expected, &rows, &of);
    Ok(())
}

/// Writes a value to a row of the table of the default database.
fn update(id: usize, v: i64) -> String {
    format!("UPDATE stage SET v = {v}, c = {v} * 31 + id WHERE id = {id} AND v < {v}")
}

/// Writes the next value; the last statement has the mark.
async fn write(round: Arc<Round>, writing: Writing, mark: String) {
    let registers = &round.common.registers;
    let turn = registers.turn(&[STAGE], false).await;
    let update = update(STAGE, turn.value);
    let statements = match writing {
        Writing::Update => vec![format!("{update} {mark}")],
        Writing::Transaction => vec!["BEGIN".to_owned(), update, format!("COMMIT {mark}")],
    };
    let began = Instant::now();
    let outcome = async {
        let mut client = Client::open(&round.endpoint, DATABASE).await?;
        for sql in &statements {
            client.query(sql).await?;
        }
        anyhow::Ok(())
    };
    match outcome.await {
        Ok(()) => {
            turn.acknowledged();
            turn.note("a scene", began, "acknowledged");
        }
        Err(error) => {
            round.common.failed(&error);
            registers.failed_writes.fetch_add(1, Ordering::Relaxed);
            turn.note("a scene", began, &format!("{error:#}"));
        }
    }
}
