//! `tidegate hyperdrive list`: what clients connect with.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use domain::{ExposeSecret, Hyperdrive, Snapshot, Via};
use serde::Serialize;

use crate::configuration::ConfigArg;

/// `tidegate hyperdrive`.
#[derive(Debug, Args)]
pub(crate) struct HyperdriveArgs {
    #[command(subcommand)]
    command: HyperdriveCommand,
}

#[derive(Debug, Subcommand)]
enum HyperdriveCommand {
    /// Lists the hyperdrives with their connection strings, which hold passwords.
    List {
        #[command(flatten)]
        config: ConfigArg,
        /// One JSON array on one line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    origin: String,
    tunnel: Option<String>,
    connection_string: String,
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(args: &HyperdriveArgs) -> Result<ExitCode> {
    let HyperdriveCommand::List { config, json } = &args.command;
    let config = config.read_edge()?;
    let (_store, snapshot) = app::stored_snapshot(&config)?;
    let mut rows: Vec<_> = snapshot
        .hyperdrives()
        .map(|hyperdrive| row(hyperdrive, &snapshot, config.listen))
        .collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    if *json {
        println!("{}", serde_json::to_string(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    for row in rows {
        let way = row
            .tunnel
            .map_or_else(String::new, |tunnel| format!(" through tunnel {tunnel}"));
        println!("{}  ({}{way})", row.name, row.origin);
        println!("  {}", row.connection_string);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(hyperdrive: &Hyperdrive, snapshot: &Snapshot, listen: std::net::SocketAddr) -> Row {
    let tunnel = match hyperdrive.origin.via {
        Via::Direct => None,
        Via::Tunnel(id) => snapshot.tunnel(id).map(|tunnel| tunnel.name.clone()),
    };
    let connection_string = app::connection_string(hyperdrive, listen);
    Row {
        id: hyperdrive.id.to_string(),
        name: hyperdrive.name.clone(),
        origin: hyperdrive.origin.address.to_string(),
        tunnel,
        connection_string: connection_string.expose_secret().to_owned(),
    }
}
