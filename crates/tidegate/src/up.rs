//! `tidegate up`: the roles of a file, until told to stop.

use std::process::ExitCode;

use anyhow::Result;
use app::App;
use clap::Args;
use config::LogConfig;
use telemetry::LogFormat;

use crate::configuration::ConfigArg;
use crate::signals;

/// `tidegate up`.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    config: ConfigArg,
}

pub(crate) async fn run(args: UpArgs) -> Result<ExitCode> {
    let config = args.config.read()?;
    start_logging(&config.log)?;
    let app = App::build(config)?;
    let mut serving = std::pin::pin!(app.run(signals::shutdown()));
    tokio::select! {
        served = &mut serving => served?,
        // Who asks twice does not want to wait for the drain.
        () = signals::second_shutdown() => return Ok(ExitCode::FAILURE),
    }
    Ok(ExitCode::SUCCESS)
}

fn start_logging(log: &LogConfig) -> Result<()> {
    let format = match log.format {
        config::LogFormat::Text => LogFormat::Text,
        config::LogFormat::Json => LogFormat::Json,
    };
    telemetry::init(format, &log.level)?;
    Ok(())
}
