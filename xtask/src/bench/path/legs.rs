//! The four ways to the database, and the processes on each.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::bench::database::Database;
use crate::bench::leg::{DATABASE, DIRECT, EDGE, HAPROXY, Hop, Leg};
use crate::bench::programs::Programs;
use crate::bench::server::Server;
use crate::bench::sysbench::{self, Reads, Target};
use crate::bench::tidegate::EdgeFiles;
use crate::bench::{haproxy, progress};

/// All servers, running. Dropped in the order of a query's way, so that none misses the next.
#[derive(Debug)]
pub(super) struct Legs {
    haproxy: Server,
    haproxy_port: u16,
    edge: Server,
    edge_files: EdgeFiles,
    tunnel_edge: Server,
    tunnel_edge_files: EdgeFiles,
    connector: Server,
    database: Database,
    /// Where sysbench writes.
    pub(super) log: PathBuf,
}

pub(super) const CONNECTOR: &str = "connector";

/// The leg that has an edge and no tunnel.
pub(super) const EDGE_ALONE: &str = "edge alone";

impl Legs {
    /// Fills the database and starts everything else.
    pub(super) fn start(programs: &Programs, database: Database, folder: &Path) -> Result<Self> {
        let log = folder.join("sysbench.log");
        progress("filling the table");
        sysbench::prepare(programs, &database.target(), Reads::POINTS, &log)?;
        let (haproxy, haproxy_port) =
            haproxy::start(programs, &folder.join("haproxy"), database.port)?;

        let origin = database.origin();
        let edge_files = EdgeFiles::write(&folder.join("edge"), &origin, false)?;
        let mut edge = edge_files.spawn(programs)?;
        edge.until("is ready", || edge_files.is_ready())?;

        let tunnel_edge_files = EdgeFiles::write(&folder.join("tunnel-edge"), &origin, true)?;
        let mut tunnel_edge = tunnel_edge_files.spawn(programs)?;
        tunnel_edge.until_greeting(tunnel_edge_files.target().port)?;
        let connector = tunnel_edge_files.start_connector(
            programs,
            &folder.join("connector"),
            database.port,
        )?;
        tunnel_edge.until("is ready", || tunnel_edge_files.is_ready())?;
        Ok(Self {
            haproxy,
            haproxy_port,
            edge,
            edge_files,
            tunnel_edge,
            tunnel_edge_files,
            connector,
            database,
            log,
        })
    }

    /// The ways, in the order in which they are measured.
    pub(super) fn all(&self) -> [Leg<'_>; 4] {
        let hop = |name, server| Hop { name, server };
        let database = hop(DATABASE, &self.database.server);
        let direct = self.database.target();
        [
            Leg {
                name: DIRECT,
                target: direct,
                hops: vec![database],
            },
            Leg {
                name: HAPROXY,
                target: Target {
                    port: self.haproxy_port,
                    ..direct
                },
                hops: vec![hop(HAPROXY, &self.haproxy), database],
            },
            Leg {
                name: EDGE_ALONE,
                target: self.edge_files.target(),
                hops: vec![hop(EDGE, &self.edge), database],
            },
            Leg {
                name: "edge + tunnel",
                target: self.tunnel_edge_files.target(),
                hops: vec![
                    hop(EDGE, &self.tunnel_edge),
                    hop(CONNECTOR, &self.connector),
                    database,
                ],
            },
        ]
    }

    /// The edge without a tunnel, and how to log in to it.
    pub(super) fn edge(&self) -> (&Server, Target) {
        (&self.edge, self.edge_files.target())
    }
}
