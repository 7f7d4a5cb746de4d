//! A MariaDB of our own, that all ways lead to.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::programs::Programs;
use super::server::{Server, free_port, make_folder};
use super::sysbench::Target;
use crate::command::output;

/// User, password and database in MariaDB.
pub(super) const NAME: &str = "bench";

/// Run before it listens.
const BOOTSTRAP: &str = "CREATE DATABASE bench;\n\
     CREATE USER bench@'%' IDENTIFIED BY 'bench';\n\
     GRANT ALL PRIVILEGES ON bench.* TO bench@'%';\n";

/// All rows fit into memory, and there is a connection for each client of the largest run.
const SETTINGS: [&str; 6] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--max-connections=1100",
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=0",
    "--performance-schema=OFF",
];

/// A running MariaDB with a database and a user [`NAME`].
#[derive(Debug)]
pub(super) struct Database {
    pub(super) server: Server,
    pub(super) port: u16,
}

impl Database {
    /// Makes its data in `folder` and starts it.
    pub(super) fn start(programs: &Programs, folder: &Path) -> Result<Self> {
        make_folder(folder)?;
        let port = free_port()?;
        let user = programs.as_root.then_some("--user=root");
        let mut install = Command::new(&programs.mariadb_install_db);
        install
            .arg("--no-defaults")
            .args(user)
            .arg(option("--datadir=", &folder.join("data")))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        output(&mut install)?;
        let bootstrap = folder.join("bootstrap.sql");
        fs::write(&bootstrap, BOOTSTRAP).context("cannot write the bootstrap of MariaDB")?;
        let mut command = Command::new(&programs.mariadbd);
        command
            .arg("--no-defaults")
            .args(user)
            .arg(option("--datadir=", &folder.join("data")))
            .arg(option("--socket=", &folder.join("socket")))
            .arg(option("--pid-file=", &folder.join("pid")))
            .arg(option("--init-file=", &bootstrap))
            .arg(format!("--port={port}"))
            .args(SETTINGS);
        let mut server = Server::spawn("MariaDB", &mut command, folder.join("log"))?;
        server.until_greeting(port)?;
        Ok(Self { server, port })
    }

    /// How a client logs in to it.
    pub(super) fn target(&self) -> Target {
        Target {
            port: self.port,
            user: NAME,
            password: NAME,
        }
    }

    /// The origin of a hyperdrive.
    pub(super) fn origin(&self) -> String {
        format!("mysql://{NAME}:{NAME}@127.0.0.1:{}/{NAME}", self.port)
    }
}

/// `--name=path`, for a path that need not be UTF-8.
fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}
