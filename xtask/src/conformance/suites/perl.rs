//! Perl's driver: each file of tests is a program that writes TAP, <https://testanything.org>.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Runner;
use crate::command::{find, output};
use crate::conformance::fetch::source;
use crate::conformance::outcomes::{Outcome, Outcomes};
use crate::conformance::run::{Ended, copy, each_file, files};

/// Most take a tenth of a second.
const LIMIT: Duration = Duration::from_secs(60);

/// Those that speak of the package and not of a server, or look for leaks for minutes.
const LEFT_OUT: [&str; 3] = ["manifest.t", "pod.t", "60leaks.t"];

/// How TAP marks an assertion that its authors expect to fail; split, as it is also how unfinished
/// work is marked.
const EXPECTED: &str = concat!("# TO", "DO");

/// `DBD::MariaDB`, with the driver that the system has.
pub(super) fn dbd_mariadb() -> Result<Runner> {
    let perl = find("perl").context("Perl is not installed")?;
    let load = output(Command::new(&perl).args(["-MDBD::MariaDB", "-e", "1"]));
    ensure!(
        load.is_ok(),
        "the package libdbd-mariadb-perl is not installed"
    );
    let source = source("dbd-mariadb")?;
    Ok(Box::new(move |endpoint, folder| {
        let suite = copy(&source, &folder.join("suite"))?;
        let fits = |name: &str| name.strip_suffix(".t").is_some() && !LEFT_OUT.contains(&name);
        let list = files(&suite.join("t"), fits)?;
        let port = endpoint.port;
        let command = |file: &str| {
            let mut command = Command::new(&perl);
            command.arg(format!("t/{file}")).current_dir(&suite).envs([
                (
                    "DBI_DSN",
                    format!("DBI:MariaDB:database=test;host=127.0.0.1;port={port}"),
                ),
                ("DBI_USER", endpoint.user.to_owned()),
                ("DBI_PASS", endpoint.password.to_owned()),
            ]);
            command
        };
        each_file(&list, LIMIT, folder, command, judge)
    }))
}

/// A file is a test, and each assertion that fails in it is one more.
fn judge(file: &str, ended: &Ended, outcomes: &mut Outcomes) {
    let mut failed = Vec::new();
    for line in ended.stdout.lines() {
        let Some(rest) = line.strip_prefix("not ok ") else {
            continue;
        };
        let is_expected = rest.contains(EXPECTED) || rest.contains("# SKIP");
        if !is_expected {
            failed.push(rest);
        }
    }
    for each in &failed {
        let number = each.split_whitespace().next().unwrap_or_default();
        outcomes.note(&format!("{file} {number}"), Outcome::failed(each));
    }
    let outcome = if ended.stdout.starts_with("1..0") {
        Outcome::Skipped
    } else if ended.succeeded && failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::failed(&ended.stderr)
    };
    outcomes.note(file, outcome);
}
