//! A program that the demo starts: its output in a file, and no longer alive than its handle.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Lines of a program's output that are shown when it fails.
const LOG_LINES: usize = 8;

/// How often a program that is waited for is looked at.
pub(super) const POLL: Duration = Duration::from_millis(25);

/// A running program. It is killed, with all that it started, when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with its output in `log`.
    ///
    /// It gets a process group of its own, so that a Ctrl-C in the terminal reaches only us, who
    /// drain before we end it.
    pub(super) fn spawn(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("cannot write {name}'s log"))?;
        // Some write into the folder that they are started in.
        if let Some(folder) = log.parent() {
            command.current_dir(folder);
        }
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name,
            child,
            log: log.to_owned(),
        })
    }

    /// Fails, with the end of its output, if the program has ended.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.failed(status)),
        }
    }

    /// Waits until the program has ended well.
    pub(super) async fn succeed(mut self, limit: Duration) -> Result<()> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failed(status)),
                None if tokio::time::Instant::now() > deadline => {
                    bail!("{} took longer than {} s", self.name, limit.as_secs());
                }
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    fn failed(&self, status: ExitStatus) -> anyhow::Error {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.len().saturating_sub(LOG_LINES);
        let last = lines.get(end..).unwrap_or_default().join("\n    ");
        anyhow::anyhow!("{} ended ({status}); it said:\n    {last}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its data is thrown away, so it need not end in good order. Errors mean that it has ended.
        kill_group(&self.child);
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// With what it started: `mariadb-install-db` is a script that runs a server.
#[cfg(unix)]
fn kill_group(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(Err(error)) = group.map(|group| kill_process_group(group, Signal::KILL)) {
        tracing::debug!(%error, "Nothing of the program is left");
    }
}

#[cfg(not(unix))]
fn kill_group(_child: &Child) {}
