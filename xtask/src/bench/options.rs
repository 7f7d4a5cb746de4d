//! What the command line asks of the benchmark.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Longer measurements say nothing more.
const SECONDS: RangeInclusive<u32> = 1..=600;
const ROUNDS: RangeInclusive<u32> = 1..=99;
/// Each client is a thread of sysbench and, without a pool, a thread of the database.
const CLIENTS: RangeInclusive<u32> = 1..=512;
/// New clients per second; far more than the databases here log in.
const STORM: RangeInclusive<u32> = 1..=20_000;
/// Each idle client takes a port of the machine, which has 28,000 to give.
const IDLE: RangeInclusive<u32> = 0..=20_000;

/// The options of all benchmarks. Each refuses what it has no use for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    benchmark: Benchmark,
    /// Length of one measurement.
    pub(super) seconds: u32,
    /// How often each leg is measured.
    pub(super) rounds: u32,
    /// Numbers of clients to measure with.
    pub(super) clients: Vec<u32>,
    /// Idle clients of the measurement of memory; 0 for none.
    pub(super) idle: u32,
    /// New clients per second in the storm.
    pub(super) storm: u32,
    /// How long the storm lasts.
    pub(super) storm_seconds: u32,
    /// Results in the cache whose memory is measured.
    pub(super) entries: u32,
    /// The parts that are wanted, of a benchmark that has some; all when empty.
    pub(super) only: Vec<Part>,
    /// One JSON object instead of tables.
    pub(super) json: bool,
}

/// Which options there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Benchmark {
    Path,
    Pool,
    Cache,
    Profile,
}

/// A part of `pool` or `cache` that can be run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Point selects on the ways to MariaDB.
    MariaDb,
    /// Point selects on the ways to MySQL, MySQL Router among them.
    MySql,
    /// Many clients on few origin connections.
    Crowd,
    /// Many new clients each second.
    Storm,
    /// Memory with idle clients.
    Idle,
    /// Results that are kept.
    Hits,
    /// Results that are not.
    Misses,
    /// Memory of many results.
    Memory,
    /// Many clients that ask for the same.
    Herd,
}

impl Benchmark {
    /// The parts that it has, by name.
    fn parts(self) -> &'static [(&'static str, Part)] {
        match self {
            Self::Pool => Part::OF_POOL,
            Self::Cache => Part::OF_CACHE,
            Self::Path | Self::Profile => &[],
        }
    }
}

impl Part {
    const OF_POOL: &[(&str, Self)] = &[
        ("mariadb", Self::MariaDb),
        ("mysql", Self::MySql),
        ("crowd", Self::Crowd),
        ("storm", Self::Storm),
        ("idle", Self::Idle),
    ];
    const OF_CACHE: &[(&str, Self)] = &[
        ("hits", Self::Hits),
        ("misses", Self::Misses),
        ("memory", Self::Memory),
        ("herd", Self::Herd),
    ];

    fn parse(text: &str, benchmark: Benchmark) -> Result<Self> {
        let all = benchmark.parts();
        let part = all.iter().find(|(name, _)| *name == text);
        let part = part.with_context(|| {
            let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
            format!("--only: `{text}` is none of {}", names.join(", "))
        });
        Ok(part?.1)
    }
}

impl Options {
    /// The defaults of `path`.
    pub(super) fn path() -> Self {
        Self {
            benchmark: Benchmark::Path,
            seconds: 3,
            rounds: 5,
            clients: vec![1, 16],
            idle: 1000,
            storm: 0,
            storm_seconds: 0,
            entries: 0,
            only: Vec::new(),
            json: false,
        }
    }

    /// The defaults of `pool`: those that the targets speak of.
    pub(super) fn pool() -> Self {
        Self {
            benchmark: Benchmark::Pool,
            idle: 10_000,
            storm: 1000,
            storm_seconds: 10,
            ..Self::path()
        }
    }

    /// The defaults of `cache`: likewise.
    pub(super) fn cache() -> Self {
        Self {
            benchmark: Benchmark::Cache,
            clients: vec![16],
            idle: 0,
            entries: 1_000_000,
            ..Self::path()
        }
    }

    /// The defaults of `profile`.
    pub(super) fn profile() -> Self {
        Self {
            benchmark: Benchmark::Profile,
            seconds: 5,
            ..Self::path()
        }
    }

    /// Sets what the command line says; `usage` is shown when it cannot be understood.
    pub(super) fn parse(mut self, arguments: &[&str], usage: &str) -> Result<Self> {
        let is_pool = self.benchmark == Benchmark::Pool;
        let is_profile = self.benchmark == Benchmark::Profile;
        let has_parts = !self.benchmark.parts().is_empty();
        let has_idle = matches!(self.benchmark, Benchmark::Path | Benchmark::Pool);
        let mut arguments = arguments.iter();
        while let Some(&name) = arguments.next() {
            match name {
                "--json" if !is_profile => {
                    self.json = true;
                    continue;
                }
                "--quick" if has_parts => {
                    self.hurry();
                    continue;
                }
                _ => {}
            }
            let mut value = || {
                let value = arguments.next().copied();
                value.with_context(|| format!("{name} needs a value\n\n{usage}"))
            };
            match name {
                "--seconds" => self.seconds = number(name, value()?, &SECONDS)?,
                "--rounds" if !is_profile => self.rounds = number(name, value()?, &ROUNDS)?,
                "--idle" if has_idle => self.idle = number(name, value()?, &IDLE)?,
                "--clients" => {
                    let each = value()?.split(',');
                    let each = each.map(|text| number(name, text, &CLIENTS));
                    self.clients = each.collect::<Result<_>>()?;
                }
                "--storm" if is_pool => self.storm = number(name, value()?, &STORM)?,
                "--only" if has_parts => {
                    self.only = value()?
                        .split(',')
                        .map(|text| Part::parse(text, self.benchmark))
                        .collect::<Result<_>>()?;
                }
                _ => bail!("unknown option {name}\n\n{usage}"),
            }
        }
        Ok(self)
    }

    /// Shows in three minutes that everything works; its figures prove nothing.
    fn hurry(&mut self) {
        self.seconds = 1;
        self.rounds = 2;
        self.idle = self.idle.min(1000);
        self.storm_seconds = 3;
        self.entries = self.entries.min(100_000);
    }

    /// Whether a part is wanted.
    pub(super) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// The length of one measurement.
    pub(super) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

fn number(name: &str, text: &str, range: &RangeInclusive<u32>) -> Result<u32> {
    let number = text
        .parse()
        .with_context(|| format!("{name}: `{text}` is not a whole number"))?;
    let (least, most) = (range.start(), range.end());
    ensure!(
        range.contains(&number),
        "{name}: {number} is not from {least} to {most}"
    );
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(arguments: &[&str]) -> Result<Options> {
        Options::path().parse(arguments, "usage")
    }

    fn pool(arguments: &[&str]) -> Result<Options> {
        Options::pool().parse(arguments, "usage")
    }

    #[test]
    fn reads_all_options() {
        let options = path(&[
            "--clients",
            "1,4",
            "--json",
            "--seconds",
            "9",
            "--idle",
            "0",
        ]);
        let expected = Options {
            seconds: 9,
            clients: vec![1, 4],
            idle: 0,
            json: true,
            ..Options::path()
        };
        assert_eq!(options.unwrap(), expected);
        let options = pool(&["--storm", "50", "--only", "storm,idle"]).unwrap();
        let expected = Options {
            storm: 50,
            only: vec![Part::Storm, Part::Idle],
            ..Options::pool()
        };
        assert!(options.wants(Part::Idle) && !options.wants(Part::MySql));
        assert_eq!(options, expected);
        let options = Options::cache().parse(&["--only", "herd"], "").unwrap();
        assert!(options.wants(Part::Herd) && !options.wants(Part::Hits));
    }

    #[test]
    fn what_follows_quick_wins() {
        let options = pool(&["--quick", "--idle", "7"]).unwrap();
        assert_eq!((options.rounds, options.idle), (2, 7));
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for arguments in [
            &["--clients", "0"] as &[_],
            &["--clients", "1,,2"],
            &["--seconds"],
            &["--rounds", "many"],
            &["--fast"],
            &["--quick"],
            &["--only", "storm"],
        ] {
            assert!(path(arguments).is_err(), "{arguments:?}");
        }
        assert!(pool(&["--only", "everything"]).is_err());
        assert!(pool(&["--only", "herd"]).is_err());
        assert!(Options::cache().parse(&["--idle", "2"], "").is_err());
        assert!(Options::profile().parse(&["--rounds", "2"], "").is_err());
    }
}
