//! The two sides: a server of its own for direct connections, and one behind tidegate, so that both
//! have the same names, ids and locks in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};
use tempfile::TempDir;
use testkit::{Database, DatabaseKind, Process, Tidegate, eventually, free_port, http_get};

use super::schema;
use crate::Endpoint;

/// Origin connections that all sessions share.
const POOL: u32 = 2;

/// Generous, as tests run on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// The origin's user, and its password.
const USER: &str = "clerk";
const PASSWORD: &str = "0rigin";

/// A lane's tables are made anew within this, in seconds, or something holds a lock on them. A
/// statement of TiDB's that is killed while it takes locks may leave them to expire: after 20 s.
const LOCK_LIMIT: u32 = 40;

/// What the sessions that are compared with direct ones go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// tidegate; with a mutant's name, one that is broken on purpose.
    Tidegate(Option<String>),
    /// Nothing: whatever differs then is the test's own fault.
    Nothing,
}

/// Both sides.
#[derive(Debug)]
pub(super) struct World {
    kind: DatabaseKind,
    through: Through,
    has_cache: bool,
    direct_server: Database,
    origin: Database,
    tidegate: Option<Edge>,
    folder: TempDir,
    runs: u32,
}

/// A tidegate that serves.
#[derive(Debug)]
struct Edge {
    process: Process,
    port: u16,
    admin_port: u16,
}

/// Connections of the test's own, which keep the tables of a lane.
#[derive(Debug)]
pub(super) struct Keeper {
    kind: DatabaseKind,
    direct: Conn,
    origin: Conn,
    /// Whatever becomes of the tables is to go through the edge too, whose cache has to learn it.
    has_cache: bool,
    /// To the edge on this port.
    edge: Option<(u16, Conn)>,
}

impl World {
    /// Starts both sides. `None`: the database is not installed, and the skip was written down.
    pub(super) async fn start(
        kind: DatabaseKind,
        through: Through,
        has_cache: bool,
    ) -> Result<Option<Self>> {
        let (direct_server, origin) =
            tokio::try_join!(Database::start(kind), Database::start(kind))?;
        let (Some(direct_server), Some(origin)) = (direct_server, origin) else {
            return Ok(None);
        };
        for server in [&direct_server, &origin] {
            server
                .execute_all(&[
                    "CREATE DATABASE entrance",
                    &format!("CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'"),
                    &format!("GRANT ALL PRIVILEGES ON `lane%`.* TO '{USER}'@'%'"),
                    &format!("GRANT ALL PRIVILEGES ON entrance.* TO '{USER}'@'%'"),
                ])
                .await?;
            server.execute_all(steadiness(kind)).await?;
        }
        let mut world = Self {
            kind,
            through,
            has_cache,
            direct_server,
            origin,
            tidegate: None,
            folder: tempfile::Builder::new()
                .prefix("tidegate-differential-")
                .tempdir()?,
            runs: 0,
        };
        world.restart().await?;
        Ok(Some(world))
    }

    pub(super) fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// Puts a new tidegate in the place of the old one: its pool is empty.
    pub(super) async fn restart(&mut self) -> Result<()> {
        let Through::Tidegate(mutant) = &self.through else {
            return Ok(());
        };
        self.tidegate = None;
        self.runs += 1;
        let folder = self.folder.path().join(self.runs.to_string());
        let origin = self.origin.url(USER, PASSWORD, "entrance");
        self.tidegate =
            Some(Edge::start(&folder, &origin, mutant.as_deref(), self.has_cache).await?);
        Ok(())
    }

    /// Where direct sessions connect.
    pub(super) fn direct(&self) -> Endpoint {
        endpoint(self.direct_server.port())
    }

    /// Where the others do.
    pub(super) fn through(&self) -> Endpoint {
        match &self.tidegate {
            Some(edge) => Endpoint {
                user: "app".to_owned(),
                password: "l0cal".to_owned(),
                ..endpoint(edge.port)
            },
            None => endpoint(self.origin.port()),
        }
    }

    /// Fails when tidegate has ended.
    pub(super) fn check(&mut self) -> Result<()> {
        match &mut self.tidegate {
            Some(edge) => edge.process.check(),
            None => Ok(()),
        }
    }

    /// What tidegate's metrics say; empty where there is none.
    pub(super) async fn metrics(&self) -> Result<String> {
        match &self.tidegate {
            Some(edge) => Ok(http_get(edge.admin_port, "/metrics").await?.body),
            None => Ok(String::new()),
        }
    }

    /// Reads that tidegate's cache answered, and why it did not answer others, with how many.
    pub(super) async fn cached(&self) -> Result<(u64, BTreeMap<String, u64>)> {
        let (mut hits, mut others) = (0, BTreeMap::new());
        if !self.has_cache {
            return Ok((hits, others));
        }
        let mut connection = self.through().connect().await?;
        let rows: Vec<Row> = connection.query("SHOW TIDEGATE CACHE").await?;
        connection.disconnect().await?;
        for row in rows {
            let number = |column| row.get::<u64, _>(column).unwrap_or_default();
            hits += number("Hits");
            *others.entry("miss".to_owned()).or_default() += number("Misses");
            if let Some(Some(reason)) = row.get::<Option<String>, _>("Last_bypass") {
                *others.entry(format!("{reason} (at last)")).or_default() += number("Bypassed");
            }
        }
        Ok((hits, others))
    }

    /// Connections to look after lanes with.
    pub(super) async fn keeper(&self) -> Result<Keeper> {
        let mut keeper = Keeper {
            kind: self.kind,
            direct: self.direct_server.connect().await?,
            origin: self.origin.connect().await?,
            has_cache: self.has_cache,
            edge: None,
        };
        let limits = match self.kind {
            DatabaseKind::Tidb => format!("SET innodb_lock_wait_timeout = {LOCK_LIMIT}"),
            _ => format!(
                "SET innodb_lock_wait_timeout = {LOCK_LIMIT}, lock_wait_timeout = {LOCK_LIMIT}"
            ),
        };
        keeper.run(&[limits]).await?;
        Ok(keeper)
    }
}

impl Keeper {
    pub(super) fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// Makes the tables of a lane anew on both sides.
    pub(super) async fn build(&mut self, lane: usize, through: &Endpoint) -> Result<()> {
        // Whatever is kept of them goes with the databases.
        self.tell(&schema::drop_all(lane), through).await?;
        self.run(&schema::build(self.kind, lane)).await?;
        // The new ones were made behind the edge's back.
        let name = format!("{}.told", schema::database(lane));
        let look_again = [
            format!("CREATE OR REPLACE VIEW {name} AS SELECT 1 AS a"),
            format!("DROP VIEW {name}"),
        ];
        self.tell(&look_again, through).await
    }

    /// Empties and fills the tables of a lane on both sides.
    pub(super) async fn refill(&mut self, lane: usize, through: &Endpoint) -> Result<()> {
        let statements = [schema::refill(lane).join("; ")];
        if !self.has_cache {
            return self.run(&statements).await;
        }
        let direct = run(&mut self.direct, self.kind, &statements).await;
        direct.context("on the server of the direct connections")?;
        self.tell(&statements, through).await
    }

    /// Runs statements through the edge, where that has a cache.
    async fn tell(&mut self, statements: &[String], through: &Endpoint) -> Result<()> {
        if !self.has_cache {
            return Ok(());
        }
        let mut edge = match self.edge.take() {
            // Another run of the edge has another port.
            Some((port, edge)) if port == through.port => edge,
            _ => through.connect().await?,
        };
        let done = run(&mut edge, self.kind, statements).await;
        done.context("through tidegate")?;
        self.edge = Some((through.port, edge));
        Ok(())
    }

    async fn run(&mut self, statements: &[String]) -> Result<()> {
        let (direct, origin) = tokio::join!(
            run(&mut self.direct, self.kind, statements),
            run(&mut self.origin, self.kind, statements)
        );
        direct.context("on the server of the direct connections")?;
        origin.context("on the origin")
    }
}

async fn run(connection: &mut Conn, kind: DatabaseKind, statements: &[String]) -> Result<()> {
    for statement in statements {
        if let Err(error) = connection.query_drop(statement).await {
            let transactions = transactions(connection, kind).await;
            return Err(anyhow::Error::from(error)
                .context(format!("{statement}\n    open: {transactions}")));
        }
    }
    Ok(())
}

/// Who may hold a lock.
async fn transactions(connection: &mut Conn, kind: DatabaseKind) -> String {
    let sql = match kind {
        DatabaseKind::Tidb => {
            "SELECT CONCAT_WS(' ', session_id, state, start_time, current_sql_digest_text) \
             FROM information_schema.tidb_trx"
        }
        DatabaseKind::MariaDb | DatabaseKind::MySql => {
            "SELECT CONCAT_WS(' ', trx_mysql_thread_id, trx_state, trx_started, trx_query) \
             FROM information_schema.innodb_trx"
        }
    };
    match connection.query::<String, _>(sql).await {
        Ok(lines) => lines.join("; "),
        Err(error) => error.to_string(),
    }
}

/// What would make two direct connections differ, switched off.
fn steadiness(kind: DatabaseKind) -> &'static [&'static str] {
    match kind {
        // A thread of the cache shows FOUND_ROWS() of the connection that it had before.
        DatabaseKind::MariaDb | DatabaseKind::MySql => &["SET GLOBAL thread_cache_size = 0"],
        // A statement warns when statistics are late. A cached plan keeps the types of parameters
        // that it was made for, even where others come; which plans are cached is a matter of time.
        DatabaseKind::Tidb => &[
            "SET GLOBAL tidb_stats_load_sync_wait = 0",
            "SET GLOBAL tidb_enable_auto_analyze = OFF",
            "SET GLOBAL tidb_enable_prepared_plan_cache = OFF",
        ],
    }
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint {
        port,
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        database: "entrance".to_owned(),
    }
}

impl Edge {
    async fn start(
        folder: &std::path::Path,
        origin: &str,
        mutant: Option<&str>,
        has_cache: bool,
    ) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (port, admin_port) = (free_port(), free_port());
        let mut text = String::from("[edge]\nstate_dir = \"state\"\nmax_clients = 500\n");
        writeln!(text, "listen = \"127.0.0.1:{port}\"")?;
        writeln!(text, "admin_listen = \"127.0.0.1:{admin_port}\"")?;
        text += "[[edge.hyperdrives]]\nname = \"app\"\npassword = \"l0cal\"\n";
        writeln!(text, "origin = \"{origin}\"")?;
        writeln!(
            text,
            "[edge.hyperdrives.pool]\nmax = {POOL}\nwait_timeout = \"60s\""
        )?;
        if has_cache {
            text += "[edge.hyperdrives.cache]\nenabled = true\n";
        }
        std::fs::write(folder.join("tidegate.toml"), text)?;
        let mut arguments = vec!["up", "--config", "tidegate.toml"];
        if let Some(mutant) = mutant {
            arguments.extend(["--mutant", mutant]);
        }
        let process = Tidegate::command(folder, &arguments, &[])?;
        let mut edge = Self {
            process,
            port,
            admin_port,
        };
        edge.ready().await?;
        Ok(edge)
    }

    async fn ready(&mut self) -> Result<()> {
        let (process, port) = (&mut self.process, self.admin_port);
        let mut ended = None;
        let outcome = eventually("tidegate is ready", READY_LIMIT, async || {
            if let Err(error) = process.check() {
                ended = Some(error);
                return Ok(());
            }
            let status = http_get(port, "/ready").await?.status;
            ensure!(status == 200, "/ready: {status}");
            Ok(())
        })
        .await;
        ended.map_or(outcome, Err)
    }
}
