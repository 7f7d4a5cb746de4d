//! `cargo xtask bench`: what tidegate costs, measured beside others in the same run.
//!
//! Whatever is compared runs in turn, round after round, so that what disturbs the machine disturbs
//! all of it. Everything runs on this machine, in a temporary folder, as children of this process.

mod cache;
mod client;
mod database;
mod haproxy;
mod idle;
mod leg;
mod median;
mod numbers;
mod options;
mod path;
mod pool;
mod profile;
mod programs;
mod rounds;
mod router;
mod server;
mod startup;
mod sysbench;
mod tidegate;
mod verdict;
mod wait;
mod ways;

use anyhow::{Result, bail, ensure};
use tempfile::TempDir;

use options::Options;

const USAGE: &str = "usage: cargo xtask bench path|pool|cache|profile [OPTION...]

  path    what a query costs on each way to a database: direct, HAProxy, edge, edge and connector
  pool    what pooling costs: against HAProxy and MySQL Router, with crowds, storms and idlers
  cache   what the query cache costs: hits against an echo server, misses against none, memory
  profile where a query's processor time goes in HAProxy and in an edge, by system call and function

  --seconds N     length of each measurement (default 3)
  --rounds N      measurements of each way; medians are reported (default 5)
  --clients N,N   numbers of clients to measure with (default 1,16; cache: 16)
  --idle N        idle clients to measure the edge's memory with, 0 for none
                  (default 1000; pool: 10000; not cache)
  --json          one JSON object on one line instead of tables (not profile)

  --only P,P      only these parts (pool: mariadb, mysql, crowd, storm, idle;
                  cache: hits, misses, memory, herd)
  --quick         shows in three minutes that everything works; its figures prove nothing
                  (pool, cache)

only pool:
  --storm N       new clients per second in the storm (default 1000)";

/// Runs the benchmark that is named first.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    ensure!(
        cfg!(target_os = "linux"),
        "the benchmarks read processor time from /proc, which only Linux has"
    );
    match arguments {
        ["path", rest @ ..] => path::run(&Options::path().parse(rest, USAGE)?),
        ["pool", rest @ ..] => pool::run(&Options::pool().parse(rest, USAGE)?),
        ["cache", rest @ ..] => cache::run(&Options::cache().parse(rest, USAGE)?),
        ["profile", rest @ ..] => profile::run(&Options::profile().parse(rest, USAGE)?),
        _ => bail!("{USAGE}"),
    }
}

/// Where the servers of one run keep their files.
fn folder() -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    Ok(builder.prefix("tidegate-bench-").tempdir()?)
}

/// Says on stderr what goes on, as stdout is for the result.
fn progress(message: &str) {
    eprintln!("{message}");
}
