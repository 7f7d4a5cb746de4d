//! How MySQL is started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::{BOOTSTRAP, as_root, option};
use crate::program;

/// As MariaDB's; the X protocol would take a fixed port, and the folder for files is the system's.
const SETTINGS: [&str; 10] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",
    "--max-allowed-packet=64M",
    "--max-connections=300",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=2",
    "--performance-schema=OFF",
    "--skip-log-bin",
];

/// The one that is named, that of `PATH` unless it is MariaDB's under its old name, or the one that
/// `cargo xtask test` unpacked.
pub(super) fn program() -> Option<PathBuf> {
    let program = program::named("MYSQLD_BIN", "mysqld", ".cache/mysql/mysqld")?;
    if !is_mariadb(&program) {
        return Some(program);
    }
    let unpacked = program::checkout().join(".cache/mysql/mysqld");
    unpacked.is_file().then_some(unpacked)
}

fn is_mariadb(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("MariaDB"))
}

pub(super) fn initialize(program: &Path, folder: &Path) -> Result<()> {
    let output = Command::new(program)
        .args(["--no-defaults", "--initialize-insecure"])
        .args(as_root())
        .arg(option("--datadir=", &folder.join("data")))
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "mysqld --initialize-insecure failed: {errors}"
    );
    Ok(fs::write(folder.join("bootstrap.sql"), BOOTSTRAP)?)
}

pub(super) fn arguments(command: &mut Command, folder: &Path, port: u16) {
    command
        .arg("--no-defaults")
        .args(as_root())
        .arg(option("--datadir=", &folder.join("data")))
        .arg(option("--socket=", &folder.join("socket")))
        .arg(option("--pid-file=", &folder.join("pid")))
        .arg(option("--init-file=", &folder.join("bootstrap.sql")))
        .arg(format!("--port={port}"))
        .args(SETTINGS);
}
