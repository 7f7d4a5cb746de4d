//! How MySQL is started.

use std::process::Command;

use anyhow::Result;

use super::{START_LIMIT, Setup, as_root, option};
use crate::demo::process::Process;

/// Small, without the X protocol, and careless of a crash of the machine: the data is thrown away.
const SETTINGS: [&str; 7] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-log-bin",
];

/// Nobody but the demo's user comes in.
const LOCK: [&str; 1] = ["DROP USER IF EXISTS root@localhost"];

pub(super) async fn initialize(setup: &Setup<'_>) -> Result<()> {
    let mut command = Command::new(setup.program);
    command
        .args(["--no-defaults", "--initialize-insecure"])
        .args(as_root())
        .arg(option("--datadir=", &setup.folder.join("data")));
    let log = setup.folder.join("initialize.log");
    Process::spawn("mysqld --initialize-insecure", &mut command, &log)?
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
