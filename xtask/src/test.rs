//! `cargo xtask test`: installs what the tests need and says so, builds, runs every test of the
//! workspace, and closes with what ran and what was skipped and why. Nothing is skipped silently.
//!
//! Everything that is fetched or built for the tests is kept in `.cache` and
//! `clients/node_modules`, and is reused for as long as the file that pins it does not change: a
//! second run needs no network.

mod cloudflared;
mod javascript;
mod mariadb;
pub(crate) mod mysql;
mod orm;
mod part;
mod python;
mod summary;
mod system;
mod tidb;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, root, run as start};
use part::Part;
use summary::Summary;

/// Prepares, builds and tests. `--prepare` stops after the first. Other arguments are handed to
/// `cargo test`, to run only some of the tests.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let began = now();
    println!("== what the tests need");
    let parts = prepare()?;
    if arguments == ["--prepare"] {
        return Ok(());
    }
    println!("== build");
    start(cargo().args(["build", "-p", "tidegate"]))?;
    println!("== tests");
    let summary = test(&parts, arguments)?;
    println!("== summary");
    for part in &parts {
        println!("{part}");
    }
    summary.print(began.elapsed());
    if !summary.succeeded {
        bail!("tests failed, or did not build: cargo says which above");
    }
    Ok(())
}

/// Finds or installs each part; what cannot be had, and may be absent, is a part with a reason.
fn prepare() -> Result<Vec<Part>> {
    let steps: [fn() -> Result<Vec<Part>>; 7] = [
        mariadb::prepare,
        javascript::prepare,
        python::prepare,
        orm::prepare,
        tidb::prepare,
        || Ok(mysql::prepare()),
        || Ok(cloudflared::prepare()),
    ];
    let mut parts = Vec::new();
    for step in steps {
        for part in step()? {
            println!("{part}");
            parts.push(part);
        }
    }
    Ok(parts)
}

/// Runs `cargo test` and reads along.
fn test(parts: &[Part], arguments: &[&str]) -> Result<Summary> {
    let skips = root().join("target/skipped-tests");
    if skips.exists() {
        std::fs::remove_file(&skips).context("cannot remove the skips of the last run")?;
    }
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(arguments);
    command.env("TIDEGATE_BIN", root().join("target/debug/tidegate"));
    command.env("TIDEGATE_SKIPS", &skips);
    // A test that fails says what differs; where its error was made is no news.
    command.env("RUST_LIB_BACKTRACE", "0");
    for (name, value) in parts.iter().filter_map(Part::variable) {
        command.env(name, value);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo test")?;
    let stdout = child.stdout.take().context("cargo test has no stdout")?;
    let mut summary = Summary::default();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        println!("{line}");
        summary.read(&line);
    }
    summary.succeeded = child.wait()?.success();
    summary.skipped = std::fs::read_to_string(&skips)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect();
    Ok(summary)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a command line tool has no paused clock"
)]
fn now() -> Instant {
    Instant::now()
}
