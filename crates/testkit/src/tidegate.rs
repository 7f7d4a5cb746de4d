//! The built `tidegate`, running from a configuration file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::program::{checkout, variable};
use crate::{Process, eventually, http_get};

/// Generous: it is 100 ms on an idle machine, and tests run on a busy one.
const START_LIMIT: Duration = Duration::from_secs(30);

/// One `tidegate up`.
#[derive(Debug)]
pub struct Tidegate {
    name: String,
    folder: PathBuf,
    admin_port: u16,
    arguments: Vec<String>,
    process: Process,
}

impl Tidegate {
    /// Writes `configuration` into `folder` and starts `tidegate up` there, without waiting until
    /// it is ready. `admin_port` is the one that the configuration says.
    pub fn spawn(name: &str, folder: &Path, configuration: &str, admin_port: u16) -> Result<Self> {
        Self::spawn_with(name, folder, configuration, admin_port, Vec::new())
    }

    /// As [`Tidegate::spawn`], with more arguments of the command.
    pub fn spawn_with(
        name: &str,
        folder: &Path,
        configuration: &str,
        admin_port: u16,
        arguments: Vec<String>,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("tidegate.toml"), configuration)?;
        let process = Self::launch(name, folder, &arguments)?;
        Ok(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            admin_port,
            arguments,
            process,
        })
    }

    /// As [`Tidegate::spawn`], and waits until `/ready` says yes.
    pub async fn start(
        name: &str,
        folder: &Path,
        configuration: &str,
        admin_port: u16,
    ) -> Result<Self> {
        let mut started = Self::spawn(name, folder, configuration, admin_port)?;
        started.ready(START_LIMIT).await?;
        Ok(started)
    }

    /// Runs `tidegate` with arguments to its end, within 30 s, and returns how it ended and what it
    /// wrote.
    pub async fn run(folder: &Path, arguments: &[&str]) -> Result<(ExitStatus, String)> {
        let mut process = Self::command(folder, arguments, &[])?;
        let status = process.wait(START_LIMIT).await?;
        Ok((status, process.log()))
    }

    /// Starts any command of `tidegate`, with variables of the environment that differ from ours.
    pub fn command(
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Process> {
        let mut command = Command::new(program()?);
        command
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(folder);
        Process::spawn(
            "tidegate",
            &mut command,
            &folder.join("tidegate-command.log"),
        )
    }

    fn launch(name: &str, folder: &Path, arguments: &[String]) -> Result<Process> {
        let mut command = Command::new(program()?);
        command
            .args(["up", "--config", "tidegate.toml"])
            .args(arguments)
            .current_dir(folder);
        Process::spawn(name, &mut command, &folder.join("tidegate.log"))
    }

    /// Waits until `/ready` answers 200; fails at once when the process ends.
    pub async fn ready(&mut self, limit: Duration) -> Result<()> {
        let port = self.admin_port;
        let what = format!("{} is ready", self.name);
        let process = &mut self.process;
        let mut ended = None;
        let outcome = eventually(&what, limit, async || {
            if let Err(error) = process.check() {
                ended = Some(error);
                return Ok(());
            }
            let response = http_get(port, "/ready").await?;
            ensure!(
                response.status == 200,
                "/ready: {} {}",
                response.status,
                response.body
            );
            Ok(())
        })
        .await;
        ended.map_or(outcome, Err)
    }

    /// Its admin endpoint's port.
    pub fn admin_port(&self) -> u16 {
        self.admin_port
    }

    /// What `/ready` answers now.
    pub async fn readiness(&self) -> Result<u16> {
        Ok(http_get(self.admin_port, "/ready").await?.status)
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> Result<String> {
        let response = http_get(self.admin_port, "/metrics").await?;
        ensure!(response.status == 200, "/metrics: {}", response.status);
        Ok(response.body)
    }

    /// The process, to be killed or asked to end.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Starts it again from the same file, after it ended.
    pub async fn restart(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = Self::launch(&self.name, &self.folder, &self.arguments)?;
        self.ready(START_LIMIT).await
    }
}

/// The binary: the one that `TIDEGATE_BIN` names, else the checkout's, built now so that no test
/// runs against an old one.
fn program() -> Result<PathBuf> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = PROGRAM.get_or_init(|| {
        let named = variable("TIDEGATE_BIN").map(PathBuf::from);
        named.map_or_else(|| build().map_err(|error| format!("{error:#}")), Ok)
    });
    found.clone().map_err(anyhow::Error::msg)
}

fn build() -> Result<PathBuf> {
    let cargo = variable("CARGO").unwrap_or_else(|| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "-p", "tidegate"])
        .current_dir(checkout())
        .output()
        .context("cannot start cargo to build tidegate")?;
    if !output.status.success() {
        bail!(
            "cannot build tidegate:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // A test program is target/debug/deps/NAME, any other target/debug/NAME; the binary is
    // target/debug/tidegate.
    let program = std::env::current_exe()?;
    let folder = program.parent().context("this program is in no folder")?;
    let folder = match folder.parent() {
        Some(above) if folder.ends_with("deps") => above,
        _ => folder,
    };
    Ok(folder.join("tidegate"))
}
