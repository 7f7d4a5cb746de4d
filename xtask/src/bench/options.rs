//! What the command line asks of the benchmark.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::USAGE;

/// Longer measurements say nothing more.
const SECONDS: RangeInclusive<u32> = 1..=600;
const ROUNDS: RangeInclusive<u32> = 1..=99;
/// Each client is a thread of sysbench and, without a pool, a thread of the database.
const CLIENTS: RangeInclusive<u32> = 1..=512;
/// Each idle client takes a port of the machine, which has 28,000 to give.
const IDLE: RangeInclusive<u32> = 0..=20_000;

/// The options, with their defaults.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    /// Length of one measurement.
    pub(super) seconds: u32,
    /// How often each leg is measured.
    pub(super) rounds: u32,
    /// Numbers of clients to measure with.
    pub(super) clients: Vec<u32>,
    /// Idle clients of the measurement of memory; 0 for none.
    pub(super) idle: u32,
    /// One JSON object instead of tables.
    pub(super) json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seconds: 3,
            rounds: 5,
            clients: vec![1, 16],
            idle: 1000,
            json: false,
        }
    }
}

impl Options {
    pub(super) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(&name) = arguments.next() {
            if name == "--json" {
                options.json = true;
                continue;
            }
            let mut value = || {
                let value = arguments.next().copied();
                value.with_context(|| format!("{name} needs a value\n\n{USAGE}"))
            };
            match name {
                "--seconds" => options.seconds = number(name, value()?, &SECONDS)?,
                "--rounds" => options.rounds = number(name, value()?, &ROUNDS)?,
                "--idle" => options.idle = number(name, value()?, &IDLE)?,
                "--clients" => {
                    let each = value()?.split(',');
                    let each = each.map(|text| number(name, text, &CLIENTS));
                    options.clients = each.collect::<Result<_>>()?;
                }
                _ => bail!("unknown option {name}\n\n{USAGE}"),
            }
        }
        Ok(options)
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

    #[test]
    fn reads_all_options() {
        let arguments = [
            "--clients",
            "1,4",
            "--json",
            "--seconds",
            "9",
            "--idle",
            "0",
        ];
        let options = Options::parse(&arguments).unwrap();
        let expected = Options {
            seconds: 9,
            rounds: 5,
            clients: vec![1, 4],
            idle: 0,
            json: true,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for arguments in [
            &["--clients", "0"] as &[_],
            &["--clients", "1,,2"],
            &["--seconds"],
            &["--rounds", "many"],
            &["--fast"],
        ] {
            assert!(Options::parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
