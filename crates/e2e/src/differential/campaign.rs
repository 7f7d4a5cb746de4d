//! A run: scenario after scenario until enough programs were compared, or enough differences found.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{DatabaseKind, checkout};
use tokio::time::Instant;

use super::generate;
use super::repeat::repeat;
use super::report::Finding;
use super::shrink::shrink;
use super::stage::Stage;
use super::step::Scenario;
use super::world::{Through, World};

/// How often a long run says how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The database on both sides.
    pub kind: DatabaseKind,
    /// What is compared with direct connections.
    pub through: Through,
    /// Decides all programs.
    pub seed: u64,
    /// The number of the first scenario.
    pub from: u64,
    /// Programs to compare; the last scenario is run to its end.
    pub programs: usize,
    /// Sessions at a time.
    pub lanes: usize,
    /// Kinds of differences after which it ends.
    pub enough: usize,
    /// Ends the run although programs are left; what was compared by then counts.
    pub limit: Option<Duration>,
    /// Make what shows a difference smaller, and keep it in a file.
    pub shrink: bool,
    /// The tidegate has a cache, and programs read more than once.
    pub cache: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Programs that were compared.
    pub programs: usize,
    /// Replies that were compared.
    pub replies: usize,
    /// Replies among them that were errors, on direct connections.
    pub errors: usize,
    /// What differed, one for each kind.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub elapsed: Duration,
    /// What differed and is documented to, with how often it did.
    pub excused: BTreeMap<&'static str, usize>,
    /// Why tidegate kept connections for their sessions, as its metrics say.
    pub pins: Vec<String>,
    /// Reads that the cache answered, as it says.
    pub hits: u64,
    /// What became of the others, with how many.
    pub not_hit: BTreeMap<String, u64>,
}

impl Campaign {
    /// A run of this many programs, of one difference at most.
    pub fn new(kind: DatabaseKind, through: Through, seed: u64, programs: usize) -> Self {
        Self {
            kind,
            through,
            seed,
            from: 0,
            programs,
            lanes: 8,
            enough: 1,
            limit: None,
            shrink: true,
            cache: false,
        }
    }

    /// Runs it. `None`: the database is not installed, and the skip was written down.
    pub async fn run(&self, say: impl Fn(&str)) -> Result<Option<Summary>> {
        let Some(mut world) = World::start(self.kind, self.through.clone(), self.cache).await?
        else {
            return Ok(None);
        };
        let mut run = Run::new(self);
        let mut number = self.from;
        if self.cache {
            run.stage.build(&world, self.lanes).await?;
            world.restart().await?;
        }
        while run.summary.programs < self.programs
            && run.findings.len() < self.enough
            && !run.is_late()
        {
            let mut scenario = generate::scenario(self.kind, self.seed, number, self.lanes);
            if self.cache {
                repeat(&mut scenario, self.seed, number);
            }
            run.scenario(&mut world, number, &scenario, &say).await?;
            number += 1;
        }
        run.finish(&world).await.map(Some)
    }

    /// Runs one scenario that was kept in a file, as often as programs are wanted.
    pub async fn replay(&self, file: &PathBuf, say: impl Fn(&str)) -> Result<Option<Summary>> {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        let scenario: Scenario = serde_json::from_slice(&text)?;
        let Some(mut world) = World::start(self.kind, self.through.clone(), self.cache).await?
        else {
            return Ok(None);
        };
        let mut run = Run::new(self);
        let mut number = 0;
        while run.summary.programs < self.programs && run.findings.is_empty() {
            run.scenario(&mut world, number, &scenario, &say).await?;
            number += 1;
        }
        run.finish(&world).await.map(Some)
    }
}

struct Run<'a> {
    campaign: &'a Campaign,
    stage: Stage,
    summary: Summary,
    findings: Vec<Finding>,
    began: Instant,
    told: Instant,
}

impl<'a> Run<'a> {
    fn new(campaign: &'a Campaign) -> Self {
        Self {
            campaign,
            stage: Stage::default(),
            summary: Summary::default(),
            findings: Vec::new(),
            began: Instant::now(),
            told: Instant::now(),
        }
    }

    fn is_late(&self) -> bool {
        let limit = self.campaign.limit;
        limit.is_some_and(|limit| self.began.elapsed() > limit)
    }

    /// Counts a difference of a kind that was found before.
    fn is_known(&mut self, signature: &str) -> bool {
        let mut findings = self.findings.iter_mut();
        let known = findings.find(|finding| finding.also.contains(signature));
        if let Some(known) = known {
            known.count += 1;
            return true;
        }
        false
    }

    async fn scenario(
        &mut self,
        world: &mut World,
        number: u64,
        scenario: &Scenario,
        say: &impl Fn(&str),
    ) -> Result<()> {
        let played = self.stage.play(world, scenario).await?;
        self.summary.programs += scenario.programs.len();
        self.summary.replies += played.replies;
        self.summary.errors += played.errors;
        for (reason, count) in played.excused {
            *self.summary.excused.entry(reason).or_default() += count;
        }
        for difference in played.differences {
            if self.is_known(&difference.signature) {
                continue;
            }
            if self.findings.len() >= self.campaign.enough {
                break;
            }
            say(&format!("a difference: {}", difference.signature));
            let signature = difference.signature.clone();
            let mut finding = Finding::new(self.campaign, number, scenario, &difference);
            if self.campaign.shrink {
                let shrunk = shrink(world, &mut self.stage, scenario, &difference).await?;
                finding.make_smaller(&shrunk)?;
            }
            // What looked like another difference may be one that is known, once it is small.
            let mut others = self.findings.iter_mut();
            if let Some(known) = others.find(|known| known.signature == finding.signature) {
                known.count += 1;
                known.also.insert(signature);
                continue;
            }
            say(&finding.text);
            finding.also.insert(signature);
            self.findings.push(finding);
        }
        world.check()?;
        if self.told.elapsed() > PROGRESS {
            self.told = Instant::now();
            let Summary {
                programs, replies, ..
            } = self.summary;
            say(&format!(
                "{}: {programs} of {} programs, {replies} replies, {} kinds of differences, {} s",
                world.kind(),
                self.campaign.programs,
                self.findings.len(),
                self.began.elapsed().as_secs()
            ));
        }
        Ok(())
    }

    async fn finish(mut self, world: &World) -> Result<Summary> {
        let metrics = world.metrics().await?;
        let pins = metrics.lines().filter(|line| line.contains("pin"));
        self.summary.pins = pins
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        (self.summary.hits, self.summary.not_hit) = world.cached().await?;
        self.summary.findings = self.findings;
        self.summary.elapsed = self.began.elapsed();
        Ok(self.summary)
    }
}

/// Where scenarios that show differences are kept.
pub(super) fn folder() -> PathBuf {
    checkout().join("target/differential")
}
