//! Runs a suite's programs, each to its end or its limit.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::outcomes::{Outcome, Outcomes};
use crate::command::output;

/// Fine enough for programs that take a tenth of a second.
const INTERVAL: Duration = Duration::from_millis(5);

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its status was 0.
    pub(super) succeeded: bool,
    /// What it wrote to stdout, then to stderr.
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program; one that takes longer than `limit` is killed, and has failed.
pub(super) fn finish(command: &mut Command, logs: &Path, limit: Duration) -> Result<Ended> {
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| logs.join(name));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(File::create(&stdout)?)
        .stderr(File::create(&stderr)?)
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let began = now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if began.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            break None;
        }
        sleep(INTERVAL);
    };
    let [stdout, mut stderr] = [stdout, stderr].map(|path| read(&path));
    if status.is_none() {
        stderr.push_str("\nit did not end in time");
    }
    Ok(Ended {
        succeeded: status.is_some_and(|status| status.success()),
        stdout,
        stderr,
    })
}

/// Runs each file of a suite as a program of its own: it passes when its status is 0.
pub(super) fn each_file(
    files: &[String],
    limit: Duration,
    logs: &Path,
    command: impl Fn(&str) -> Command,
    judge: impl Fn(&str, &Ended, &mut Outcomes),
) -> Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    for file in files {
        let ended = finish(&mut command(file), logs, limit)?;
        judge(file, &ended, &mut outcomes);
    }
    Ok(outcomes)
}

/// Judges a program by its status.
pub(super) fn by_status(file: &str, ended: &Ended, outcomes: &mut Outcomes) {
    let outcome = if ended.succeeded {
        Outcome::Passed
    } else {
        Outcome::failed(&format!(
            "{} {}",
            telling(&ended.stderr),
            telling(&ended.stdout)
        ))
    };
    outcomes.note(file, outcome);
}

/// The lines of a log that say what failed.
fn telling(text: &str) -> String {
    let lines = text.lines().filter(|line| {
        ["Error", "error", "not end in time", "Actual", "Expected"]
            .iter()
            .any(|word| line.contains(word))
    });
    lines.take(3).collect::<Vec<_>>().join("; ")
}

/// The files below a folder whose names fit, relative to the folder, in order.
pub(super) fn files(folder: &Path, fits: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(each) = folders.pop() {
        for entry in fs::read_dir(&each)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(folder)?;
            let name = relative.to_str().context("a test's name is not UTF-8")?;
            if fits(name) {
                found.push(name.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a folder with all in it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<PathBuf> {
    let mut command = Command::new("cp");
    output(command.arg("-RL").arg(from).arg(to))?;
    Ok(to.to_owned())
}

/// What a log holds; not all programs write UTF-8.
fn read(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a command line tool has no paused clock"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended() {
        let logs = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        let ended = finish(command.arg("60"), logs.path(), Duration::from_millis(50)).unwrap();
        assert!(!ended.succeeded);
        assert!(ended.stderr.contains("in time"));
    }
}
