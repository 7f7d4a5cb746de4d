//! Memory of an edge with many clients that are logged in and ask nothing.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::programs::Programs;
use super::server::Server;
use super::sysbench::{self, Reads, Statements, Target};
use super::{progress, wait};

/// Each client is a thread of sysbench, which logs in before it starts.
const LOGIN_LIMIT: Duration = Duration::from_secs(120);

/// What logging in needed for a moment is given back.
const SETTLE: Duration = Duration::from_secs(2);

/// What sysbench says when all have logged in.
const LOGGED_IN: &str = "Threads started!";

/// Memory in KiB that is in RAM.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) clients: u32,
    /// After the runs, before these clients came.
    pub(super) before: f64,
    pub(super) with_clients: f64,
}

/// Sysbench with an end.
struct Clients(Child);

impl Idle {
    /// KiB for each client.
    pub(super) fn each(&self) -> f64 {
        (self.with_clients - self.before) / f64::from(self.clients)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Measures an edge; `None` when no clients are asked for.
pub(super) fn measure(
    programs: &Programs,
    clients: u32,
    (edge, target): (&Server, Target),
    log: &Path,
) -> Result<Option<Idle>> {
    if clients == 0 {
        return Ok(None);
    }
    progress(&format!("{clients} idle clients"));
    let before = edge.memory()?;
    let file = File::create(log).context("cannot make a log for sysbench")?;
    let child = sysbench::command(programs, &target, Reads::POINTS, Statements::Text)
        .arg(format!("--threads={clients}"))
        // One query per second, of all clients together, for longer than this takes.
        .args(["--rate=1", "--time=600", "run"])
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .context("cannot start sysbench")?;
    let mut sysbench = Clients(child);
    wait::until("all idle clients are logged in", LOGIN_LIMIT, || {
        let text = fs::read_to_string(log)?;
        if sysbench.0.try_wait()?.is_some() {
            bail!("sysbench ended:\n{text}");
        }
        Ok(text.contains(LOGGED_IN))
    })?;
    std::thread::sleep(SETTLE);
    let with_clients = edge.memory()?;
    Ok(Some(Idle {
        clients,
        before,
        with_clients,
    }))
}
