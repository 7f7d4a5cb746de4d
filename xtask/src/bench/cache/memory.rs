//! What a million results take, by the edge's own books and by the system's.

use anyhow::Result;
use tokio::task::JoinSet;

use super::rig::{Edge, ROWS, Rig};
use crate::bench::client::Client;
use crate::bench::database::NAME;
use crate::bench::options::Options;
use crate::bench::programs::Programs;
use crate::bench::progress;
use crate::bench::verdict::{Bound, Verdict};

/// Room for a million results of a point select, and hardly more.
const BUDGET_MIB: u32 = 576;

/// Clients that fill it.
const CLIENTS: u32 = 16;

/// Queries that one of them asks at a time.
const BATCH: u32 = 50;

/// Memory is looked at so often while it fills, and once more when it is full: by then so many
/// times as many were asked for.
const LOOKS: u32 = 4;
const OVERFLOW: f64 = 1.5;

/// What an entry and the budget take may be so far from what they are said to take.
const WITHIN: Bound = Bound::Within(0.9, 1.1);

/// What was found while the cache filled.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) budget: f64,
    pub(super) looks: Vec<Look>,
}

/// How it was at one time, in bytes.
#[derive(Debug)]
pub(super) struct Look {
    /// Different reads so far.
    pub(super) asked: u32,
    pub(super) entries: f64,
    /// By the edge's books.
    pub(super) bytes: f64,
    /// By the system's: what the edge has grown by.
    pub(super) growth: f64,
}

/// Fills a cache of its own.
pub(super) fn measure(programs: &Programs, options: &Options, rig: &Rig) -> Result<Memory> {
    let keys = format!("enabled = true\nmax_age = \"1h\"\nmax_bytes = \"{BUDGET_MIB}MiB\"\n");
    let edge = rig.start_edge(programs, "memory", &keys)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(Client::connect(edge.target(), Some(NAME)).await?);
        }
        // What asking takes at all, kept or not, is there before the first look.
        clients = ask(clients, 0, CLIENTS * BATCH).await?;
        let before = edge.server.memory()?;
        let mut looks = Vec::new();
        let mut asked = CLIENTS * BATCH;
        let full = whole(f64::from(options.entries) * OVERFLOW);
        let steps = (1..=LOOKS).map(|step| options.entries / LOOKS * step);
        for upto in steps.chain([full]) {
            progress(&format!("memory: {upto} results"));
            clients = ask(clients, asked, upto).await?;
            asked = upto;
            looks.push(Look::take(&edge, asked, before)?);
        }
        Ok(Memory {
            budget: f64::from(BUDGET_MIB) * 1024.0 * 1024.0,
            looks,
        })
    })
}

/// Asks the reads of these numbers, shared out among the clients.
async fn ask(clients: Vec<Client>, from: u32, upto: u32) -> Result<Vec<Client>> {
    let mut tasks = JoinSet::new();
    for (client, mine) in clients.into_iter().zip(0..) {
        tasks.spawn(ask_some(client, mine, from..upto));
    }
    let mut clients = Vec::new();
    while let Some(client) = tasks.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

/// Every so many-th batch of them.
async fn ask_some(mut client: Client, mine: u32, range: std::ops::Range<u32>) -> Result<Client> {
    let mut next = range.start + mine * BATCH;
    while next < range.end {
        let batch = next..range.end.min(next + BATCH);
        client
            .ask_all(&batch.map(query).collect::<Vec<_>>())
            .await?;
        next += CLIENTS * BATCH;
    }
    Ok(client)
}

/// A point select unlike any of another number. There are fewer rows than these, so a comment tells
/// apart those of one row.
fn query(number: u32) -> String {
    let (id, turn) = (number % ROWS + 1, number / ROWS);
    format!("SELECT c FROM sbtest1 WHERE id={id} /* {turn} */")
}

impl Look {
    fn take(edge: &Edge, asked: u32, before_kib: f64) -> Result<Self> {
        let of = |name: &str| {
            let series = format!("tidegate_cache_{name}{{hyperdrive=\"bench\"}}");
            edge.files.metric(&series)
        };
        Ok(Self {
            asked,
            entries: of("entries")?,
            bytes: of("bytes")?,
            growth: (edge.server.memory()? - before_kib) * 1024.0,
        })
    }

    /// Some made room for others: all but a few would be there.
    fn is_full(&self) -> bool {
        self.entries < 0.99 * f64::from(self.asked)
    }

    /// What an entry takes by the system's books.
    pub(super) fn each(&self) -> f64 {
        self.growth / self.entries
    }
}

impl Memory {
    /// Of as many as there are to be, and of a full cache, if they were enough to fill it.
    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let [.., many, last] = self.looks.as_slice() else {
            return verdicts;
        };
        verdicts.push(Verdict {
            what: format!("{:.0} results: RSS ÷ tidegate_cache_bytes", many.entries),
            figure: many.growth / many.bytes,
            bound: WITHIN,
        });
        if last.is_full() {
            verdicts.push(Verdict {
                what: format!("full, {:.0} results: RSS ÷ budget", last.entries),
                figure: last.growth / self.budget,
                bound: WITHIN,
            });
        }
        verdicts
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates, and no number of results comes near either end"
)]
fn whole(number: f64) -> u32 {
    number.round() as u32
}
