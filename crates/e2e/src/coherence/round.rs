//! A round: one edge with one configuration of its cache, and everybody at it for a while.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{OptsBuilder, Row};
use testkit::{Database, DatabaseKind};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::client::Refused;
use super::definitions::Definitions;
use super::gate::Gate;
use super::meddlers::meddle;
use super::reading::Reader;
use super::registers::Registers;
use super::scenes::Scenes;
use super::writing::Writer;
use crate::{Endpoint, Path};

/// Origin connections that all sessions share. Those in a transaction need one each: the writers,
/// and some who meddle.
pub(super) const POOL: &str = "max = 12\nwait_timeout = \"30s\"";

pub(super) const READERS: usize = 12;
const WRITERS: usize = 4;

/// Nobody who was told to end needs longer: it is the patience of a client, and some.
const END_LIMIT: Duration = Duration::from_secs(90);

/// Longest that an edge takes to know a slow origin's tables.
const KEEPS_LIMIT: Duration = Duration::from_secs(60);

const EVERY_SECOND: Duration = Duration::from_secs(1);

/// What is the same in all rounds.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) kind: DatabaseKind,
    pub(super) seed: u64,
    pub(super) registers: Registers,
    pub(super) gate: Gate,
    pub(super) definitions: AtomicU64,
    pub(super) scenes: AtomicU64,
    failures: Mutex<BTreeMap<String, u64>>,
}

/// What everybody in a round has to know.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) common: Arc<Common>,
    pub(super) number: u64,
    pub(super) endpoint: Endpoint,
    /// Readers also read what fills the cache.
    pub(super) is_tight: bool,
    pub(super) has_definitions: bool,
    pub(super) has_functions: bool,
    pub(super) is_over: AtomicBool,
}

/// The keys of a cache, with what they are for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) keys: &'static str,
    pub(super) is_tight: bool,
    /// Definitions change, and texts are run that tell nobody what they write. Little is kept then,
    /// so the share of hits is that of the other rounds.
    pub(super) has_definitions: bool,
    /// The origin has stored functions, and whatever is not kept may call one.
    pub(super) has_functions: bool,
}

/// What the rounds take turns with.
pub(super) const SETTINGS: [Setting; 5] = [
    USUAL,
    Setting {
        keys: "enabled = true\nmax_age = \"1s\"\nstale_while_revalidate = \"15s\"",
        ..USUAL
    },
    Setting {
        keys: "enabled = true\nmax_bytes = \"1MiB\"\nmax_entry_bytes = \"64KiB\"",
        is_tight: true,
        ..USUAL
    },
    Setting {
        has_definitions: true,
        ..USUAL
    },
    Setting {
        has_definitions: true,
        has_functions: true,
        ..USUAL
    },
];

const USUAL: Setting = Setting {
    keys: "enabled = true",
    is_tight: false,
    has_definitions: false,
    has_functions: false,
};

/// What the cache says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) hits: u64,
    pub(super) counted: u64,
    pub(super) table: Vec<String>,
}

impl Common {
    pub(super) fn new(
        kind: DatabaseKind,
        seed: u64,
        gate: Gate,
        enough: Option<usize>,
    ) -> Arc<Self> {
        Arc::new(Self {
            kind,
            seed,
            registers: Registers::new(enough),
            gate,
            definitions: AtomicU64::new(0),
            scenes: AtomicU64::new(0),
            failures: Mutex::default(),
        })
    }

    /// Counts a failure by what was told, without the numbers in it.
    pub(super) fn failed(&self, error: &anyhow::Error) {
        let text = match error.downcast_ref::<Refused>() {
            Some(Refused(packet)) => format!("{} {}", packet.code, packet.message),
            None => format!("{error:#}"),
        };
        let mut text: String = text.chars().take(160).collect();
        if let Some(at) = text.find("no answer: ") {
            // A statement nobody answered is kept whole: it may be the fault itself.
            text = text.split_off(at);
        } else {
            let words = text.split(' ').enumerate().map(|(place, word)| {
                let has_number = word.contains(|c: char| c.is_ascii_digit());
                if place > 0 && has_number { "…" } else { word }
            });
            text = words.collect::<Vec<_>>().join(" ");
        }
        *self.all_failures().entry(text).or_default() += 1;
    }

    pub(super) fn failures(&self) -> BTreeMap<String, u64> {
        self.all_failures().clone()
    }

    fn all_failures(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Round {
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// A number for the choices of one of many.
    pub(super) fn number_of(&self, who: usize) -> u64 {
        self.number * 1_000 + u64::try_from(who).unwrap_or_default()
    }

    /// Sleeps, unless the round ends before.
    pub(super) async fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.is_over() {
            sleep(time.min(Duration::from_millis(20))).await;
        }
    }

    /// Waits until the edge knows the origin's tables: nothing is kept before.
    pub(super) async fn await_tables(&self) -> Result<()> {
        const QUESTION: &str = "SELECT note FROM label WHERE id = 1 /* tidegate: explain */";
        let mut looker = Looker::new(&self.endpoint);
        testkit::eventually("the edge keeps results", KEEPS_LIMIT, async || {
            let rows = looker.ask(QUESTION).await?;
            let outcome = rows.first().and_then(|row| row.get::<String, _>("Outcome"));
            let outcome = outcome.context("it explains nothing")?;
            ensure!(outcome != "bypass", "it keeps nothing yet");
            Ok(())
        })
        .await
    }

    /// Plays it until `is_done` says so, and returns what the cache said of itself in the end.
    pub(super) async fn play(
        self: &Arc<Self>,
        origin: &Database,
        path: Option<&mut Path>,
        is_done: impl Fn(&Figures) -> bool,
    ) -> Result<Figures> {
        let mut players = JoinSet::new();
        for number in 0..READERS {
            players.spawn(Reader::new(Arc::clone(self), number).run());
        }
        for number in 0..WRITERS {
            players.spawn(Writer::new(Arc::clone(self), number).run());
        }
        meddle(self, &mut players);
        if self.has_definitions {
            players.spawn(Definitions::new(Arc::clone(self), origin).run());
        }
        players.spawn(Scenes::new(Arc::clone(self)).run());
        self.common.gate.be_random(true);
        let has_cache = path.is_some();
        let mut looker = has_cache.then(|| Looker::new(&self.endpoint));
        let mut figures = Figures::default();
        while !is_done(&figures) {
            sleep(EVERY_SECOND / 4).await;
            if let Some(looker) = &mut looker {
                figures = looker.look().await?;
            }
        }
        self.is_over.store(true, Ordering::Relaxed);
        self.common.gate.be_random(false);
        self.common.gate.clear();
        let ending = async {
            while let Some(player) = players.join_next().await {
                player?;
            }
            anyhow::Ok(())
        };
        let ended = tokio::time::timeout(END_LIMIT, ending).await;
        ended.context("somebody waits for an answer that does not come")??;
        if let Some(path) = path {
            path.edge().process().check()?;
        }
        if let Some(looker) = &mut looker {
            figures = looker.look().await?;
        }
        Ok(figures)
    }
}

/// Asks the edge how its cache does.
struct Looker {
    options: OptsBuilder,
    connection: Option<mysql_async::Conn>,
}

impl Looker {
    fn new(endpoint: &Endpoint) -> Self {
        // With both, the driver asks nothing of the origin.
        let options = OptsBuilder::from_opts(endpoint.options())
            .max_allowed_packet(Some(1 << 20))
            .wait_timeout(Some(3600));
        Self {
            options,
            connection: None,
        }
    }

    async fn ask(&mut self, question: &str) -> Result<Vec<Row>> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => mysql_async::Conn::new(self.options.clone()).await?,
        };
        let rows = connection.query(question).await?;
        self.connection = Some(connection);
        Ok(rows)
    }

    async fn look(&mut self) -> Result<Figures> {
        let mut figures = Figures::default();
        for row in self.ask("SHOW TIDEGATE CACHE").await? {
            let number = |column: &str| {
                let text = row.get::<String, _>(column).unwrap_or_default();
                text.parse::<u64>().unwrap_or_default()
            };
            let (hits, stale) = (number("Hits"), number("Stale"));
            let (misses, bypassed) = (number("Misses"), number("Bypassed"));
            figures.hits += hits + stale;
            figures.counted += hits + stale + misses + bypassed;
            let text = |column: &str| {
                let value = row.get::<Option<String>, _>(column);
                value.flatten().unwrap_or_default()
            };
            figures.table.push(format!(
                "{hits:>8} hits {stale:>6} stale {misses:>7} misses {bypassed:>7} bypassed {:<20} {}",
                text("Last_bypass"),
                text("Statement")
            ));
        }
        Ok(figures)
    }
}
