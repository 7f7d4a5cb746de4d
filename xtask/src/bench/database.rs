//! A database of our own, that all ways lead to.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::programs::Programs;
use super::server::{Server, free_port, make_folder};
use super::sysbench::Target;
use crate::command::output;

/// User, password and database in it.
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

/// What MariaDB does unasked: no log of changes, no protocol besides, no folder of the system's.
const MYSQL_SETTINGS: [&str; 3] = ["--skip-log-bin", "--mysqlx=OFF", "--secure-file-priv=NULL"];

/// A running database with a database and a user [`NAME`].
#[derive(Debug)]
pub(super) struct Database {
    pub(super) server: Server,
    pub(super) port: u16,
    folder: PathBuf,
}

impl Database {
    /// Makes the data of a MariaDB in `folder` and starts it.
    pub(super) fn mariadb(programs: &Programs, folder: &Path) -> Result<Self> {
        make_folder(folder)?;
        let mut install = Command::new(&programs.mariadb_install_db);
        install
            .arg("--no-defaults")
            .args(as_root(programs))
            .arg(option("--datadir=", &folder.join("data")))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        output(&mut install)?;
        Self::start("MariaDB", programs, &programs.mariadbd, &[], folder)
    }

    /// Makes the data of a MySQL in `folder` and starts it.
    pub(super) fn mysql(programs: &Programs, mysqld: &Path, folder: &Path) -> Result<Self> {
        make_folder(folder)?;
        let mut initialize = Command::new(mysqld);
        initialize
            .args(["--no-defaults", "--initialize-insecure"])
            .args(as_root(programs))
            .arg(option("--datadir=", &folder.join("data")));
        output(&mut initialize)?;
        Self::start("MySQL", programs, mysqld, &MYSQL_SETTINGS, folder)
    }

    fn start(
        name: &'static str,
        programs: &Programs,
        program: &Path,
        settings: &[&str],
        folder: &Path,
    ) -> Result<Self> {
        let port = free_port()?;
        let bootstrap = folder.join("bootstrap.sql");
        fs::write(&bootstrap, BOOTSTRAP)
            .with_context(|| format!("cannot write the bootstrap of {name}"))?;
        let mut command = Command::new(program);
        command
            .arg("--no-defaults")
            .args(as_root(programs))
            .arg(option("--datadir=", &folder.join("data")))
            .arg(option("--socket=", &folder.join("socket")))
            .arg(option("--pid-file=", &folder.join("pid")))
            .arg(option("--init-file=", &bootstrap))
            .arg(format!("--port={port}"))
            .args(SETTINGS)
            .args(settings);
        let mut server = Server::spawn(name, &mut command, folder.join("log"))?;
        server.until_greeting(port)?;
        Ok(Self {
            server,
            port,
            folder: folder.to_owned(),
        })
    }

    /// How a client logs in to it.
    pub(super) fn target(&self) -> Target {
        Target {
            port: self.port,
            user: NAME,
            password: NAME,
        }
    }

    /// How one logs in who may do anything; only to MariaDB.
    pub(super) fn root(&self) -> Target {
        Target {
            port: self.port,
            user: "root",
            password: "",
        }
    }

    /// Where it may write down each query that it gets.
    pub(super) fn log_of_queries(&self) -> PathBuf {
        self.folder.join("queries")
    }

    /// The origin of a hyperdrive.
    pub(super) fn origin(&self) -> String {
        format!("mysql://{NAME}:{NAME}@127.0.0.1:{}/{NAME}", self.port)
    }
}

/// What a server must be told that refuses to run as root unasked.
fn as_root(programs: &Programs) -> Option<&'static str> {
    programs.as_root.then_some("--user=root")
}

/// `--name=path`, for a path that need not be UTF-8.
fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}
