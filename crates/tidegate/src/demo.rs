//! `tidegate demo`: the whole path on one machine, proved by queries.
//!
//! ```text
//! client.rs ──► edge ──► pool ──► tunnel ──► connector ──► database.rs
//!    │          └──────────── path.rs ────────────┘            ▲
//!    └───────────────── measure.rs: directly ──────────────────┘
//! ```
//!
//! What was seen becomes hops in `diagnose.rs`, and text in `render.rs` or `json.rs`. Everything
//! that was started ends with its handle, in whatever way the demo ends.

mod client;
mod database;
mod diagnose;
mod folder;
mod json;
mod measure;
mod path;
mod process;
mod progress;
mod render;
mod report;

use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use config::OriginUrl;
use domain::{ExposeSecret, OriginTls, PoolPolicy, SecretString};
use telemetry::LogFormat;

use crate::signals;
use client::{Client, ClientError};
use database::Database;
use diagnose::{DatabaseFacts, Facts, PoolFacts, TunnelFacts};
use folder::Folder;
use path::{Path, Plan};
use progress::Progress;
use render::Style;
use report::{OriginSummary, Report, Timings};

/// What is logged unless `TIDEGATE_LOG` says otherwise: the tree tells what went wrong.
const LOG_FILTER: &str = "off";

/// `tidegate demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The database, as mysql://user:password@host:port/database. Without it the demo starts one:
    /// tidb-server, mariadbd or mysqld if this machine has one, else an embedded SQLite.
    #[arg(long, value_name = "URL", value_parser = secret)]
    origin: Option<SecretString>,
    /// TLS towards the database of --origin. Default: disabled on loopback, else required.
    #[arg(long, value_name = "MODE", requires = "origin")]
    origin_tls: Option<TlsChoice>,
    /// Where the edge listens for MySQL clients. Default: 127.0.0.1:3307, any port where it is not
    /// free.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Most origin connections at a time.
    #[arg(long, value_name = "N")]
    pool_max: Option<NonZeroUsize>,
    /// Send every statement to the database. The query cache is off unless a file turns it on, so
    /// the demo always does.
    #[arg(long)]
    no_cache: bool,
    /// End after the report, instead of serving until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Report as one JSON object on one line.
    #[arg(long)]
    json: bool,
}

/// The modes of the key `tls`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TlsChoice {
    Disabled,
    Required,
    VerifyCa,
    VerifyIdentity,
}

#[expect(clippy::unnecessary_wraps, reason = "the form of clap's value parsers")]
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}

/// Runs the demo. It fails when any hop of the path did.
pub(crate) async fn run(args: DemoArgs) -> Result<ExitCode> {
    let filter = config::log_filter().unwrap_or_else(|| LOG_FILTER.to_owned());
    telemetry::init(LogFormat::Text, &filter)?;
    let given = given(&args)?;
    let progress = Progress::new();
    let mut shutdown = Box::pin(signals::shutdown());

    // The last to go, since servers write into it.
    let folder = Folder::make()?;
    let started = tokio::select! {
        () = &mut shutdown => return Ok(ExitCode::FAILURE),
        started = Demo::start(&args, given, &folder, progress) => started?,
    };
    let report = started.report();
    show(&report, args.json)?;
    if !report.is_ready() {
        started.stop().await?;
        return Ok(ExitCode::FAILURE);
    }
    if !args.once {
        progress::note("Everything is up. Ctrl-C ends it.");
        shutdown.await;
        progress::note("Draining.");
    }
    started.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// The database of `--origin`.
fn given(args: &DemoArgs) -> Result<Option<Database>> {
    let Some(url) = &args.origin else {
        return Ok(None);
    };
    let url = OriginUrl::parse(url.expose_secret()).context("--origin")?;
    let tls = match args.origin_tls {
        Some(choice) => choice.into(),
        None if is_loopback(&url.address.host) => OriginTls::Disabled,
        None => OriginTls::Required,
    };
    Ok(Some(Database::given(url, tls)))
}

fn is_loopback(host: &str) -> bool {
    let address = host
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    address || host.eq_ignore_ascii_case("localhost")
}

impl From<TlsChoice> for OriginTls {
    /// With the public authorities where something is verified.
    fn from(choice: TlsChoice) -> Self {
        match choice {
            TlsChoice::Disabled => Self::Disabled,
            TlsChoice::Required => Self::Required,
            TlsChoice::VerifyCa => Self::VerifyCa { roots_pem: None },
            TlsChoice::VerifyIdentity => Self::VerifyIdentity { roots_pem: None },
        }
    }
}

/// The result, on standard output; everything else goes to standard error.
#[expect(clippy::print_stdout, reason = "the result of the command")]
fn show(report: &Report, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(&json::report(report))?);
    } else {
        let colour = std::io::stdout().is_terminal();
        print!("{}", render::report(report, Style { colour }));
    }
    Ok(())
}

// === Demo ===

/// Everything that was started, and what was seen of it.
struct Demo {
    path: Option<Path>,
    database: Database,
    facts: Facts,
    timings: Timings,
}

impl Demo {
    async fn start(
        args: &DemoArgs,
        given: Option<Database>,
        folder: &Folder,
        progress: Progress,
    ) -> Result<Self> {
        let database = match given {
            Some(database) => database,
            None => Database::start(folder.path(), progress).await?,
        };
        let step = progress.step(format!(
            "asking the database at {}",
            database.target.address
        ));
        let version = version(&database).await;
        match &version {
            Ok(version) => step.done(&format!("database answers: {version}")),
            Err(error) => step.failed(&error.to_string()),
        }

        let step = progress.step("starting edge and connector");
        let plan = Plan {
            folder: folder.path(),
            listen: args.listen,
            pool_max: args
                .pool_max
                .map_or_else(|| PoolPolicy::default().max, NonZeroUsize::get),
            origin: &database.target,
        };
        let path = Path::start(&plan).await;
        match &path {
            Ok(path) => step.done(&format!("edge listens on {}", path.address)),
            Err(error) => step.failed(&format!("{error:#}")),
        }

        let mut demo = Self {
            facts: Facts {
                edge: path
                    .as_ref()
                    .map(|path| path.address.to_string())
                    .map_err(|error| format!("{error:#}")),
                pool: PoolFacts::default(),
                tunnel: TunnelFacts::default(),
                ingress: format!("tcp://{}", database.target.address),
                database: DatabaseFacts {
                    address: database.target.address.to_string(),
                    description: database.description.clone(),
                    is_given: database.is_given,
                    version,
                },
                through: None,
            },
            path: path.ok(),
            database,
            timings: Timings::default(),
        };
        demo.prove(progress).await;
        Ok(demo)
    }

    /// Asks through the path and directly, as far as both are there.
    async fn prove(&mut self, progress: Progress) {
        let Some(path) = &self.path else { return };
        if self.facts.database.version.is_ok() && path.tunnel().connections > 0 {
            let step = progress.step("asking through the path, and directly");
            let outcome = measure_all(path, &self.database, &mut self.timings).await;
            match &outcome {
                Ok(()) => step.done("queries went through the path"),
                Err(error) => step.failed(&error.to_string()),
            }
            self.facts.through = Some(outcome);
        }
        self.facts.pool = path.pool();
        self.facts.tunnel = path.tunnel();
    }

    fn report(&self) -> Report {
        let path = self.path.as_ref();
        Report {
            path: diagnose::path(&self.facts),
            timings: self.timings,
            origin: OriginSummary {
                kind: self.database.kind,
                version: self.facts.database.version.as_ref().ok().cloned(),
            },
            connection_string: path.map(|path| path.connection_string.clone()),
            command: path.map(Path::command),
            admin: path
                .and_then(|path| path.admin)
                .map(|address| address.to_string()),
        }
    }

    /// Drains the path; the database ends after it.
    async fn stop(self) -> Result<()> {
        if let Some(path) = self.path {
            path.drain().await?;
        }
        drop(self.database);
        Ok(())
    }
}

/// The database's own version, which also shows that it lets us in.
async fn version(database: &Database) -> Result<String, ClientError> {
    let mut client = Client::connect(&database.target).await?;
    let version = client.first_value("SELECT VERSION()").await?;
    client.quit().await;
    Ok(version)
}

async fn measure_all(
    path: &Path,
    database: &Database,
    timings: &mut Timings,
) -> Result<(), ClientError> {
    let entrance = path.target();
    timings.cold = Some(measure::first_row(&entrance).await?);
    let pooled = measure::median_first_row(&entrance).await?;
    let direct = measure::median_first_row(&database.target).await?;
    timings.direct = Some(direct.time);
    timings.pooled = Some(pooled.time);
    timings.rounds = (direct.rounds, pooled.rounds);
    Ok(())
}

#[cfg(test)]
mod tests;
