//! Many clients that ask for the same at once.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::rig::Rig;
use crate::bench::client::Client;
use crate::bench::database::NAME;
use crate::bench::progress;
use crate::bench::sysbench::Target;
use crate::bench::verdict::{Bound, Verdict};
use crate::bench::wait::now;

/// Who comes.
const CLIENTS: u32 = 1000;

/// Clients that log in at a time.
const LOGINS: usize = 50;

/// It has the origin busy for a second or more, so that all come while it is under way. Each row of
/// one part of the table meets each of another.
const QUERY: &str = "SELECT /* the herd */ SUM(a.k * b.k) FROM sbtest1 a, sbtest1 b \
                     WHERE a.id BETWEEN 1 AND 4000 AND b.id BETWEEN 4001 AND 8000";

/// What came of it.
#[derive(Debug)]
pub(super) struct Herd {
    pub(super) clients: u32,
    /// Queries that reached the origin.
    pub(super) queries: u32,
    /// From the first question to the last answer.
    pub(super) took: Duration,
}

/// Lets the herd loose on the edge of the hits.
pub(super) fn measure(rig: &Rig) -> Result<Herd> {
    progress(&format!("{CLIENTS} clients that ask for the same at once"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut log = Client::connect(rig.database.root(), None).await?;
        let file = rig.database.log_of_queries();
        // The log also has what nobody sends through the edge.
        for statement in [
            format!("SET GLOBAL general_log_file = '{}'", file.display()),
            "SET GLOBAL general_log = ON".to_owned(),
        ] {
            log.ask(&statement).await?;
        }
        let took = loose(rig.hits.target()).await?;
        log.ask("SET GLOBAL general_log = OFF").await?;
        let text = fs::read(&file).context("the database has logged nothing")?;
        let text = String::from_utf8_lossy(&text);
        let queries = u32::try_from(text.matches(QUERY).count())?;
        Ok(Herd {
            clients: CLIENTS,
            queries,
            took,
        })
    })
}

/// All ask the same at one moment, and are answered alike. Gives how long that took.
async fn loose(target: Target) -> Result<Duration> {
    let mut clients: Vec<Client> = Vec::new();
    while clients.len() < CLIENTS as usize {
        let mut logins = JoinSet::new();
        for _ in 0..LOGINS {
            logins.spawn(Client::connect(target, Some(NAME)));
        }
        while let Some(client) = logins.join_next().await {
            clients.push(client??);
        }
    }
    let start = Arc::new(Barrier::new(clients.len()));
    let mut asking = JoinSet::new();
    let began = now();
    for mut client in clients {
        let start = Arc::clone(&start);
        asking.spawn(async move {
            start.wait().await;
            client.ask(QUERY).await
        });
    }
    let mut first = None;
    while let Some(answered) = asking.join_next().await {
        let (_, answer) = answered??;
        let first = first.get_or_insert_with(|| answer.clone());
        ensure!(*first == answer, "two clients were answered differently");
    }
    Ok(began.elapsed())
}

impl Herd {
    /// One query at the origin serves all.
    pub(super) fn verdict(&self) -> Verdict {
        Verdict {
            what: format!(
                "{} equal reads at once: queries at the origin",
                self.clients
            ),
            figure: f64::from(self.queries),
            bound: Bound::Within(1.0, 1.0),
        }
    }
}
