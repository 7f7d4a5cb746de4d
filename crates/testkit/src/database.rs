//! Real databases: MariaDB, MySQL and TiDB, each empty, each its own.

mod mariadb;
mod mysql;
mod tidb;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use tempfile::TempDir;

use crate::{Certificates, Process, eventually, free_port, skip};

/// Generous: the slowest needs 5 s, and tests run on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(90);

/// A client that does not get in by then reports why, and is tried again.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The password of the user `admin`, who may do everything from everywhere. Its name is also its
/// password, as the only thing that is protected is a temporary folder.
pub const ADMIN: &str = "admin";

/// Run once in a new MariaDB or MySQL, as its root.
const BOOTSTRAP: &str = "CREATE USER IF NOT EXISTS admin@'%' IDENTIFIED BY 'admin';\n\
     GRANT ALL PRIVILEGES ON *.* TO admin@'%' WITH GRANT OPTION;\n";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// MariaDB, as Debian has it.
    MariaDb,
    /// MySQL 9, whose users have `caching_sha2_password`.
    MySql,
    /// TiDB 8.5 on its built-in store.
    Tidb,
}

/// A running database with a user [`ADMIN`]. Killed when dropped.
#[derive(Debug)]
pub struct Database {
    kind: DatabaseKind,
    folder: TempDir,
    program: PathBuf,
    port: u16,
    certificates: Option<Certificates>,
    settings: Vec<String>,
    process: Process,
}

impl DatabaseKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::MariaDb, Self::MySql, Self::Tidb];

    fn program(self) -> Option<PathBuf> {
        match self {
            Self::MariaDb => mariadb::program(),
            Self::MySql => mysql::program(),
            Self::Tidb => tidb::program(),
        }
    }

    /// Makes the folder of data, where the database does not do that by itself.
    fn initialize(self, program: &Path, folder: &Path) -> Result<()> {
        match self {
            Self::MariaDb => mariadb::initialize(folder),
            Self::MySql => mysql::initialize(program, folder),
            Self::Tidb => Ok(()),
        }
    }

    fn command(
        self,
        program: &Path,
        folder: &Path,
        port: u16,
        certificates: Option<&Certificates>,
    ) -> Result<Command> {
        let mut command = Command::new(program);
        match self {
            Self::MariaDb => mariadb::arguments(&mut command, folder, port),
            Self::MySql => mysql::arguments(&mut command, folder, port),
            Self::Tidb => tidb::arguments(&mut command, folder, port, certificates)?,
        }
        if let (Self::MariaDb | Self::MySql, Some(files)) = (self, certificates) {
            command.arg(option("--ssl-ca=", &files.authority));
            command.arg(option("--ssl-cert=", &files.certificate));
            command.arg(option("--ssl-key=", &files.key));
        }
        Ok(command)
    }
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MariaDb => "MariaDB",
            Self::MySql => "MySQL",
            Self::Tidb => "TiDB",
        })
    }
}

impl Database {
    /// Starts one without TLS. `None`: it is not installed, and the skip was written down.
    pub async fn start(kind: DatabaseKind) -> Result<Option<Self>> {
        Self::launch(kind, false, &[]).await
    }

    /// Starts one without TLS that is given these arguments too, behind its own: the last word on a
    /// setting is the one that counts.
    pub async fn start_with(kind: DatabaseKind, settings: &[&str]) -> Result<Option<Self>> {
        Self::launch(kind, false, settings).await
    }

    /// Starts one that offers TLS with [`Certificates`] of its own.
    pub async fn start_with_tls(kind: DatabaseKind) -> Result<Option<Self>> {
        Self::launch(kind, true, &[]).await
    }

    async fn launch(kind: DatabaseKind, tls: bool, settings: &[&str]) -> Result<Option<Self>> {
        let Some(program) = kind.program() else {
            skip(
                &kind.to_string(),
                "it is not installed (`cargo xtask test` says why)",
            );
            return Ok(None);
        };
        let folder = tempfile::Builder::new().prefix("tidegate-db-").tempdir()?;
        let certificates = tls.then(|| Certificates::make(folder.path())).transpose()?;
        kind.initialize(&program, folder.path())?;
        let port = free_port();
        let settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
        let command = kind.command(&program, folder.path(), port, certificates.as_ref())?;
        let process = spawn(kind, command, folder.path(), &settings)?;
        let mut database = Self {
            kind,
            folder,
            program,
            port,
            certificates,
            settings,
            process,
        };
        database.ready().await?;
        Ok(Some(database))
    }

    /// Which it is.
    pub fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// Its TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What its TLS is made of.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// The address that a hyperdrive is given for its origin.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!(
            "mysql://{user}:{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// A connection as [`ADMIN`].
    pub async fn connect(&self) -> Result<Conn> {
        connect(self.port, ADMIN, ADMIN).await
    }

    /// Runs statements, each by itself, as [`ADMIN`].
    pub async fn execute_all(&self, statements: &[&str]) -> Result<()> {
        let mut connection = self.connect().await?;
        for statement in statements {
            connection
                .query_drop(*statement)
                .await
                .with_context(|| (*statement).to_owned())?;
        }
        Ok(connection.disconnect().await?)
    }

    /// Runs one statement as [`ADMIN`].
    pub async fn execute(&self, statement: &str) -> Result<()> {
        self.execute_all(&[statement]).await
    }

    /// Makes a database, and a user who may do everything in it.
    pub async fn create_database(&self, name: &str, user: &str, password: &str) -> Result<()> {
        self.execute_all(&[
            &format!("CREATE DATABASE {name}"),
            &format!("CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'"),
            &format!("GRANT ALL PRIVILEGES ON {name}.* TO '{user}'@'%'"),
        ])
        .await
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts it again on the same port and data, and waits until it answers.
    pub async fn restart(&mut self) -> Result<()> {
        self.process.kill()?;
        let (folder, files) = (self.folder.path(), self.certificates.as_ref());
        let command = self.kind.command(&self.program, folder, self.port, files)?;
        self.process = spawn(self.kind, command, folder, &self.settings)?;
        self.ready().await
    }

    /// Waits until [`ADMIN`] can ask; fails at once when the server ends.
    async fn ready(&mut self) -> Result<()> {
        if self.kind == DatabaseKind::Tidb {
            tidb::create_admin(self.port, &mut self.process, START_LIMIT).await?;
        }
        let port = self.port;
        let process = &mut self.process;
        let mut ended = None;
        let what = format!("{} answers", self.kind);
        let outcome = eventually(&what, START_LIMIT, async || {
            if let Err(error) = process.check() {
                ended = Some(error);
                return Ok(());
            }
            let mut connection = connect(port, ADMIN, ADMIN).await?;
            connection.query_drop("SELECT 1").await?;
            Ok(connection.disconnect().await?)
        })
        .await;
        ended.map_or(outcome, Err)
    }
}

fn spawn(
    kind: DatabaseKind,
    mut command: Command,
    folder: &Path,
    settings: &[String],
) -> Result<Process> {
    command.args(settings);
    // Whatever a server writes into its working folder goes away with it.
    command.current_dir(folder);
    Process::spawn(&kind.to_string(), &mut command, &folder.join("server.log"))
}

async fn connect(port: u16, user: &str, password: &str) -> Result<Conn> {
    let options = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port)
        .user(Some(user))
        .pass(Some(password))
        .prefer_socket(false);
    Ok(tokio::time::timeout(CONNECT_LIMIT, Conn::new(options)).await??)
}

/// `--name=path`, for a path that need not be UTF-8.
fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push(path);
    option
}

/// The user that a server run by root must be told, as it refuses to run as root unasked.
fn as_root() -> Option<&'static str> {
    rustix::process::geteuid()
        .is_root()
        .then_some("--user=root")
}
