//! `tidegate check`: what is wrong with a file.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::configuration::ConfigArg;

/// `tidegate check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArg,
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode> {
    let config = args.config.read()?;
    if let Some(edge) = &config.edge {
        println!(
            "edge: MySQL on {}, {} hyperdrives, {} tunnels",
            edge.listen,
            edge.hyperdrives.len(),
            edge.tunnels.len()
        );
    }
    if let Some(connector) = &config.connector {
        println!(
            "connector: {} edges, {} ingress rules",
            connector.edge.len(),
            connector.ingress.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}
