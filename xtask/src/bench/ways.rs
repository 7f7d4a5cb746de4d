//! The ways to one database, and the processes on each.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::database::Database;
use super::leg::{DATABASE, DIRECT, EDGE, HAPROXY, Hop, Leg};
use super::programs::Programs;
use super::router::{Router, Running};
use super::server::Server;
use super::sysbench::{self, Reads, Target};
use super::tidegate::EdgeFiles;
use super::{haproxy, progress};

pub(super) const SHARING: &str = "Router, sharing";
const PASSTHROUGH: &str = "Router, passing";

/// A database and everything before it, running. Dropped in the order of a query's way.
#[derive(Debug)]
pub(super) struct Ways {
    haproxy: Server,
    haproxy_port: u16,
    edge: Server,
    edge_files: EdgeFiles,
    router: Option<Running>,
    database: Database,
    /// Where sysbench writes.
    pub(super) log: PathBuf,
}

impl Ways {
    /// To MariaDB, in `folder`.
    pub(super) fn to_mariadb(programs: &Programs, folder: &Path) -> Result<Self> {
        progress("MariaDB: making its data and starting it");
        let database = Database::mariadb(programs, &folder.join("mariadb"))?;
        Self::start(programs, database, folder)
    }

    /// To MySQL, in `folder`, with a Router among them.
    pub(super) fn to_mysql(
        programs: &Programs,
        mysqld: &Path,
        router: &Router,
        folder: &Path,
    ) -> Result<Self> {
        progress("MySQL: making its data and starting it");
        let data = folder.join("mysql");
        let database = Database::mysql(programs, mysqld, &data)?;
        let mut ways = Self::start(programs, database, folder)?;
        let (port, data) = (ways.database.port, data.join("data"));
        ways.router = Some(router.start(&folder.join("router"), port, &data)?);
        Ok(ways)
    }

    fn start(programs: &Programs, database: Database, folder: &Path) -> Result<Self> {
        let log = folder.join("sysbench.log");
        progress("filling the table, starting HAProxy and an edge");
        sysbench::prepare(programs, &database.target(), Reads::POINTS, &log)?;
        let (haproxy, haproxy_port) =
            haproxy::start(programs, &folder.join("haproxy"), database.port)?;
        let edge_files = EdgeFiles::write(&folder.join("edge"), &database.origin(), false)?;
        let mut edge = edge_files.spawn(programs)?;
        edge.until("is ready", || edge_files.is_ready())?;
        Ok(Self {
            haproxy,
            haproxy_port,
            edge,
            edge_files,
            router: None,
            database,
            log,
        })
    }

    /// The ways, in the order in which they are measured: straight, HAProxy, the edge, and Router
    /// where it is.
    pub(super) fn all(&self) -> Vec<Leg<'_>> {
        let hop = |name, server| Hop { name, server };
        let database = hop(DATABASE, &self.database.server);
        let direct = self.database.target();
        let by = |name, port, server| Leg {
            name,
            target: Target { port, ..direct },
            hops: vec![hop(name, server), database],
        };
        let mut ways = vec![
            Leg {
                name: DIRECT,
                target: direct,
                hops: vec![database],
            },
            by(HAPROXY, self.haproxy_port, &self.haproxy),
            Leg {
                name: EDGE,
                target: self.edge_files.target(),
                hops: vec![hop(EDGE, &self.edge), database],
            },
        ];
        if let Some(router) = &self.router {
            ways.push(by(SHARING, router.sharing, &router.server));
            ways.push(by(PASSTHROUGH, router.passthrough, &router.server));
        }
        ways
    }

    /// The edge, and how to log in to it.
    pub(super) fn edge(&self) -> (&Server, Target) {
        (&self.edge, self.edge_files.target())
    }
}
