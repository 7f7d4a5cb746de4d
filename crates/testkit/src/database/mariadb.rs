//! How MariaDB is started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{BOOTSTRAP, as_root, option};
use crate::{checkout, find};

/// Small, and careless of a crash of the machine, but not of the server: what was committed is
/// still there when a killed server is started again.
const SETTINGS: [&str; 8] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--max-allowed-packet=64M",
    "--max-connections=300",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=2",
    "--performance-schema=OFF",
];

pub(super) fn program() -> Option<PathBuf> {
    find("mariadb-install-db")?;
    find("mariadbd")
}

pub(super) fn initialize(folder: &Path) -> Result<()> {
    let program = find("mariadb-install-db").context("mariadb-install-db is not here")?;
    let output = Command::new(program)
        .arg("--no-defaults")
        .args(as_root())
        .arg(option("--datadir=", &folder.join("data")))
        // The default is one for all, in which two that run at the same time meet.
        .arg(option("--tmpdir=", folder))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .arg("--innodb-log-file-size=16M")
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "mariadb-install-db failed: {errors}"
    );
    Ok(fs::write(folder.join("bootstrap.sql"), BOOTSTRAP)?)
}

pub(super) fn arguments(command: &mut Command, folder: &Path, port: u16) {
    command
        .arg("--no-defaults")
        .args(as_root())
        .arg(option("--datadir=", &folder.join("data")))
        .arg(option("--tmpdir=", folder))
        .arg(option("--socket=", &folder.join("socket")))
        .arg(option("--pid-file=", &folder.join("pid")))
        .arg(option("--init-file=", &folder.join("bootstrap.sql")))
        .arg(format!("--port={port}"))
        .args(SETTINGS);
    if let Some(plugins) = unpacked_plugins() {
        command.arg(option("--plugin-dir=", &plugins));
    }
}

/// The plugins that `cargo xtask test` has unpacked, where the system has none.
fn unpacked_plugins() -> Option<PathBuf> {
    let folder = checkout().join(".cache/mariadb/root/usr/lib/mysql/plugin");
    folder.exists().then_some(folder)
}
