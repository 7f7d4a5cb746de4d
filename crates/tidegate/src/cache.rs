//! `tidegate cache purge`: tells the edge that runs that its origin was written to past it.

mod post;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use domain::{Address, TableName};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::configuration::ConfigArg;
use post::{Answer, post};

/// `tidegate cache`.
#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    /// Drops what the cache of a hyperdrive keeps: all of it, or what was read from some tables.
    Purge(PurgeArgs),
}

#[derive(Debug, Args)]
struct PurgeArgs {
    /// The hyperdrive's name.
    hyperdrive: String,
    /// Only what was read from this table: database.table, or table (in any database). It may be
    /// given several times.
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<TableName>,
    /// The edge's admin endpoint, as `host:port` or `http://host:port`. Default: the
    /// `edge.admin_listen` of the file.
    #[arg(long, value_name = "ADDRESS", value_parser = admin)]
    admin: Option<Address>,
    #[command(flatten)]
    config: ConfigArg,
    /// The result as one JSON object on one line.
    #[arg(long)]
    json: bool,
}

/// What the edge answers, in the envelope of its API.
#[derive(Debug, Deserialize)]
struct Envelope {
    result: Option<Purged>,
    errors: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    message: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Purged {
    hyperdrive: String,
    /// `None`: everything.
    tables: Option<Vec<String>>,
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(args: &CacheArgs) -> Result<ExitCode> {
    let CacheCommand::Purge(args) = &args.command;
    let purged = purge(args)?;
    if args.json {
        println!("{}", serde_json::to_string(&purged)?);
    } else if let Some(tables) = &purged.tables {
        let tables = tables.join(", ");
        println!("purged from the cache of {}: {tables}", purged.hyperdrive);
    } else {
        println!("purged the whole cache of {}", purged.hyperdrive);
    }
    Ok(ExitCode::SUCCESS)
}

fn purge(args: &PurgeArgs) -> Result<Purged> {
    let admin = match &args.admin {
        Some(admin) => admin.clone(),
        None => admin_of(&args.config)?,
    };
    let answer = post(&admin, &target(&args.hyperdrive, &args.tables))
        .with_context(|| format!("no edge answers at {admin}; does it run?"))?;
    purged(&answer, &admin)
        .with_context(|| format!("cannot purge the cache of {}", args.hyperdrive))
}

/// Path and query of the request.
fn target(hyperdrive: &str, tables: &[TableName]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let tables = tables
        .iter()
        .map(|table| format!("table={}", encoded(&table.to_string())));
    let query = tables.collect::<Vec<_>>().join("&");
    let path = format!("/hyperdrives/{}/cache/purge", encoded(hyperdrive));
    if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    }
}

fn purged(answer: &Answer, admin: &Address) -> Result<Purged> {
    let Ok(envelope) = serde_json::from_str::<Envelope>(&answer.body) else {
        bail!(
            "{admin} answers with status {} as no edge does; is that its edge.admin_listen?",
            answer.status
        );
    };
    let messages = envelope.errors.into_iter().map(|error| error.message);
    let messages = messages.collect::<Vec<_>>().join("; ");
    envelope.result.context(messages)
}

// === The admin endpoint ===

/// Reads the option `--admin`.
fn admin(text: &str) -> Result<Address, String> {
    let address = match text.split_once("://") {
        None => text,
        Some(("http", rest)) => rest.trim_end_matches('/'),
        Some(_) => return Err("the admin endpoint is at http://host:port".to_owned()),
    };
    address
        .parse()
        .map_err(|error: domain::ParseAddressError| error.to_string())
}

/// Where an edge of this file can be asked.
fn admin_of(config: &ConfigArg) -> Result<Address> {
    let file = config.file().display();
    let edge = config
        .read_edge()
        .context("the file says where the edge is, unless --admin does")?;
    let listens = edge.admin_listen.with_context(|| {
        format!(
            "this edge cannot be asked: give edge.admin_listen in {file}, such as \
             \"127.0.0.1:9090\", and start it again"
        )
    })?;
    if listens.port() == 0 {
        bail!(
            "edge.admin_listen in {file} lets the system choose the port; say with --admin which \
             one that is"
        );
    }
    let host = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(Address::new(host.to_string(), listens.port()))
}

#[cfg(test)]
mod tests;
