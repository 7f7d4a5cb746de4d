//! How MariaDB is started.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{START_LIMIT, Setup, as_root, find, option};
use crate::demo::process::Process;

/// Small, and careless of a crash of the machine: the data is thrown away.
const SETTINGS: [&str; 5] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
];

/// Nobody but the demo's user comes in.
const LOCK: [&str; 2] = [
    "DROP USER IF EXISTS root@localhost, root@'127.0.0.1', root@'::1'",
    "DROP USER IF EXISTS ''@localhost",
];

/// True if the program is MariaDB's.
pub(super) fn is_one(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("MariaDB"))
}

pub(super) async fn initialize(setup: &Setup<'_>) -> Result<()> {
    let program = find("mariadb-install-db").context("mariadb-install-db is not on PATH")?;
    let mut command = Command::new(program);
    command
        .arg("--no-defaults")
        .args(as_root())
        .arg(option("--datadir=", &setup.folder.join("data")))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .arg("--innodb-log-file-size=16M");
    let log = setup.folder.join("install.log");
    Process::spawn("mariadb-install-db", &mut command, &log)?
        .succeed(START_LIMIT)
        .await?;
    setup.write_statements(&LOCK)
}

pub(super) fn arguments(command: &mut Command, setup: &Setup<'_>) {
    command
        .arg("--no-defaults")
        .args(as_root())
        .arg(option("--datadir=", &setup.folder.join("data")))
        .arg(option("--socket=", &setup.folder.join("socket")))
        .arg(option("--pid-file=", &setup.folder.join("pid")))
        .arg(option("--init-file=", &setup.statements_file()))
        .arg(format!("--port={}", setup.port))
        .args(SETTINGS);
}
