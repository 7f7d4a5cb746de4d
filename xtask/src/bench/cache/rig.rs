//! A database, three edges before it, and an echo server that learns from one of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::bench::database::Database;
use crate::bench::leg::{DATABASE, DIRECT, Hop, Leg};
use crate::bench::programs::Programs;
use crate::bench::progress;
use crate::bench::server::{Server, free_port};
use crate::bench::sysbench::{self, Reads, Shape, Target};
use crate::bench::tidegate::{EdgeFiles, THREADS, THREADS_VARIABLE};

pub(super) const ECHO: &str = "echo server";
pub(super) const HITS: &str = "edge, hits";
pub(super) const OFF: &str = "edge, cache off";
pub(super) const MISSES: &str = "edge, misses";

/// Rows of the table: so many that nearly none of those that a small cache holds is asked for
/// again, and few enough for the database to have them all in memory.
pub(super) const ROWS: u32 = 200_000;

/// Room for whatever is hit, for as long as the benchmark lasts.
const LARGE: &str = "enabled = true\nmax_age = \"1h\"\nmax_bytes = \"256MiB\"\n";

/// The smallest there is: room for some 2,000 of [`ROWS`] results. What is not hit is kept all the
/// same, and makes room for the next.
const SMALL: &str =
    "enabled = true\nmax_age = \"1h\"\nmax_bytes = \"1MiB\"\nmax_entry_bytes = \"64KiB\"\n";

const NONE: &str = "enabled = false\n";

/// Everything, running. Dropped in the order of a query's way.
#[derive(Debug)]
pub(super) struct Rig {
    echo: Server,
    echo_port: u16,
    pub(super) off: Edge,
    pub(super) hits: Edge,
    pub(super) misses: Edge,
    pub(super) database: Database,
    folder: PathBuf,
    /// Where sysbench writes.
    pub(super) log: PathBuf,
}

/// An edge and its files.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) server: Server,
    pub(super) files: EdgeFiles,
}

/// How the reads of an edge were answered since its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    hits: f64,
    all: f64,
}

impl Rig {
    pub(super) fn start(programs: &Programs, folder: &Path) -> Result<Self> {
        progress("MariaDB: making its data and starting it");
        let database = Database::mariadb(programs, &folder.join("mariadb"))?;
        let log = folder.join("sysbench.log");
        progress("filling the table, starting the edges and the echo server");
        let all = Reads {
            shape: Shape::Point,
            rows: ROWS,
            evenly: true,
        };
        sysbench::prepare(programs, &database.target(), all, &log)?;
        let edge = |name: &str, keys| Edge::start(programs, &folder.join(name), &database, keys);
        let (off, hits, misses) = (
            edge("off", NONE)?,
            edge("hits", LARGE)?,
            edge("misses", SMALL)?,
        );
        let echo_port = free_port()?;
        let mut command = Command::new(&programs.echo);
        command.args([echo_port, off.target().port].map(|port| port.to_string()));
        command.env(THREADS_VARIABLE, THREADS.to_string());
        let mut echo = Server::spawn(ECHO, &mut command, folder.join("echo.log"))?;
        echo.until_greeting(echo_port)?;
        Ok(Self {
            echo,
            echo_port,
            off,
            hits,
            misses,
            database,
            folder: folder.to_owned(),
            log,
        })
    }

    /// One edge more, with these keys of its cache.
    pub(super) fn start_edge(&self, programs: &Programs, name: &str, keys: &str) -> Result<Edge> {
        Edge::start(programs, &self.folder.join(name), &self.database, keys)
    }

    /// What hits are measured beside, and they themselves.
    pub(super) fn ways_of_hits(&self) -> Vec<Leg<'_>> {
        let direct = Leg {
            name: DIRECT,
            target: self.database.target(),
            hops: vec![self.database_hop()],
        };
        let echo = Leg {
            name: ECHO,
            target: Target {
                port: self.echo_port,
                ..self.off.target()
            },
            hops: vec![
                Hop {
                    name: ECHO,
                    server: &self.echo,
                },
                self.database_hop(),
            ],
        };
        vec![direct, echo, self.way_by(HITS, &self.hits)]
    }

    /// Likewise of misses.
    pub(super) fn ways_of_misses(&self) -> Vec<Leg<'_>> {
        let way = |name, edge| self.way_by(name, edge);
        vec![way(OFF, &self.off), way(MISSES, &self.misses)]
    }

    fn way_by<'a>(&'a self, name: &'static str, edge: &'a Edge) -> Leg<'a> {
        let server = &edge.server;
        Leg {
            name,
            target: edge.target(),
            hops: vec![Hop { name, server }, self.database_hop()],
        }
    }

    fn database_hop(&self) -> Hop<'_> {
        Hop {
            name: DATABASE,
            server: &self.database.server,
        }
    }
}

impl Edge {
    fn start(programs: &Programs, folder: &Path, database: &Database, keys: &str) -> Result<Self> {
        let files = EdgeFiles::write_caching(folder, &database.origin(), keys)?;
        let mut server = files.spawn(programs)?;
        server.until("is ready", || files.is_ready())?;
        Ok(Self { server, files })
    }

    /// How a client logs in to it.
    pub(super) fn target(&self) -> Target {
        self.files.target()
    }

    /// How its reads were answered since its start.
    pub(super) fn answered(&self) -> Result<Answered> {
        let mut answered = Answered {
            hits: 0.0,
            all: 0.0,
        };
        for outcome in ["hit", "stale", "miss", "bypass"] {
            let labels = format!("{{hyperdrive=\"bench\",outcome=\"{outcome}\"}}");
            let series = format!("tidegate_cache_reads_total{labels}");
            let count = self.files.metric(&series)?;
            answered.all += count;
            if outcome == "hit" {
                answered.hits = count;
            }
        }
        Ok(answered)
    }
}

impl Answered {
    /// The share of hits since `before`.
    pub(super) fn hits_since(self, before: Self) -> Result<f64> {
        let all = self.all - before.all;
        ensure!(all > 0.0, "the edge has counted no read");
        Ok((self.hits - before.hits) / all)
    }
}
