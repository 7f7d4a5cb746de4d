//! Node's drivers: each file of tests is a program of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Runner;
use crate::command::{find, output, root, variable};
use crate::conformance::fetch::source;
use crate::conformance::outcomes::Outcomes;
use crate::conformance::place::Endpoint;
use crate::conformance::run::{by_status, copy, each_file, files};

/// Most take half a second; one that waits for something that does not come waits for ever.
const LIMIT: Duration = Duration::from_secs(30);

/// The tests of an old mysql2, the last that were published, with the mysql2 of the lock file.
pub(super) fn mysql2() -> Result<Runner> {
    let (source, packages) = (source("mysql2")?, packages()?);
    Ok(Box::new(move |endpoint, folder| {
        // They look for the driver in the folder above them.
        let driver = copy(&packages.join("mysql2"), &folder.join("mysql2"))?;
        copy(&source.join("test"), &driver.join("test"))?;
        symlink(&packages, folder.join("node_modules"))?;
        PLAIN.run(endpoint, folder, &driver)
    }))
}

/// mysql2's tests as they are developed, from a checkout of its repository.
pub(super) fn mysql2_source() -> Result<Runner> {
    let named = variable("MYSQL2_SOURCE").map(PathBuf::from);
    let checkout =
        named.context("its package has no tests, and MYSQL2_SOURCE names no checkout")?;
    let tsx = checkout.join("node_modules/tsx");
    ensure!(tsx.exists(), "`npm ci` was not run in MYSQL2_SOURCE");
    Ok(Box::new(move |endpoint, folder| {
        let tests = Tests {
            folders: &["test/integration", "test/global"],
            options: &["--import", "tsx"],
            end: ".test.mts",
        };
        tests.run(endpoint, folder, &checkout)
    }))
}

/// mysql, mysql2's predecessor, with the driver that its tests came with.
pub(super) fn mysqljs() -> Result<Runner> {
    let (source, packages) = (source("mysqljs")?, packages()?);
    Ok(Box::new(move |endpoint, folder| {
        let driver = copy(&source, &folder.join("mysql"))?;
        symlink(&packages, folder.join("node_modules"))?;
        PLAIN.run(endpoint, folder, &driver)
    }))
}

/// The files of tests of a driver.
struct Tests {
    /// The folders that they are in.
    folders: &'static [&'static str],
    /// What Node is told to run one.
    options: &'static [&'static str],
    /// How their names end.
    end: &'static str,
}

/// Those of drivers in plain JavaScript, which call them `test-….js`.
const PLAIN: Tests = Tests {
    folders: &["test/integration"],
    options: &[],
    end: ".js",
};

impl Tests {
    /// Whether a file is a test, and not what tests share.
    fn has(&self, path: &str) -> bool {
        let file = path.rsplit('/').next().unwrap_or(path);
        file.ends_with(self.end) && (self.end != PLAIN.end || file.starts_with("test-"))
    }

    /// Runs them one after the other.
    fn run(&self, endpoint: &Endpoint, logs: &Path, driver: &Path) -> Result<Outcomes> {
        let mut list = Vec::new();
        for folder in self.folders {
            let found = files(&driver.join(folder), |name| self.has(name))?;
            list.extend(found.iter().map(|file| format!("{folder}/{file}")));
        }
        let node = find("node").context("Node is not installed")?;
        let command = |file: &str| {
            let mut command = Command::new(&node);
            command
                .args(self.options)
                .arg(file)
                .current_dir(driver)
                .envs([
                    ("MYSQL_HOST", "127.0.0.1"),
                    ("MYSQL_PORT", &endpoint.port.to_string()),
                    ("MYSQL_USER", endpoint.user),
                    ("MYSQL_PASSWORD", endpoint.password),
                    ("MYSQL_DATABASE", "test"),
                    // The password is taken from the environment in CI only.
                    ("CI", "1"),
                    ("NO_COLOR", "1"),
                ]);
            command
        };
        each_file(&list, LIMIT, logs, command, by_status)
    }
}

/// The folder with the packages of `clients/conformance/package-lock.json`.
fn packages() -> Result<PathBuf> {
    let clients = root().join("clients/conformance");
    let packages = clients.join("node_modules");
    let lock = fs::read_to_string(clients.join("package-lock.json"))?;
    let stamp = packages.join(".installed-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(packages);
    }
    eprintln!("npm packages of the suites: not here; installing them");
    let npm = find("npm").context("npm is not installed")?;
    let mut command = Command::new(npm);
    command.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    output(command.current_dir(clients))?;
    fs::write(stamp, lock)?;
    Ok(packages)
}
