//! `cargo xtask check coherence` runs this: the long form of the test of the cache's coherence.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use e2e::coherence::{Campaign, Through};
use testkit::DatabaseKind;

/// Reads of a run that is asked for nothing else.
const READS: u64 = 1_000_000;

const USAGE: &str = "options of `cargo xtask check coherence`:

  --origin NAME    mariadb (default), mysql or tidb
  --reads N        reads to check (default 1000000)
  --seconds N      ends by then although fewer were read
  --seed S         decides the choices (default 1)
  --mutant NAME    run a tidegate that is broken on purpose, and fail unless a violation is found
  --no-cache       run an edge without a cache
  --direct         run no edge at all
  --json           one JSON object on stdout in the end";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Result<bool> {
    let (campaign, json) = parse(arguments)?;
    let summary = campaign.run(|line| eprintln!("{line}")).await?;
    let Some(summary) = summary else {
        bail!("{} is not installed", campaign.kind);
    };
    if json {
        println!("{}", summary.json(&campaign));
    } else {
        println!("{}, seed {}: {summary}", campaign.kind, campaign.seed);
    }
    Ok(summary.violations.is_empty() != campaign.is_broken())
}

fn parse(arguments: &[String]) -> Result<(Campaign, bool)> {
    let mut campaign = Campaign::new(DatabaseKind::MariaDb, Through::Cache(None), READS);
    let mut json = false;
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--help" => bail!("{USAGE}"),
            "--json" => json = true,
            "--no-cache" => campaign.through = Through::Edge,
            "--direct" => campaign.through = Through::Nothing,
            _ => {
                let value = arguments.next();
                let value = value.with_context(|| format!("{name}?\n\n{USAGE}"))?;
                match name.as_str() {
                    "--origin" => campaign.kind = origin(value)?,
                    "--reads" => campaign.reads = value.parse()?,
                    "--seconds" => campaign.limit = Some(Duration::from_secs(value.parse()?)),
                    "--seed" => campaign.seed = value.parse()?,
                    "--mutant" => campaign.through = Through::Cache(Some(value.clone())),
                    _ => bail!("{name}?\n\n{USAGE}"),
                }
            }
        }
    }
    Ok((campaign, json))
}

fn origin(name: &str) -> Result<DatabaseKind> {
    Ok(match name {
        "mariadb" => DatabaseKind::MariaDb,
        "mysql" => DatabaseKind::MySql,
        "tidb" => DatabaseKind::Tidb,
        _ => bail!("no such origin: {name}"),
    })
}
