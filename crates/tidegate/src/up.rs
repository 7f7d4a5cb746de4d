//! `tidegate up`: the roles of a file, until told to stop.

use std::process::ExitCode;

#[cfg(debug_assertions)]
use anyhow::Context;
use anyhow::Result;
use app::App;
#[cfg(debug_assertions)]
use app::Mutant;
use clap::Args;
use config::{Config, LogConfig};
use telemetry::LogFormat;

use crate::configuration::ConfigArg;
use crate::signals;

/// `tidegate up`.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Leaves a step out on purpose, for the tests that must find it.
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    mutant: Option<String>,
}

pub(crate) async fn run(args: UpArgs) -> Result<ExitCode> {
    let config = args.config.read()?;
    start_logging(&config.log)?;
    let app = build(config, &args)?;
    let mut serving = std::pin::pin!(app.run(signals::shutdown()));
    tokio::select! {
        served = &mut serving => served?,
        // Who asks twice does not want to wait for the drain.
        () = signals::second_shutdown() => return Ok(ExitCode::FAILURE),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(debug_assertions)]
fn build(config: Config, args: &UpArgs) -> Result<App> {
    let Some(name) = &args.mutant else {
        return App::build(config);
    };
    let mutant = Mutant::named(name).with_context(|| format!("no mutant is called '{name}'"))?;
    App::build_mutant(config, mutant)
}

#[cfg(not(debug_assertions))]
fn build(config: Config, _args: &UpArgs) -> Result<App> {
    App::build(config)
}

fn start_logging(log: &LogConfig) -> Result<()> {
    let format = match log.format {
        config::LogFormat::Text => LogFormat::Text,
        config::LogFormat::Json => LogFormat::Json,
    };
    telemetry::init(format, &log.level)?;
    Ok(())
}
