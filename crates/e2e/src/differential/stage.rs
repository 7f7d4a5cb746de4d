//! Runs scenarios: lanes at once, the programs of a lane after each other, each on both sides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Result;
use mysql_proto::Capabilities;
use tokio::task::JoinHandle;

use super::compare::{Difference, Verdict, compare, stuck};
use super::exceptions::Reason;
use super::play::play;
use super::reply::Reply;
use super::schema;
use super::step::{Ending, Login, Program, Scenario, Step};
use super::world::{Keeper, World};
use crate::Endpoint;

/// Noisy sessions, and the first of their lanes, which no program has.
const NOISE: usize = 3;
const FIRST_NOISY_LANE: usize = 90;

/// What a noisy session does, over and over: it moves every kind of state that belongs to others.
const NOISY: [&str; 12] = [
    "INSERT INTO journal (note) VALUES ('noise')",
    "SELECT 1/0",
    "SELECT SQL_CALC_FOUND_ROWS id FROM kind LIMIT 1",
    "SELECT * FROM missing",
    "INSERT INTO item (n, s) VALUES (5, 'noise') ON DUPLICATE KEY UPDATE s = 'louder noise'",
    "SET @a = 'noise', @b = 'noise'",
    "SET sql_mode = 'ANSI_QUOTES', time_zone = '+03:00', group_concat_max_len = 5",
    "BEGIN",
    "INSERT INTO journal (note) VALUES ('noise in a transaction')",
    "ROLLBACK",
    "SET NAMES latin1",
    "SET sql_mode = DEFAULT, time_zone = DEFAULT",
];

/// The lanes, kept between scenarios.
#[derive(Debug, Default)]
pub(super) struct Stage {
    lanes: Vec<Option<Lane>>,
    noisy: bool,
}

#[derive(Debug)]
struct Lane {
    keeper: Keeper,
    /// Its tables are as they were made, whatever rows they have.
    is_whole: bool,
}

/// What came of a scenario.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) differences: Vec<Difference>,
    /// Replies that were compared.
    pub(super) replies: usize,
    /// Those of them that were errors.
    pub(super) errors: usize,
    /// Differences that are no faults, by their reasons.
    pub(super) excused: BTreeMap<Reason, usize>,
}

impl Stage {
    /// Plays a scenario.
    pub(super) async fn play(&mut self, world: &World, scenario: &Scenario) -> Result<Played> {
        let noise = if scenario.noise {
            Some(self.start_noise(world, scenario).await?)
        } else {
            None
        };
        let mut lanes = Vec::new();
        let count = scenario.programs.iter().map(|one| one.lane + 1).max();
        for number in 0..count.unwrap_or_default() {
            let programs: Vec<(usize, Program)> = scenario
                .programs
                .iter()
                .enumerate()
                .filter(|(_, program)| program.lane == number)
                .map(|(place, program)| (place, program.clone()))
                .collect();
            if programs.is_empty() {
                continue;
            }
            let lane = self.take(world, number).await?;
            let sides = (world.direct(), world.through());
            lanes.push((number, tokio::spawn(perform(lane, number, programs, sides))));
        }
        let mut played = Played::default();
        for (number, task) in lanes {
            let (lane, part) = task.await?;
            self.lanes[number] = Some(lane);
            played.differences.extend(part.differences);
            played.replies += part.replies;
            played.errors += part.errors;
            for (reason, count) in part.excused {
                *played.excused.entry(reason).or_default() += count;
            }
        }
        if let Some(noise) = noise {
            noise.stop().await?;
        }
        Ok(played)
    }

    /// Makes the tables of lanes before the edge is there that is to know them.
    pub(super) async fn build(&mut self, world: &World, lanes: usize) -> Result<()> {
        for number in 0..lanes {
            let mut lane = self.take(world, number).await?;
            lane.prepare(number, &world.through()).await?;
            self.lanes[number] = Some(lane);
        }
        Ok(())
    }

    /// The lane of this number, for a task of its own.
    async fn take(&mut self, world: &World, number: usize) -> Result<Lane> {
        while self.lanes.len() <= number {
            self.lanes.push(None);
        }
        match self.lanes[number].take() {
            Some(lane) => Ok(lane),
            None => Ok(Lane {
                keeper: world.keeper().await?,
                is_whole: false,
            }),
        }
    }

    async fn start_noise(&mut self, world: &World, scenario: &Scenario) -> Result<Noise> {
        if !self.noisy {
            let mut keeper = world.keeper().await?;
            for number in 0..NOISE {
                keeper
                    .build(FIRST_NOISY_LANE + number, &world.through())
                    .await?;
            }
            self.noisy = true;
        }
        let capabilities = scenario.programs.first().map(|one| one.login.capabilities);
        let capabilities = capabilities.unwrap_or(Capabilities::DEPRECATE_EOF.bits());
        Ok(Noise::start(&world.through(), capabilities).await)
    }
}

/// Plays the programs of a lane, and gives the lane back.
async fn perform(
    mut lane: Lane,
    number: usize,
    programs: Vec<(usize, Program)>,
    (direct, through): (Endpoint, Endpoint),
) -> (Lane, Played) {
    let mut played = Played::default();
    let kind = lane.keeper.kind();
    for (place, program) in programs {
        if let Err(error) = lane.prepare(number, &through).await {
            played.differences.push(stuck(place, &error));
            lane.is_whole = false;
            break;
        }
        let (expected, seen) = tokio::join!(play(&program, &direct), play(&program, &through));
        let which = (place, &program);
        let verdict = compare(kind, which, &expected, &seen, &mut played.excused);
        lane.is_whole = !program.rebuild && matches!(verdict, Verdict::Equal);
        if let Verdict::Differs(difference) = verdict {
            played.differences.push(difference);
        }
        let replies = || expected.0.iter().flatten();
        played.replies += replies().count();
        played.errors += replies().filter(|reply| Reply::is_error(reply)).count();
    }
    (lane, played)
}

impl Lane {
    async fn prepare(&mut self, number: usize, through: &Endpoint) -> Result<()> {
        if self.is_whole {
            return self.keeper.refill(number, through).await;
        }
        self.keeper.build(number, through).await?;
        self.is_whole = true;
        Ok(())
    }
}

/// Sessions that keep the pool busy.
struct Noise {
    is_over: Arc<AtomicBool>,
    sessions: Vec<JoinHandle<()>>,
}

impl Noise {
    /// Returns once each session has been through its statements.
    async fn start(through: &Endpoint, capabilities: u64) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let ready = Arc::new(AtomicUsize::new(0));
        let sessions = (0..NOISE).map(|number| {
            let program = noisy(FIRST_NOISY_LANE + number, number, capabilities);
            let (through, is_over, ready) =
                (through.clone(), Arc::clone(&is_over), Arc::clone(&ready));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    play(&program, &through).await;
                    ready.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        let sessions = sessions.collect();
        while ready.load(Ordering::Relaxed) < NOISE {
            tokio::task::yield_now().await;
        }
        Self { is_over, sessions }
    }

    async fn stop(self) -> Result<()> {
        self.is_over.store(true, Ordering::Relaxed);
        for session in self.sessions {
            session.await?;
        }
        Ok(())
    }
}

fn noisy(lane: usize, rotation: usize, capabilities: u64) -> Program {
    let statements = NOISY.iter().cycle().skip(rotation * 4).take(NOISY.len());
    Program {
        lane,
        login: Login {
            database: Some(schema::database(lane)),
            collation: 45,
            capabilities,
        },
        steps: statements
            .map(|sql| Step::Query((*sql).to_owned()))
            .collect(),
        ending: Ending::Quit,
        rebuild: false,
    }
}
