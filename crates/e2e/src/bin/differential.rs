//! `cargo xtask check differential` runs this: the long form of the differential test.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::differential::{Campaign, Summary, Through};
use testkit::DatabaseKind;

/// Programs of a run that is asked for nothing else.
const PROGRAMS: usize = 10_000;

const USAGE: &str = "options of `cargo xtask check differential`:

  --origin NAME    mariadb (default), tidb or mysql
  --programs N     programs to compare (default 10000)
  --seed S         decides the programs (default 1)
  --from N         the number of the first scenario
  --clients N      sessions at a time (default 8)
  --enough N       kinds of differences after which it ends (default 1)
  --seconds N      ends by then although programs are left
  --no-shrink      leave what shows a difference as it is
  --replay FILE    run the scenario of a file
  --mutant NAME    run a tidegate that is broken on purpose, and fail unless a difference is found
  --cache          the tidegate has a cache, and the programs read more than once
  --direct         compare direct connections with direct ones
  --json           one JSON object on stdout in the end";

struct Arguments {
    campaign: Campaign,
    replay: Option<PathBuf>,
    json: bool,
}

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
    let Arguments {
        campaign,
        replay,
        json,
    } = parse(arguments)?;
    let say = |line: &str| eprintln!("{line}");
    let summary = match &replay {
        Some(file) => campaign.replay(file, say).await?,
        None => campaign.run(say).await?,
    };
    let Some(summary) = summary else {
        bail!("{} is not installed", campaign.kind);
    };
    if json {
        println!("{}", summary.json(&campaign));
    } else {
        print(&campaign, &summary);
    }
    ensure!(
        !campaign.cache || summary.hits > 0,
        "the cache answered nothing, so nothing was tested"
    );
    let is_broken = matches!(campaign.through, Through::Tidegate(Some(_)));
    Ok(summary.findings.is_empty() != is_broken)
}

fn print(campaign: &Campaign, summary: &Summary) {
    println!(
        "{}, seed {}: {} programs, {} replies of which {} errors, {} kinds of differences, {} s",
        campaign.kind,
        campaign.seed,
        summary.programs,
        summary.replies,
        summary.errors,
        summary.findings.len(),
        summary.elapsed.as_secs()
    );
    for finding in &summary.findings {
        println!(
            "{} x {}\n{}",
            finding.count, finding.signature, finding.text
        );
    }
    for (reason, count) in &summary.excused {
        println!("{count} x excused: {reason}");
    }
    if campaign.cache {
        println!("{} hits of the cache", summary.hits);
        for (reason, count) in &summary.not_hit {
            println!("{count} x not: {reason}");
        }
    }
    for pin in &summary.pins {
        println!("{pin}");
    }
}

fn parse(arguments: &[String]) -> Result<Arguments> {
    let nothing = Through::Tidegate(None);
    let mut parsed = Arguments {
        campaign: Campaign::new(DatabaseKind::MariaDb, nothing, 1, PROGRAMS),
        replay: None,
        json: false,
    };
    let campaign = &mut parsed.campaign;
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--help" => bail!("{USAGE}"),
            "--json" => parsed.json = true,
            "--cache" => campaign.cache = true,
            "--no-shrink" => campaign.shrink = false,
            "--direct" => campaign.through = Through::Nothing,
            _ => {
                let value = arguments.next();
                let value = value.with_context(|| format!("{name}?\n\n{USAGE}"))?;
                match name.as_str() {
                    "--origin" => campaign.kind = origin(value)?,
                    "--programs" => campaign.programs = value.parse()?,
                    "--seed" => campaign.seed = value.parse()?,
                    "--from" => campaign.from = value.parse()?,
                    "--clients" => campaign.lanes = value.parse()?,
                    "--enough" => campaign.enough = value.parse()?,
                    "--seconds" => campaign.limit = Some(Duration::from_secs(value.parse()?)),
                    "--replay" => parsed.replay = Some(value.into()),
                    "--mutant" => campaign.through = Through::Tidegate(Some(value.clone())),
                    _ => bail!("{name}?\n\n{USAGE}"),
                }
            }
        }
    }
    Ok(parsed)
}

fn origin(name: &str) -> Result<DatabaseKind> {
    Ok(match name {
        "mariadb" => DatabaseKind::MariaDb,
        "mysql" => DatabaseKind::MySql,
        "tidb" => DatabaseKind::Tidb,
        _ => bail!("no such origin: {name}"),
    })
}
