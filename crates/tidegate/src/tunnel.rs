//! `tidegate tunnel list` and `tidegate tunnel token`: what connectors register with.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use domain::{ExposeSecret, Snapshot};
use tunnel_proto::Credentials;

use crate::configuration::ConfigArg;

/// `tidegate tunnel`.
#[derive(Debug, Args)]
pub(crate) struct TunnelArgs {
    #[command(subcommand)]
    command: TunnelCommand,
}

#[derive(Debug, Subcommand)]
enum TunnelCommand {
    /// Lists the tunnels: id and name.
    List {
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Prints the token of a tunnel, for `connector.token` here and for cloudflared's `--token`.
    Token {
        /// The tunnel's name.
        name: String,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Prints the tunnel's credentials file, for cloudflared's `credentials-file`.
    Credentials {
        /// The tunnel's name.
        name: String,
        #[command(flatten)]
        config: ConfigArg,
    },
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(args: &TunnelArgs) -> Result<ExitCode> {
    match &args.command {
        TunnelCommand::List { config } => {
            for tunnel in snapshot(config)?.tunnels() {
                println!("{}  {}", tunnel.id, tunnel.name);
            }
        }
        TunnelCommand::Token { name, config } => {
            let token = credentials(&snapshot(config)?, name)?.to_token();
            println!("{}", token.expose_secret());
        }
        TunnelCommand::Credentials { name, config } => {
            let file = credentials(&snapshot(config)?, name)?.to_file();
            println!("{}", file.expose_secret());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn snapshot(config: &ConfigArg) -> Result<Snapshot> {
    let (_store, snapshot) = app::stored_snapshot(&config.read_edge()?)?;
    Ok(snapshot)
}

fn credentials(snapshot: &Snapshot, name: &str) -> Result<Credentials> {
    let tunnel = snapshot
        .tunnels()
        .find(|tunnel| tunnel.name == name)
        .with_context(|| format!("no tunnel has the name `{name}`; see `tidegate tunnel list`"))?;
    Ok(Credentials {
        account: tunnel.account.clone(),
        tunnel: tunnel.id,
        secret: tunnel.secret.clone(),
        endpoint: None,
    })
}
