//! Makes a scenario that shows a difference as small as it gets.
//!
//! Each candidate runs against a tidegate of its own, whose pool is empty: otherwise a connection
//! that was spoiled once would show the difference for ever after.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::compare::Difference;
use super::stage::Stage;
use super::step::{Ending, Program, Scenario};
use super::world::World;

/// Longest that one difference is worked on; what is smallest by then is good enough.
const LIMIT: Duration = Duration::from_secs(90);

/// The smallest scenario that was found, and what it shows.
#[derive(Debug)]
pub(super) struct Shrunk {
    pub(super) scenario: Scenario,
    pub(super) difference: Difference,
    /// False: it did not happen again.
    pub(super) happened_again: bool,
}

struct Shrinker<'a> {
    world: &'a mut World,
    stage: &'a mut Stage,
    deadline: Instant,
    /// Runs of a candidate before it counts as one that shows nothing.
    tries: u32,
    best: Scenario,
    difference: Difference,
}

/// Shrinks.
pub(super) async fn shrink(
    world: &mut World,
    stage: &mut Stage,
    scenario: &Scenario,
    difference: &Difference,
) -> Result<Shrunk> {
    let mut shrinker = Shrinker {
        world,
        stage,
        deadline: Instant::now() + LIMIT,
        tries: 2,
        best: scenario.clone(),
        difference: difference.clone(),
    };
    let happened_again = shrinker.begin(scenario, difference).await?;
    if happened_again {
        shrinker.reduce().await?;
    }
    let Shrinker {
        best, difference, ..
    } = shrinker;
    shrinker.world.restart().await?;
    Ok(Shrunk {
        scenario: best,
        difference,
        happened_again,
    })
}

impl Shrinker<'_> {
    /// Finds out what is needed: the program alone, other sessions, or just these other sessions.
    async fn begin(&mut self, scenario: &Scenario, difference: &Difference) -> Result<bool> {
        let mut program = scenario.programs[difference.program].clone();
        if difference.step > 0 && difference.step <= program.steps.len() {
            program.steps.truncate(difference.step);
            program.ending = Ending::Quit;
        }
        let mut alone = Scenario {
            programs: vec![program],
            noise: false,
        };
        if self.shows(&alone).await? {
            return Ok(true);
        }
        alone.noise = true;
        self.tries = 4;
        if self.shows(&alone).await? {
            return Ok(true);
        }
        self.shows(scenario).await
    }

    async fn reduce(&mut self) -> Result<()> {
        loop {
            let before = self.best.clone();
            self.drop_programs().await?;
            for place in 0..self.best.programs.len() {
                self.drop_steps(place).await?;
            }
            self.simplify_rest().await?;
            if self.best == before || Instant::now() > self.deadline {
                return Ok(());
            }
        }
    }

    async fn drop_programs(&mut self) -> Result<()> {
        let mut chunk = self.best.programs.len() / 2;
        while chunk > 0 {
            let mut from = 0;
            while from < self.best.programs.len() && self.best.programs.len() > 1 {
                let mut candidate = self.best.clone();
                let to = (from + chunk).min(candidate.programs.len());
                candidate.programs.drain(from..to);
                if candidate.programs.is_empty() || !self.shows(&candidate).await? {
                    from += chunk;
                }
            }
            chunk /= 2;
        }
        Ok(())
    }

    async fn drop_steps(&mut self, place: usize) -> Result<()> {
        let mut chunk = self.best.programs[place].steps.len().div_ceil(2);
        while chunk > 0 {
            let mut from = 0;
            while from < self.best.programs[place].steps.len() {
                let mut candidate = self.best.clone();
                let steps = &mut candidate.programs[place].steps;
                let to = (from + chunk).min(steps.len());
                steps.drain(from..to);
                if !self.shows(&candidate).await? {
                    from += chunk;
                }
            }
            chunk /= 2;
        }
        Ok(())
    }

    /// What is not steps: endings and logins.
    async fn simplify_rest(&mut self) -> Result<()> {
        let simpler: [fn(&mut Program); 3] = [
            |program| program.ending = Ending::Quit,
            |program| program.login.collation = 45,
            |program| program.login.capabilities = 0,
        ];
        for simplify in simpler {
            let mut candidate = self.best.clone();
            candidate.programs.iter_mut().for_each(simplify);
            if candidate != self.best {
                self.shows(&candidate).await?;
            }
        }
        Ok(())
    }

    /// True when a candidate shows a difference: it is the best then.
    async fn shows(&mut self, candidate: &Scenario) -> Result<bool> {
        for _ in 0..self.tries {
            if Instant::now() > self.deadline {
                return Ok(false);
            }
            self.world.restart().await?;
            let played = self.stage.play(self.world, candidate).await?;
            if let Some(difference) = played.differences.into_iter().next() {
                self.best = candidate.clone();
                self.difference = difference;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
