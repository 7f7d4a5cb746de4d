//! Many new clients each second, each of which logs in, asks once and leaves.
//!
//! The clients come when it is their time, whether or not those before them were served: a server
//! that falls behind is not spared. How long an exchange takes counts from that time on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::bench::client::Client;
use crate::bench::database::NAME;
use crate::bench::leg::{EDGE, Leg};
use crate::bench::options::Options;
use crate::bench::progress;
use crate::bench::server::Processor;
use crate::bench::sysbench::Target;
use crate::bench::verdict::{Bound, Verdict};
use crate::bench::ways::Ways;

/// Who is not served by then counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Clients that are not counted: they open the pool and let passwords be remembered.
const WARM_UP: u32 = 100;

/// The same point select as sysbench's.
const QUERY: &str = "SELECT c FROM sbtest1 WHERE id=1";

/// All ways under the same storm.
#[derive(Debug)]
pub(super) struct Storm {
    /// New clients per second.
    pub(super) rate: u32,
    pub(super) seconds: u32,
    pub(super) ways: Vec<Weathered>,
}

/// How one way did.
#[derive(Debug)]
pub(super) struct Weathered {
    pub(super) leg: &'static str,
    pub(super) served: usize,
    pub(super) failed: usize,
    /// The first failure.
    pub(super) error: Option<String>,
    /// Of a whole exchange, from connecting to the answer, in milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Processor time per client, in microseconds: of the first process on the way, and of the
    /// database.
    pub(super) first_hop: f64,
    pub(super) database: f64,
}

/// How long each client took, or what went wrong.
type Exchanges = Vec<Result<Duration>>;

/// Lets the storm loose on one way after the other.
pub(super) fn measure(options: &Options, ways: &Ways) -> Result<Storm> {
    let (rate, seconds) = (options.storm, options.storm_seconds);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut weathered = Vec::new();
    for leg in ways.all() {
        progress(&format!(
            "{rate} new clients per second for {seconds} s, {}",
            leg.name
        ));
        let warm_up = runtime.block_on(loose(leg.target, rate, WARM_UP));
        let first_error = warm_up.into_iter().find_map(Result::err);
        ensure!(
            first_error.is_none() || leg.name != EDGE,
            "a client of the edge was not served while it was warming up: {first_error:?}"
        );
        let before = used(&leg)?;
        let exchanges = runtime.block_on(loose(leg.target, rate, rate * seconds));
        weathered.push(Weathered::new(&leg, exchanges, (before, used(&leg)?)));
    }
    Ok(Storm {
        rate,
        seconds,
        ways: weathered,
    })
}

/// Starts `clients` of them evenly spaced, and waits for the last.
async fn loose(target: Target, rate: u32, clients: u32) -> Exchanges {
    let mut due = interval(Duration::from_secs(1) / rate);
    // Who comes late comes at once: none is left out.
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut exchanges = JoinSet::new();
    for _ in 0..clients {
        let begin = due.tick().await;
        exchanges.spawn(async move {
            let outcome = timeout(PATIENCE, exchange(target)).await;
            outcome.context("not served in time")??;
            Ok(begin.elapsed())
        });
    }
    let mut ended = Vec::new();
    while let Some(exchange) = exchanges.join_next().await {
        ended.push(exchange.unwrap_or_else(|error| Err(error.into())));
    }
    ended
}

/// One client: connects, logs in, asks for a row, and leaves.
async fn exchange(target: Target) -> Result<()> {
    let mut client = Client::connect(target, Some(NAME)).await?;
    let (summary, _) = client.ask(QUERY).await?;
    ensure!(summary.rows == 1, "the row is not there");
    client.quit().await
}

/// What the first process on the way and the database have used.
fn used(leg: &Leg<'_>) -> Result<(Processor, Processor)> {
    let (Some(first), Some(database)) = (leg.hops.first(), leg.hops.last()) else {
        anyhow::bail!("a way without processes");
    };
    Ok((first.server.processor()?, database.server.processor()?))
}

impl Weathered {
    fn new(
        leg: &Leg<'_>,
        exchanges: Exchanges,
        (before, after): ((Processor, Processor), (Processor, Processor)),
    ) -> Self {
        let (served, errors): (Vec<_>, Vec<_>) = exchanges.into_iter().partition(Result::is_ok);
        let mut times: Vec<Duration> = served.into_iter().flatten().collect();
        times.sort();
        let count = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX));
        Self {
            leg: leg.name,
            served: times.len(),
            failed: errors.len(),
            error: errors
                .into_iter()
                .find_map(|error| Some(format!("{:#}", error.err()?))),
            p50: milliseconds_at(&times, 50),
            p99: milliseconds_at(&times, 99),
            first_hop: ((after.0 - before.0) / count).total(),
            database: ((after.1 - before.1) / count).total(),
        }
    }
}

impl Storm {
    /// All clients of the edge are to be served.
    pub(super) fn verdict(&self) -> Result<Verdict> {
        let edge = self.ways.iter().find(|way| way.leg == EDGE);
        let edge = edge.context("no way is the edge's")?;
        Ok(Verdict {
            what: format!("{} new clients per second: not served", self.rate),
            figure: f64::from(u32::try_from(edge.failed).unwrap_or(u32::MAX)),
            bound: Bound::AtMost(0.0),
        })
    }
}

/// What so many percent stay within.
fn milliseconds_at(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted
        .get(at)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_few_and_of_none() {
        let times = [1, 2, 3, 4].map(Duration::from_millis);
        assert!((milliseconds_at(&times, 50) - 3.0).abs() < f64::EPSILON);
        assert!((milliseconds_at(&times, 99) - 4.0).abs() < f64::EPSILON);
        assert!(milliseconds_at(&[], 99).is_nan());
    }

    #[test]
    fn clients_that_nobody_serves_are_counted() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target {
            port: listener.local_addr().unwrap().port(),
            user: "nobody",
            password: "",
        };
        drop(listener);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let exchanges = runtime.unwrap().block_on(loose(target, 1000, 5));
        assert_eq!(
            exchanges
                .iter()
                .filter(|exchange| exchange.is_err())
                .count(),
            5
        );
    }
}
