//! The database at the end of the path: the one that is given, else a real server found on this
//! machine and started in the demo's folder, else the embedded demo origin.

mod mariadb;
mod mysql;
mod tidb;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use config::OriginUrl;
use demo_origin::{DemoConfig, DemoOrigin};
use domain::{Address, ExposeSecret, OriginTls, SecretString};
use tokio::time::Instant;
use uuid::Uuid;

use super::client::{Client, ClientError, Target};
use super::process::{POLL, Process};
use super::progress::Progress;

/// Longest that a server may take to make its data, and to answer. Generous: it is some seconds on
/// an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Where Debian keeps servers, which an ordinary user's `PATH` leaves out.
const SERVER_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// User and database of what the demo starts.
const NAME: &str = "demo";

/// A database that the demo can ask.
#[derive(Debug)]
pub(super) struct Database {
    /// How it is reached from this machine.
    pub(super) target: Target,
    /// In words, for example `MariaDB, started for this demo`.
    pub(super) description: String,
    /// In JSON.
    pub(super) kind: &'static str,
    /// Whether it is ours to start: then it being down is our fault.
    pub(super) is_given: bool,
    _running: Running,
}

/// What ends with the demo.
#[derive(Debug)]
enum Running {
    Elsewhere,
    Server { _process: Process },
    Embedded { _origin: DemoOrigin },
}

/// A real server that the demo knows how to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    Tidb,
    MariaDb,
    MySql,
}

/// What a server is started with.
struct Setup<'a> {
    program: &'a Path,
    folder: &'a Path,
    port: u16,
    password: &'a SecretString,
}

impl Database {
    /// The database of a URL.
    pub(super) fn given(url: OriginUrl, tls: OriginTls) -> Self {
        Self {
            description: "given by --origin".to_owned(),
            kind: "given",
            is_given: true,
            target: Target {
                address: url.address,
                user: url.user,
                password: url.password,
                database: url.database,
                tls,
            },
            _running: Running::Elsewhere,
        }
    }

    /// Starts the best one that this machine has, in `folder`.
    pub(super) async fn start(folder: &Path, progress: Progress) -> Result<Self> {
        for (server, program) in servers_here() {
            let name = server.name();
            let step = progress.step(format!("starting {name} ({})", program.display()));
            match server.start(&program, folder).await {
                Ok(database) => {
                    step.done(&format!("{name} runs in a temporary folder"));
                    return Ok(database);
                }
                Err(error) => step.failed(&format!("{error:#}")),
            }
        }
        Self::embedded(progress).await
    }

    pub(super) async fn embedded(progress: Progress) -> Result<Self> {
        let step = progress.step("starting the embedded demo origin");
        let password = random_password();
        let origin = DemoOrigin::start(DemoConfig {
            user: NAME.to_owned(),
            password: password.clone(),
            database: NAME.to_owned(),
        })
        .await?;
        step.done("embedded demo origin runs: SQLite, since no other database could be had");
        Ok(Self {
            target: local(origin.address().port(), NAME, password, Some(NAME)),
            description: "SQLite, embedded: real SQL on real rows, but no MySQL".to_owned(),
            kind: "sqlite",
            is_given: false,
            _running: Running::Embedded { _origin: origin },
        })
    }
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Tidb => "TiDB",
            Self::MariaDb => "MariaDB",
            Self::MySql => "MySQL",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Tidb => "tidb",
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    async fn start(self, program: &Path, folder: &Path) -> Result<Database> {
        let folder = folder.join(self.kind());
        std::fs::create_dir(&folder)?;
        let password = random_password();
        let setup = Setup {
            program,
            folder: &folder,
            port: free_port()?,
            password: &password,
        };
        let mut command = Command::new(program);
        match self {
            Self::Tidb => tidb::arguments(&mut command, &setup)?,
            Self::MariaDb => {
                mariadb::initialize(&setup).await?;
                mariadb::arguments(&mut command, &setup);
            }
            Self::MySql => {
                mysql::initialize(&setup).await?;
                mysql::arguments(&mut command, &setup);
            }
        }
        let log = folder.join("server.log");
        let mut process = Process::spawn(self.name(), &mut command, &log)?;
        if self == Self::Tidb {
            tidb::bootstrap(&setup, &mut process).await?;
        }
        let target = local(setup.port, NAME, password.clone(), Some(NAME));
        answering(&target, &mut process).await?.quit().await;
        Ok(Database {
            target,
            description: format!("{}, started for this demo", self.name()),
            kind: self.kind(),
            is_given: false,
            _running: Running::Server { _process: process },
        })
    }
}

impl Setup<'_> {
    /// What makes a new server the demo's: its user and its database with a table. One statement
    /// each.
    fn statements(&self) -> Vec<String> {
        let password = self.password.expose_secret();
        vec![
            format!("CREATE DATABASE {NAME}"),
            format!("CREATE USER '{NAME}'@'%' IDENTIFIED BY '{password}'"),
            format!("GRANT ALL PRIVILEGES ON {NAME}.* TO '{NAME}'@'%'"),
            format!(
                "CREATE TABLE {NAME}.products (id BIGINT PRIMARY KEY AUTO_INCREMENT, \
                 name VARCHAR(100) NOT NULL, price DOUBLE NOT NULL, stock BIGINT NOT NULL)"
            ),
            format!(
                "INSERT INTO {NAME}.products (name, price, stock) VALUES \
                 ('Tide table 2026', 14.5, 120), ('Brass compass', 89, 14), \
                 ('Oak gate, large', 2480, 1), ('Rubber boots', 34.9, 75)"
            ),
        ]
    }

    /// Writes the statements, and those of `more`, into a file for `--init-file`.
    fn write_statements(&self, more: &[&str]) -> Result<()> {
        let mut file = String::new();
        for statement in self
            .statements()
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
        {
            file.push_str(statement);
            file.push_str(";\n");
        }
        std::fs::write(self.statements_file(), file).context("cannot write the init-file")
    }

    fn statements_file(&self) -> PathBuf {
        self.folder.join("demo.sql")
    }
}

/// The servers of this machine, the one that fits best first.
fn servers_here() -> Vec<(Server, PathBuf)> {
    let mut found = Vec::new();
    if let Some(program) = find("tidb-server") {
        found.push((Server::Tidb, program));
    }
    if let Some(program) = find("mariadbd") {
        found.push((Server::MariaDb, program));
    }
    if let Some(program) = find("mysqld") {
        // MariaDB's old name, which it still has.
        if mariadb::is_one(&program) {
            if found.iter().all(|(server, _)| *server != Server::MariaDb) {
                found.push((Server::MariaDb, program));
            }
        } else {
            found.push((Server::MySql, program));
        }
    }
    found
}

/// Finds a program on `PATH`, or where servers are.
fn find(name: &str) -> Option<PathBuf> {
    config::env_path_search(name).or_else(|| {
        SERVER_FOLDERS
            .iter()
            .find_map(|folder| config::env_path_search(&format!("{folder}/{name}")))
    })
}

/// Waits until a server lets the target's user in.
async fn answering(target: &Target, process: &mut Process) -> Result<Client> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        process.check()?;
        match Client::connect(target).await {
            Ok(client) => return Ok(client),
            Err(ClientError::Dial(_) | ClientError::Io(_) | ClientError::Refused(_))
                if Instant::now() < deadline =>
            {
                tokio::time::sleep(POLL).await;
            }
            Err(error) => bail!("it does not answer: {error}"),
        }
    }
}

fn local(port: u16, user: &str, password: SecretString, database: Option<&str>) -> Target {
    Target {
        address: Address::new(Ipv4Addr::LOCALHOST.to_string(), port),
        user: user.to_owned(),
        password,
        database: database.map(str::to_owned),
        tls: OriginTls::Disabled,
    }
}

/// A port that nobody has now. Somebody may take it before the server does: then that server does
/// not start, and the demo says so.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// Letters and digits, of 122 random bits.
fn random_password() -> SecretString {
    SecretString::from(Uuid::new_v4().simple().to_string())
}

/// `--name=path`, for a path that need not be UTF-8.
fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push(path);
    option
}

/// The user that a server must be told when root starts it, as it refuses to run as root unasked.
#[cfg(unix)]
fn as_root() -> Option<&'static str> {
    rustix::process::geteuid()
        .is_root()
        .then_some("--user=root")
}

#[cfg(not(unix))]
fn as_root() -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_hold_no_line_break() {
        let password = SecretString::from("secret");
        let setup = Setup {
            program: Path::new("mariadbd"),
            folder: Path::new("folder"),
            port: 1,
            password: &password,
        };
        // `--init-file` takes one statement a line.
        for statement in setup.statements() {
            assert!(!statement.contains(['\n', ';']), "{statement}");
        }
    }

    #[tokio::test]
    async fn the_embedded_one_answers() {
        let database = Database::embedded(Progress::new()).await.unwrap();
        let mut client = Client::connect(&database.target).await.unwrap();
        let version = client.first_value("SELECT VERSION()").await.unwrap();
        assert_eq!(version, demo_origin::SERVER_VERSION);
        let count = client.first_value("SELECT COUNT(*) FROM products").await;
        assert_eq!(count.unwrap(), "12");
        assert!(client.execute("SET autocommit = 1").await.is_ok());
        let error = client
            .first_value("SELECT * FROM missing")
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some(1146));
        client.quit().await;
    }

    #[tokio::test]
    async fn a_wrong_password_is_told_by_its_code() {
        let database = Database::embedded(Progress::new()).await.unwrap();
        let mut target = database.target.clone();
        target.password = "wrong".into();
        let error = Client::connect(&target).await.unwrap_err();
        assert_eq!(error.code(), Some(1045));
    }
}
