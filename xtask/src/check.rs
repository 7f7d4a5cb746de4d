//! `cargo xtask check differential`: the long form of the differential test, whose short form is a
//! test like any other. It builds tidegate and the test, and hands its arguments on.

use anyhow::{Result, bail};

use crate::command::{cargo, root, run as start, variable};

const USAGE: &str = "usage: cargo xtask check differential [OPTION...]

`cargo xtask check differential --help` has the options.";

/// Runs the check that is named first.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["differential", rest @ ..] => differential(rest),
        _ => bail!("{USAGE}"),
    }
}

fn differential(arguments: &[&str]) -> Result<()> {
    start(cargo().args(["build", "--quiet", "-p", "e2e", "--bin", "differential"]))?;
    let folder = root().join("target/debug");
    let mut command = std::process::Command::new(folder.join("differential"));
    if variable("TIDEGATE_BIN").is_none() {
        start(cargo().args(["build", "--quiet", "-p", "tidegate"]))?;
        command.env("TIDEGATE_BIN", folder.join("tidegate"));
    }
    start(command.args(arguments))
}
