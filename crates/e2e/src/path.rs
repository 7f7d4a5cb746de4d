//! A whole path: an edge with one hyperdrive, and a tunnel with its connector where one is wanted,
//! each a process of its own, so that each can be killed.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use testkit::{Database, Process, Tidegate, cloudflared, eventually, free_port, skip};

use crate::Endpoint;
use crate::tunnel::{Connector, Tunnel};

/// Generous, as tests run on a busy machine; cloudflared also looks for Cloudflare by DNS first.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// How the edge reaches the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It dials the database itself.
    Direct,
    /// Through a tunnel that our connector serves.
    Tunnel,
    /// Through a tunnel that the real cloudflared serves.
    Cloudflared,
}

/// What a path will be.
#[derive(Debug)]
pub struct PathBuilder {
    way: Way,
    origin: String,
    origin_port: u16,
    database: String,
    edge_keys: String,
    hyperdrive_keys: String,
    pool_keys: String,
    limit_keys: String,
    cache_keys: String,
    arguments: Vec<String>,
}

/// A path that serves. All of its processes are killed when it is dropped.
#[derive(Debug)]
pub struct Path {
    connector: Option<Connector>,
    edge: Tidegate,
    tunnel: Option<Tunnel>,
    endpoint: Endpoint,
    origin_port: u16,
    folder: TempDir,
}

impl Path {
    /// A path to a database of this server, as this user of it.
    pub fn to(server: &Database, user: &str, password: &str, database: &str) -> PathBuilder {
        let origin = server.url(user, password, database);
        PathBuilder::new(origin, server.port(), database)
    }
}

impl PathBuilder {
    /// A path to the origin that a URL names; its port on 127.0.0.1 is what a connector may reach.
    pub fn new(origin: String, origin_port: u16, database: &str) -> Self {
        Self {
            way: Way::Direct,
            origin,
            origin_port,
            database: database.to_owned(),
            edge_keys: String::new(),
            hyperdrive_keys: String::new(),
            pool_keys: String::new(),
            limit_keys: String::new(),
            cache_keys: String::new(),
            arguments: Vec::new(),
        }
    }

    /// How the edge reaches the database; itself by default.
    #[must_use]
    pub fn way(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    /// A line of the table `[edge]`.
    #[must_use]
    pub fn edge(mut self, line: &str) -> Self {
        self.edge_keys += line;
        self.edge_keys.push('\n');
        self
    }

    /// A line of the table `[[edge.hyperdrives]]`.
    #[must_use]
    pub fn hyperdrive(mut self, line: &str) -> Self {
        self.hyperdrive_keys += line;
        self.hyperdrive_keys.push('\n');
        self
    }

    /// A line of the table `[edge.hyperdrives.pool]`.
    #[must_use]
    pub fn pool(mut self, line: &str) -> Self {
        self.pool_keys += line;
        self.pool_keys.push('\n');
        self
    }

    /// A line of the table `[edge.hyperdrives.limits]`.
    #[must_use]
    pub fn limit(mut self, line: &str) -> Self {
        self.limit_keys += line;
        self.limit_keys.push('\n');
        self
    }

    /// A line of the table `[edge.hyperdrives.cache]`.
    #[must_use]
    pub fn cache(mut self, line: &str) -> Self {
        self.cache_keys += line;
        self.cache_keys.push('\n');
        self
    }

    /// Breaks the edge on purpose: it leaves the step out that this name stands for.
    #[must_use]
    pub fn mutant(mut self, name: &str) -> Self {
        self.arguments = vec!["--mutant".to_owned(), name.to_owned()];
        self
    }

    /// Starts everything and waits until it is ready. `None`: cloudflared is wanted and not here,
    /// and the skip was written down.
    pub async fn start(self) -> Result<Option<Path>> {
        if self.way == Way::Cloudflared && cloudflared().is_none() {
            skip(
                "the path through cloudflared",
                "neither CLOUDFLARED_BIN nor PATH has it",
            );
            return Ok(None);
        }
        let way = self.way;
        let mut path = self.start_edge()?;
        match way {
            Way::Direct => {}
            Way::Tunnel => path.start_connector().await?,
            Way::Cloudflared => path.start_cloudflared().await?,
        }
        path.edge.ready(READY_LIMIT).await?;
        Ok(Some(path))
    }

    /// Starts the edge alone, also of a path with a tunnel, and waits until it takes clients.
    pub async fn start_without_connector(self) -> Result<Path> {
        let mut path = self.start_edge()?;
        let port = path.endpoint.port;
        eventually("the edge takes clients", READY_LIMIT, async || {
            path.edge.process().check()?;
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await?)
        })
        .await?;
        Ok(path)
    }

    fn start_edge(self) -> Result<Path> {
        let folder = tempfile::Builder::new()
            .prefix("tidegate-path-")
            .tempdir()?;
        let tunnel = (self.way != Way::Direct).then(Tunnel::new);
        let endpoint = Endpoint {
            port: free_port(),
            user: "app".to_owned(),
            password: "l0cal".to_owned(),
            database: self.database.clone(),
        };
        let admin_port = free_port();
        let configuration = self.configuration(&endpoint, admin_port, tunnel.as_ref())?;
        let edge = Tidegate::spawn_with(
            "edge",
            &folder.path().join("edge"),
            &configuration,
            admin_port,
            self.arguments,
        )?;
        let origin_port = self.origin_port;
        Ok(Path {
            connector: None,
            edge,
            tunnel,
            endpoint,
            origin_port,
            folder,
        })
    }

    fn configuration(
        &self,
        endpoint: &Endpoint,
        admin_port: u16,
        tunnel: Option<&Tunnel>,
    ) -> Result<String> {
        let mut text = String::from("[edge]\nstate_dir = \"state\"\n");
        writeln!(text, "listen = \"127.0.0.1:{}\"", endpoint.port)?;
        writeln!(text, "admin_listen = \"127.0.0.1:{admin_port}\"")?;
        text += &self.edge_keys;
        if let Some(tunnel) = tunnel {
            text += &tunnel.edge_listen();
            text += &tunnel.edge_table();
        }
        let Endpoint { user, password, .. } = endpoint;
        writeln!(
            text,
            "[[edge.hyperdrives]]\nname = \"{user}\"\npassword = \"{password}\""
        )?;
        writeln!(text, "origin = \"{}\"", self.origin)?;
        if tunnel.is_some() {
            text += "tunnel = \"office\"\n";
        }
        text += &self.hyperdrive_keys;
        writeln!(text, "[edge.hyperdrives.pool]\n{}", self.pool_keys)?;
        writeln!(text, "[edge.hyperdrives.limits]\n{}", self.limit_keys)?;
        writeln!(text, "[edge.hyperdrives.cache]\n{}", self.cache_keys)?;
        Ok(text)
    }
}

impl Path {
    /// Where clients connect.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The edge.
    pub fn edge(&mut self) -> &mut Tidegate {
        &mut self.edge
    }

    /// The process of the connector.
    pub fn connector(&mut self) -> Result<&mut Process> {
        match self
            .connector
            .as_mut()
            .context("this path has no connector")?
        {
            Connector::Tidegate(connector) => Ok(connector.process()),
            Connector::Cloudflared(process) => Ok(process),
        }
    }

    /// Starts our connector again after it was killed, and waits until it is registered.
    pub async fn restart_connector(&mut self) -> Result<()> {
        match self
            .connector
            .as_mut()
            .context("this path has no connector")?
        {
            Connector::Tidegate(connector) => connector.restart().await,
            Connector::Cloudflared(_) => bail!("only our own connector is started again"),
        }
    }

    /// Starts our connector on a path that was started without.
    pub async fn start_connector(&mut self) -> Result<()> {
        let authority = self.authority().await?;
        let tunnel = self.tunnel.as_ref().context("this path has no tunnel")?;
        let folder = self.folder.path();
        let connector = tunnel
            .start_tidegate(folder, &authority, self.origin_port)
            .await?;
        self.connector = Some(Connector::Tidegate(connector));
        Ok(())
    }

    async fn start_cloudflared(&mut self) -> Result<()> {
        let authority = self.authority().await?;
        let program = cloudflared().context("cloudflared is not here")?;
        let tunnel = self.tunnel.as_ref().context("this path has no tunnel")?;
        let folder = self.folder.path();
        let process = tunnel.start_cloudflared(&program, folder, &authority, self.origin_port)?;
        self.connector = Some(Connector::Cloudflared(process));
        Ok(())
    }

    /// The edge's authority, which it makes when it first starts.
    pub async fn authority(&mut self) -> Result<std::path::PathBuf> {
        let path = self.folder.path().join("edge/state/ca.pem");
        let edge = &mut self.edge;
        eventually("the edge has made its authority", READY_LIMIT, async || {
            edge.process().check()?;
            Ok(std::fs::metadata(&path)?)
        })
        .await?;
        Ok(path)
    }
}
