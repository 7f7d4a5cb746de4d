//! A database and an edge in front of it, with the same user and password on both.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use testkit::{Certificates, Database, DatabaseKind, Tidegate, free_port};

/// Some suites know no other user.
const USER: &str = "root";
const PASSWORD: &str = "0rigin";

/// The databases that suites expect.
const DATABASES: [&str; 5] = ["test", "test1", "test2", "test_pymysql", "test_pymysql2"];

/// What suites expect of the settings of a server, and may leave otherwise.
const GLOBALS: [&str; 2] = [
    "SET GLOBAL local_infile = 1",
    "SET GLOBAL max_prepared_stmt_count = DEFAULT",
];

const READY_LIMIT: Duration = Duration::from_secs(60);

/// Where a suite finds its server.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// Completes "it was run ".
    pub(super) way: &'static str,
    pub(super) port: u16,
    pub(super) user: &'static str,
    pub(super) password: &'static str,
    /// The authority that signed the server's certificate.
    pub(super) authority: PathBuf,
}

/// A running database and edge.
#[derive(Debug)]
pub(super) struct Place {
    database: Database,
    direct: Endpoint,
    through: Endpoint,
    /// Ends with the place.
    _edge: Tidegate,
    _folder: TempDir,
}

impl Place {
    /// Starts both. `None`: the database is not installed.
    pub(super) async fn start(kind: DatabaseKind, pool: u32) -> Result<Option<Self>> {
        let Some(database) = Database::start_with_tls(kind).await? else {
            return Ok(None);
        };
        prepare(&database).await?;
        let certificates = database.certificates().context("it was started with TLS")?;
        let folder = tempfile::Builder::new()
            .prefix("tidegate-edge-")
            .tempdir()?;
        let endpoint = |way, port| Endpoint {
            way,
            port,
            user: USER,
            password: PASSWORD,
            authority: certificates.authority.clone(),
        };
        let direct = endpoint("directly", database.port());
        let through = endpoint("through tidegate", free_port());
        let admin_port = free_port();
        let configuration = configuration(&database, certificates, through.port, admin_port, pool);
        let mut edge = Tidegate::spawn("edge", folder.path(), &configuration, admin_port)?;
        edge.ready(READY_LIMIT).await?;
        Ok(Some(Self {
            database,
            direct,
            through,
            _edge: edge,
            _folder: folder,
        }))
    }

    pub(super) fn kind(&self) -> DatabaseKind {
        self.database.kind()
    }

    pub(super) fn direct(&self) -> &Endpoint {
        &self.direct
    }

    pub(super) fn through(&self) -> &Endpoint {
        &self.through
    }

    /// Leaves nothing of the run before.
    pub(super) async fn empty(&self) -> Result<()> {
        for name in DATABASES {
            let drop = format!("DROP DATABASE IF EXISTS {name}");
            let create =
                format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci");
            self.database.execute_all(&[&drop, &create]).await?;
        }
        self.database.execute_all(&GLOBALS).await
    }
}

async fn prepare(database: &Database) -> Result<()> {
    database
        .execute_all(&[
            &format!("CREATE USER IF NOT EXISTS {USER}@'%'"),
            &format!("ALTER USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'"),
            &format!("GRANT ALL PRIVILEGES ON *.* TO {USER}@'%' WITH GRANT OPTION"),
            // Both are nearer than `%` to a client on this machine.
            &format!("DROP USER IF EXISTS {USER}@'127.0.0.1'"),
        ])
        .await
}

fn configuration(
    database: &Database,
    certificates: &Certificates,
    port: u16,
    admin_port: u16,
    pool: u32,
) -> String {
    let origin = database.url(USER, PASSWORD, "test");
    let (certificate, key) = (
        certificates.certificate.display(),
        certificates.key.display(),
    );
    format!(
        "[log]\nlevel = \"warn\"\n\
         [edge]\n\
         state_dir = \"state\"\n\
         listen = \"127.0.0.1:{port}\"\n\
         admin_listen = \"127.0.0.1:{admin_port}\"\n\
         [edge.tls]\n\
         cert_file = \"{certificate}\"\n\
         key_file = \"{key}\"\n\
         [[edge.hyperdrives]]\n\
         name = \"{USER}\"\n\
         password = \"{PASSWORD}\"\n\
         origin = \"{origin}\"\n\
         tls = \"required\"\n\
         [edge.hyperdrives.pool]\n\
         max = {pool}\n\
         wait_timeout = \"5s\"\n"
    )
}
