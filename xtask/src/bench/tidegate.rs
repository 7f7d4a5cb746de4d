//! Edges and connectors, each a process of its own, so that what each uses can be told apart.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::programs::Programs;
use super::server::{Server, free_port, local, make_folder};
use super::sysbench::Target;
use crate::command::output;

/// Worker threads of each tidegate process and of HAProxy, whatever the machine has.
pub(super) const THREADS: u32 = 2;

/// How tokio is told its number of worker threads.
pub(super) const THREADS_VARIABLE: &str = "TOKIO_WORKER_THREADS";

/// Origin connections of a hyperdrive: the default.
pub(super) const POOL_MAX: u32 = 20;

/// User that clients of an edge log in with, and their password: not those of the database.
const USER: &str = "app";
const PASSWORD: &str = "localpassword";

const TUNNEL: &str = "bench";

/// What a connector keeps to its edge.
const CONNECTIONS: u32 = 4;

/// An answer that takes longer is as good as none, and asked for again.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// What an edge is started from.
#[derive(Debug)]
pub(super) struct EdgeFiles {
    folder: PathBuf,
    port: u16,
    admin_port: u16,
    tunnel_port: Option<u16>,
}

impl EdgeFiles {
    /// Writes the configuration of an edge with one hyperdrive, in `folder`, to which the edge adds
    /// its state.
    pub(super) fn write(folder: &Path, origin: &str, has_tunnel: bool) -> Result<Self> {
        Self::write_with(folder, origin, has_tunnel, "")
    }

    /// The same without a tunnel, and with these keys of its hyperdrive's cache.
    pub(super) fn write_caching(folder: &Path, origin: &str, keys: &str) -> Result<Self> {
        let cache = format!("[edge.hyperdrives.cache]\n{keys}");
        Self::write_with(folder, origin, false, &cache)
    }

    fn write_with(folder: &Path, origin: &str, has_tunnel: bool, more: &str) -> Result<Self> {
        make_folder(folder)?;
        let files = Self {
            folder: folder.to_owned(),
            port: free_port()?,
            admin_port: free_port()?,
            tunnel_port: has_tunnel.then(free_port).transpose()?,
        };
        fs::write(files.configuration(), files.text(origin) + more)
            .context("cannot write an edge's configuration")?;
        Ok(files)
    }

    fn text(&self, origin: &str) -> String {
        let Self {
            port, admin_port, ..
        } = self;
        let listen = self.tunnel_port.map_or_else(String::new, |port| {
            format!("tunnel_listen = \"127.0.0.1:{port}\"\n")
        });
        let (tunnel, through) = match self.tunnel_port {
            Some(_) => (
                format!("[[edge.tunnels]]\nname = \"{TUNNEL}\"\n"),
                format!("tunnel = \"{TUNNEL}\"\n"),
            ),
            None => Default::default(),
        };
        format!(
            "[log]\nlevel = \"warn\"\n\
             [edge]\n\
             state_dir = \"state\"\n\
             listen = \"127.0.0.1:{port}\"\n\
             admin_listen = \"127.0.0.1:{admin_port}\"\n\
             max_clients = 100000\n\
             {listen}\
             [edge.tls]\nmode = \"off\"\n\
             {tunnel}\
             [[edge.hyperdrives]]\n\
             name = \"bench\"\n\
             user = \"{USER}\"\n\
             password = \"{PASSWORD}\"\n\
             origin = \"{origin}\"\n\
             {through}\
             [edge.hyperdrives.pool]\nmax = {POOL_MAX}\n"
        )
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("tidegate.toml")
    }

    /// Starts the edge without waiting for it.
    pub(super) fn spawn(&self, programs: &Programs) -> Result<Server> {
        up("edge", programs, &self.configuration(), &self.folder)
    }

    /// Whether it says that it is ready.
    pub(super) fn is_ready(&self) -> bool {
        answers(self.admin_port, "/ready", |answer| {
            answer.starts_with("HTTP/1.1 200")
        })
    }

    /// What a series of its metrics stands at; 0 while there is none.
    pub(super) fn metric(&self, series: &str) -> Result<f64> {
        let answer = get(self.admin_port, "/metrics").context("an edge tells no metrics")?;
        let value = answer.lines().find_map(|line| line.strip_prefix(series));
        value.map_or(Ok(0.0), |value| Ok(value.trim().parse()?))
    }

    /// How a client logs in to it.
    pub(super) fn target(&self) -> Target {
        Target {
            port: self.port,
            user: USER,
            password: PASSWORD,
        }
    }

    /// Starts the edge's connector, which may reach `database`, and waits until all its connections
    /// are registered.
    pub(super) fn start_connector(
        &self,
        programs: &Programs,
        folder: &Path,
        database: u16,
    ) -> Result<Server> {
        make_folder(folder)?;
        let tunnel_port = self.tunnel_port.context("the edge serves no tunnel")?;
        let admin_port = free_port()?;
        let mut command = Command::new(&programs.tidegate);
        command.args(["tunnel", "token", TUNNEL, "--config"]);
        let token = output(command.arg(self.configuration()))?;
        let authority = self.folder.join("state/ca.pem");
        fs::copy(authority, folder.join("ca.pem")).context("cannot copy the edge's authority")?;
        let configuration = format!(
            "[log]\nlevel = \"warn\"\n\
             [connector]\n\
             edge = [\"127.0.0.1:{tunnel_port}\"]\n\
             token = \"{}\"\n\
             ca_file = \"ca.pem\"\n\
             connections = {CONNECTIONS}\n\
             admin_listen = \"127.0.0.1:{admin_port}\"\n\
             [[connector.ingress]]\nservice = \"tcp://127.0.0.1:{database}\"\n",
            token.trim()
        );
        let file = folder.join("tidegate.toml");
        fs::write(&file, configuration).context("cannot write the connector's configuration")?;
        let mut connector = up("connector", programs, &file, folder)?;
        let registered = format!("tidegate_tunnel_edge_connections {CONNECTIONS}");
        connector.until("registers its connections", || {
            answers(self.admin_port, "/metrics", |answer| {
                answer.lines().any(|line| line == registered)
            })
        })?;
        Ok(connector)
    }
}

fn up(
    name: &'static str,
    programs: &Programs,
    configuration: &Path,
    folder: &Path,
) -> Result<Server> {
    let mut command = Command::new(&programs.tidegate);
    command.args(["up", "--config"]).arg(configuration);
    command.env(THREADS_VARIABLE, THREADS.to_string());
    Server::spawn(name, &mut command, folder.join("log"))
}

/// Whether the admin endpoint answers, and as wanted.
fn answers(port: u16, path: &str, is_wanted: impl FnOnce(&str) -> bool) -> bool {
    get(port, path).is_ok_and(|answer| is_wanted(&answer))
}

fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(local(port))?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
