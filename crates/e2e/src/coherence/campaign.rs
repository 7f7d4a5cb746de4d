//! A run: rounds of one edge each, until enough was read, enough is wrong, or time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use testkit::{Database, DatabaseKind};
use tokio::time::Instant;

use super::gate::Gate;
use super::report::Summary;
use super::round::{Common, Figures, POOL, Round, SETTINGS, Setting};
use super::schema::{self, DATABASE, OTHER_DATABASE};
use crate::{Endpoint, Path, PathBuilder};

/// Reads of a round, where more than one round of each kind is to be had.
const LONG_ROUND: u64 = 60_000;

/// A round takes no longer, however few reads there are.
const LONG_ROUND_TIME: Duration = Duration::from_secs(30);

/// Rounds of a short run: one of each kind.
const ROUNDS: u64 = 5;

/// One read in so many may fail: connections are cut all the time.
const MOST_FAILED: u64 = 10;

/// From so many reads on, each kind of disturbance must have come.
const LONG: u64 = 100_000;

/// Percent of the reads that have to be hits, or nothing was tested.
const FEWEST_HITS: u64 = 20;

const EVERY_SECOND: Duration = Duration::from_secs(1);

/// The origin's user, and its password.
const USER: &str = "clerk";
const PASSWORD: &str = "0rigin";

/// What readers and writers go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// An edge with a cache; with a mutant's name, one that is broken on purpose.
    Cache(Option<String>),
    /// An edge without a cache.
    Edge,
    /// Nothing: whatever is wrong then is the test's own fault.
    Nothing,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The database behind.
    pub kind: DatabaseKind,
    /// What is tested.
    pub through: Through,
    /// Reads to check.
    pub reads: u64,
    /// Ends the run although not all was read.
    pub limit: Option<Duration>,
    /// Decides all choices; how they fall together, the machine decides.
    pub seed: u64,
}

impl Campaign {
    /// A run of this many reads.
    pub fn new(kind: DatabaseKind, through: Through, reads: u64) -> Self {
        Self {
            kind,
            through,
            reads,
            limit: None,
            seed: 1,
        }
    }

    /// Runs it. `None`: the database is not installed, and the skip was written down.
    pub async fn run(&self, say: impl Fn(&str)) -> Result<Option<Summary>> {
        let Some(origin) = Database::start(self.kind).await? else {
            return Ok(None);
        };
        prepare(&origin).await?;
        let gate = Gate::open(origin.port(), self.seed).await?;
        // One violation of a mutant is enough.
        let enough = self.is_broken().then_some(1);
        let common = Common::new(self.kind, self.seed, gate, enough);
        let mut run = Run {
            campaign: self,
            common,
            began: Instant::now(),
            summary: Summary::default(),
        };
        let mut number = 0;
        while !run.is_done() {
            let setting = SETTINGS[number % SETTINGS.len()];
            number += 1;
            run.round(&origin, u64::try_from(number)?, setting, &say)
                .await?;
        }
        let summary = run.finish();
        self.judge(&summary)?;
        Ok(Some(summary))
    }

    /// True for a run in which something has to be found.
    pub fn is_broken(&self) -> bool {
        matches!(self.through, Through::Cache(Some(_)))
    }

    /// Fails when the run shows nothing, whatever it found.
    fn judge(&self, summary: &Summary) -> Result<()> {
        if !summary.violations.is_empty() {
            return Ok(());
        }
        ensure!(summary.reads > 0, "nothing was read:\n{summary}");
        ensure!(summary.writes > 0, "nothing was written:\n{summary}");
        ensure!(
            summary.failed_reads * MOST_FAILED <= summary.reads,
            "too many reads fail:\n{summary}"
        );
        let mut failures = summary.failures.keys();
        ensure!(
            !failures.any(|failure| failure.starts_with("no answer")),
            "somebody waited for a minute in vain:\n{summary}"
        );
        if summary.reads >= LONG && self.through == Through::Cache(None) {
            let Summary {
                cuts,
                holds,
                late,
                definitions,
                scenes,
                ..
            } = summary;
            let all = [cuts, holds, late, definitions, scenes];
            ensure!(
                all.into_iter().all(|count| *count > 0),
                "something that was to disturb it never did:\n{summary}"
            );
        }
        if self.through == Through::Cache(None) {
            ensure!(
                summary.hit_ratio() >= FEWEST_HITS,
                "so few hits that it shows nothing:\n{summary}"
            );
        }
        Ok(())
    }
}

/// Makes the databases and the hyperdrive's user.
async fn prepare(origin: &Database) -> Result<()> {
    let mut statements = schema::build(origin.kind());
    statements.push(format!(
        "CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'"
    ));
    for database in [DATABASE, OTHER_DATABASE] {
        statements.push(format!(
            "GRANT ALL PRIVILEGES ON {database}.* TO '{USER}'@'%'"
        ));
    }
    if origin.kind() == DatabaseKind::MySql {
        statements.push("SET GLOBAL local_infile = ON".to_owned());
        statements.push("SET GLOBAL log_bin_trust_function_creators = ON".to_owned());
    }
    execute(origin, &statements).await
}

async fn execute(origin: &Database, statements: &[String]) -> Result<()> {
    let mut connection = origin.connect().await?;
    for sql in statements {
        let done = connection.query_drop(sql).await;
        done.with_context(|| sql.chars().take(200).collect::<String>())?;
    }
    Ok(connection.disconnect().await?)
}

struct Run<'a> {
    campaign: &'a Campaign,
    common: Arc<Common>,
    began: Instant,
    summary: Summary,
}

impl Run<'_> {
    fn reads(&self) -> u64 {
        self.common.registers.reads.load(Ordering::Relaxed)
    }

    fn is_done(&self) -> bool {
        let limit = self.campaign.limit;
        self.reads() >= self.campaign.reads
            || self.common.registers.is_enough()
            || limit.is_some_and(|limit| self.began.elapsed() >= limit)
    }

    async fn round(
        &mut self,
        origin: &Database,
        number: u64,
        setting: Setting,
        say: &impl Fn(&str),
    ) -> Result<()> {
        let has_functions = setting.has_functions && self.campaign.kind != DatabaseKind::Tidb;
        if has_functions {
            execute(origin, &schema::functions()).await?;
        }
        let mut path = self.path(setting).await?;
        let endpoint = path
            .as_ref()
            .map_or_else(|| self.of_origin(), |path| path.endpoint().clone());
        let round = Arc::new(Round {
            common: Arc::clone(&self.common),
            number,
            endpoint,
            is_tight: setting.is_tight,
            has_definitions: setting.has_definitions,
            has_functions,
            is_over: AtomicBool::new(false),
        });
        let has_cache = matches!(self.campaign.through, Through::Cache(_));
        // Each setting has its turn in a short run too.
        let reads = LONG_ROUND.min(self.campaign.reads.div_ceil(ROUNDS));
        let time = self.campaign.limit.unwrap_or(LONG_ROUND_TIME * 5) / 5;
        let until = self.reads() + reads;
        if has_cache {
            // A run's time is for reads.
            let asked = Instant::now();
            round.await_tables().await?;
            self.began += asked.elapsed();
        }
        let began = Instant::now();
        let progress = std::cell::Cell::new((Instant::now(), self.reads()));
        let figures = round
            .play(origin, path.as_mut().filter(|_| has_cache), |figures| {
                let (told, before) = progress.get();
                if told.elapsed() >= EVERY_SECOND {
                    say(&self.line(figures, self.reads() - before, told.elapsed()));
                    progress.set((Instant::now(), self.reads()));
                }
                let is_late = began.elapsed() >= time.min(LONG_ROUND_TIME);
                self.is_done() || self.reads() >= until || is_late
            })
            .await?;
        if has_functions {
            execute(origin, &schema::no_functions()).await?;
        }
        if !setting.has_definitions {
            self.summary.hits += figures.hits;
            self.summary.counted += figures.counted;
            self.summary.table = figures.table;
        }
        Ok(())
    }

    /// What is told each second.
    fn line(&self, figures: &Figures, more: u64, time: Duration) -> String {
        let registers = &self.common.registers;
        let counts = self.common.gate.counts();
        let hits = (figures.hits * 100).checked_div(figures.counted);
        format!(
            "{:>4} s: {} reads ({} a second), {} writes, {} % hits, {} cuts, {} held, {} late, {} \
             violations",
            self.began.elapsed().as_secs(),
            self.reads(),
            u128::from(more) * 1_000 / time.as_millis().max(1),
            registers.writes.load(Ordering::Relaxed),
            hits.unwrap_or_default(),
            counts.cuts,
            counts.holds,
            counts.late,
            registers.violation_count()
        )
    }

    async fn path(&self, setting: Setting) -> Result<Option<Path>> {
        let port = self.common.gate.port();
        let origin = format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}");
        let mut builder = PathBuilder::new(origin, port, DATABASE).pool(POOL);
        match &self.campaign.through {
            Through::Nothing => return Ok(None),
            Through::Edge => {}
            Through::Cache(mutant) => {
                builder = builder.cache(setting.keys);
                if let Some(mutant) = mutant {
                    builder = builder.mutant(mutant);
                }
            }
        }
        builder.start().await
    }

    /// The gate itself, as if it were the origin.
    fn of_origin(&self) -> Endpoint {
        Endpoint {
            port: self.common.gate.port(),
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
            database: DATABASE.to_owned(),
        }
    }

    fn finish(mut self) -> Summary {
        let registers = &self.common.registers;
        let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let counts = self.common.gate.counts();
        let summary = &mut self.summary;
        summary.reads = of(&registers.reads);
        summary.writes = of(&registers.writes);
        summary.failed_reads = of(&registers.failed_reads);
        summary.failed_writes = of(&registers.failed_writes);
        summary.cuts = counts.cuts;
        summary.holds = counts.holds;
        summary.late = counts.late;
        summary.definitions = of(&self.common.definitions);
        summary.scenes = of(&self.common.scenes);
        summary.violations = registers.violations();
        summary.failures = self.common.failures();
        summary.elapsed = self.began.elapsed();
        self.summary
    }
}

/// What the command line calls a database.
pub(super) fn name(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::MariaDb => "mariadb",
        DatabaseKind::MySql => "mysql",
        DatabaseKind::Tidb => "tidb",
    }
}
