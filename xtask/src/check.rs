//! `cargo xtask check`: the long forms of two tests whose short forms are tests like any other. It
//! builds tidegate and the test, and hands its arguments on.

use anyhow::{Result, bail};

use crate::command::{cargo, root, run as start, variable};

const USAGE: &str = "usage: cargo xtask check CHECK [OPTION...]

  differential  compares random sessions with direct connections
  coherence     checks that no read through the cache is older than it may be

`cargo xtask check CHECK --help` has the options.";

/// Which build is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    Debug,
    Release,
}

/// Runs the check that is named first.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["differential", rest @ ..] => check("differential", Build::Debug, rest),
        // Only a debug build can be broken on purpose; a million reads want the other.
        ["coherence", rest @ ..] if rest.contains(&"--mutant") => {
            check("coherence", Build::Debug, rest)
        }
        ["coherence", rest @ ..] => check("coherence", Build::Release, rest),
        _ => bail!("{USAGE}"),
    }
}

/// Only the tidegate is built as wanted: the tests themselves are fast enough as they are.
fn check(name: &str, build: Build, arguments: &[&str]) -> Result<()> {
    start(cargo().args(["build", "--quiet", "-p", "e2e", "--bin", name]))?;
    let target = root().join("target");
    let mut command = std::process::Command::new(target.join("debug").join(name));
    if variable("TIDEGATE_BIN").is_none() {
        let mut building = cargo();
        building.args(["build", "--quiet", "-p", "tidegate"]);
        let folder = match build {
            Build::Debug => "debug",
            Build::Release => {
                building.arg("--release");
                "release"
            }
        };
        start(&mut building)?;
        command.env("TIDEGATE_BIN", target.join(folder).join("tidegate"));
    }
    start(command.args(arguments))
}
