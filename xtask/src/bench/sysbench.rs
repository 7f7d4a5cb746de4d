//! Sysbench: makes the table, asks queries, and says how long they took.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::database::NAME;
use super::programs::Programs;
use super::wait;

/// Rows of the table that is asked.
pub(super) const ROWS: u32 = 10_000;

/// Connecting, and ending after its time is over.
const SLACK: Duration = Duration::from_secs(30);

/// A few hundred thousand rows on a busy machine.
const FILL_LIMIT: Duration = Duration::from_secs(120);

/// What all runs have in common: each query by itself, without TLS.
const OPTIONS: [&str; 4] = [
    "--db-driver=mysql",
    "--mysql-host=127.0.0.1",
    "--mysql-ssl=off",
    "--skip_trx=on",
];

/// How queries are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statements {
    /// As text.
    Text,
    /// Prepared once by each client, then executed.
    Prepared,
}

impl Statements {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Prepared => "prepared",
        }
    }

    fn option(self) -> &'static str {
        match self {
            Self::Text => "--db-ps-mode=disable",
            Self::Prepared => "--db-ps-mode=auto",
        }
    }
}

/// What queries read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reads {
    pub(super) shape: Shape,
    /// Of the table's first so many rows.
    pub(super) rows: u32,
    /// Each row as often as any other; else some far more often.
    pub(super) evenly: bool,
}

/// What one query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `SELECT c FROM sbtest1 WHERE id=…`.
    Point,
    /// `SELECT SUM(k) FROM sbtest1 WHERE id BETWEEN … AND …`, of 100 rows.
    Sum,
}

impl Reads {
    /// Point selects of all rows, as sysbench distributes them.
    pub(super) const POINTS: Self = Self {
        shape: Shape::Point,
        rows: ROWS,
        evenly: false,
    };
}

impl Shape {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Point => "point selects",
            Self::Sum => "sums of 100 rows",
        }
    }

    /// Sysbench's test, and what makes it ask nothing else.
    fn test(self) -> &'static [&'static str] {
        match self {
            Self::Point => &["oltp_point_select"],
            Self::Sum => &[
                "oltp_read_only",
                "--point_selects=0",
                "--simple_ranges=0",
                "--sum_ranges=1",
                "--order_ranges=0",
                "--distinct_ranges=0",
                "--range_size=100",
            ],
        }
    }
}

/// What one run asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) reads: Reads,
    pub(super) statements: Statements,
    pub(super) clients: u32,
    pub(super) length: Duration,
    /// Queries per second of all clients together, at random moments; none: each client asks again
    /// as soon as it is answered. Latency then includes the wait for a client that is free.
    pub(super) rate: Option<u32>,
}

/// Where a client connects, and as whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) port: u16,
    pub(super) user: &'static str,
    pub(super) password: &'static str,
}

/// What one run says. Latencies are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) queries: f64,
    pub(super) queries_per_second: f64,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
}

/// A command of sysbench's.
pub(super) fn command(
    programs: &Programs,
    target: &Target,
    reads: Reads,
    statements: Statements,
) -> Command {
    let mut command = Command::new(&programs.sysbench);
    command
        .args(reads.shape.test())
        .args(OPTIONS)
        .arg(statements.option())
        .args(reads.evenly.then_some("--rand-type=uniform"))
        .arg(format!("--table_size={}", reads.rows))
        .arg(format!("--mysql-port={}", target.port))
        .arg(format!("--mysql-user={}", target.user))
        .arg(format!("--mysql-password={}", target.password))
        .arg(format!("--mysql-db={NAME}"));
    command
}

/// Makes the table, and fills it with the rows that are read.
pub(super) fn prepare(
    programs: &Programs,
    target: &Target,
    reads: Reads,
    log: &Path,
) -> Result<()> {
    let mut command = command(programs, target, reads, Statements::Text);
    finish(command.arg("prepare"), FILL_LIMIT, log)?;
    Ok(())
}

/// Asks as `load` says.
pub(super) fn run(
    programs: &Programs,
    target: &Target,
    load: &Load,
    log: &Path,
) -> Result<Outcome> {
    let command = loaded(programs, target, load);
    outcome(command, load, log)
}

/// The same while another program looks on, whose command ends where that of sysbench begins.
pub(super) fn run_under(
    mut onlooker: Command,
    programs: &Programs,
    target: &Target,
    load: &Load,
    log: &Path,
) -> Result<Outcome> {
    let command = loaded(programs, target, load);
    onlooker.arg(command.get_program()).args(command.get_args());
    outcome(onlooker, load, log)
}

fn loaded(programs: &Programs, target: &Target, load: &Load) -> Command {
    let mut command = command(programs, target, load.reads, load.statements);
    command
        .arg(format!("--threads={}", load.clients))
        .arg(format!("--time={}", load.length.as_secs()))
        .args(load.rate.map(|rate| format!("--rate={rate}")))
        .args(["--histogram=on", "run"]);
    command
}

fn outcome(mut command: Command, load: &Load, log: &Path) -> Result<Outcome> {
    let text = finish(&mut command, load.length + SLACK, log)?;
    Outcome::parse(&text).with_context(|| format!("sysbench says this:\n{text}"))
}

/// Runs sysbench to its end, or kills it when it takes too long, and returns what it wrote.
fn finish(command: &mut Command, limit: Duration, log: &Path) -> Result<String> {
    let file = File::create(log).context("cannot make a log for sysbench")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .context("cannot start sysbench")?;
    let mut status = None;
    let ended = wait::until("sysbench ends", limit, || {
        status = child.try_wait()?;
        Ok(status.is_some())
    });
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let text = fs::read_to_string(log).context("cannot read the log of sysbench")?;
    ended.with_context(|| format!("sysbench wrote this:\n{text}"))?;
    if !status.is_some_and(|status| status.success()) {
        bail!("sysbench failed:\n{text}");
    }
    Ok(text)
}

impl Outcome {
    fn parse(text: &str) -> Result<Self> {
        // "    queries:                             123456 (24690.70 per sec.)"
        let queries = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("queries:"))
            .context("there is no line of queries")?;
        let mut words = queries.split_whitespace();
        let mut next = || words.next().map(|word| word.trim_start_matches('('));
        let total = next().context("no number of queries")?.parse()?;
        let queries_per_second = next().context("no queries per second")?.parse()?;
        ensure!(total > 0.0, "no query was answered");
        let histogram = histogram(text);
        let at = |share| percentile(&histogram, share).context("there is no histogram");
        Ok(Self {
            queries: total,
            queries_per_second,
            p50: at(0.50)?,
            p95: at(0.95)?,
            p99: at(0.99)?,
        })
    }
}

/// Latency in milliseconds and number of each line such as `0.046 |*****    217`.
fn histogram(text: &str) -> Vec<(f64, f64)> {
    let line = |line: &str| {
        let (latency, rest) = line.split_once('|')?;
        let count = rest.split_whitespace().next_back()?.trim_start_matches('*');
        Some((latency.trim().parse().ok()?, count.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// The latency that this share of all stays within; sysbench's steps are 1.8 % apart.
fn percentile(histogram: &[(f64, f64)], share: f64) -> Option<f64> {
    let total: f64 = histogram.iter().map(|(_, count)| count).sum();
    let mut seen = 0.0;
    let reached = histogram.iter().find(|(_, count)| {
        seen += count;
        seen >= share * total
    });
    reached.map(|(latency, _)| *latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
Latency histogram (values are in milliseconds)
       value  ------------- distribution ------------- count
       0.046 |*****                                    40
       0.047 |**************************************** 55
       0.051 |***                                      4
       9.910 |                                         1

SQL statistics:
    queries performed:
        read:                            100
        total:                           100
    transactions:                        100    (19.99 per sec.)
    queries:                             100    (19.99 per sec.)
    ignored errors:                      0      (0.00 per sec.)
";

    #[test]
    fn reads_queries_and_percentiles() {
        let outcome = Outcome::parse(OUTPUT).unwrap();
        let expected = Outcome {
            queries: 100.0,
            queries_per_second: 19.99,
            p50: 0.047,
            p95: 0.047,
            p99: 0.051,
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn refuses_a_run_without_answers() {
        assert!(Outcome::parse("").is_err());
        let none = "queries:  0  (0.00 per sec.)";
        assert!(Outcome::parse(none).is_err());
        let without_histogram = "queries:  5  (1.00 per sec.)";
        assert!(Outcome::parse(without_histogram).is_err());
    }
}
