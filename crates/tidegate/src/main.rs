//! The tidegate binary: `main` and its commands.

mod cache;
mod check;
mod configuration;
mod demo;
mod hyperdrive;
mod signals;
mod tunnel;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// A private, pooled path from edge functions to TiDB and MySQL.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Brings the whole path up on this machine, and proves it with queries.
    Demo(demo::DemoArgs),
    /// Runs an edge, a connector, or both, from a file.
    Up(up::UpArgs),
    /// Checks a file and says what is wrong with it.
    Check(check::CheckArgs),
    /// Shows the hyperdrives of an edge with their connection strings.
    Hyperdrive(hyperdrive::HyperdriveArgs),
    /// Shows the tunnels of an edge, and the token that a connector needs.
    Tunnel(tunnel::TunnelArgs),
    /// Purges a cache of the edge that runs.
    Cache(cache::CacheArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Demo(args) => block_on(demo::run(args))?,
        Command::Up(args) => block_on(up::run(args))?,
        Command::Check(args) => Ok(check::run(&args)?),
        Command::Hyperdrive(args) => Ok(hyperdrive::run(&args)?),
        Command::Tunnel(args) => Ok(tunnel::run(&args)?),
        Command::Cache(args) => Ok(cache::run(&args)?),
    }
}

/// Runs a command that serves.
fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}

#[expect(
    clippy::print_stderr,
    reason = "a command tells its user why it failed"
)]
fn report(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
