//! The tunnel of a path: its credentials, and the connector that serves it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testkit::{Process, Tidegate, free_port};
use uuid::Uuid;

const ACCOUNT: &str = "tidegate";

/// A tunnel with credentials of its own.
#[derive(Debug)]
pub(crate) struct Tunnel {
    id: Uuid,
    secret: String,
    /// The UDP port on which the edge listens for connectors.
    port: u16,
}

/// What is at the private end of a tunnel.
#[derive(Debug)]
pub(crate) enum Connector {
    /// Our own.
    Tidegate(Tidegate),
    /// The real cloudflared.
    Cloudflared(Process),
}

impl Tunnel {
    pub(crate) fn new() -> Self {
        let secret = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        Self {
            id: Uuid::new_v4(),
            secret: STANDARD.encode(secret),
            port: free_port(),
        }
    }

    /// What the edge's configuration says of it, in the table `[edge]`. All of 127/8 is listened
    /// on, because cloudflared wants a spare address.
    pub(crate) fn edge_listen(&self) -> String {
        format!("tunnel_listen = \"0.0.0.0:{}\"\n", self.port)
    }

    /// The edge's table of the tunnel.
    pub(crate) fn edge_table(&self) -> String {
        let Self { id, secret, .. } = self;
        format!(
            "[[edge.tunnels]]\nname = \"office\"\nid = \"{id}\"\nsecret = \"{secret}\"\n\
             account = \"{ACCOUNT}\"\n"
        )
    }

    /// Starts our connector, which reaches `origin_port`, and waits until it is registered.
    pub(crate) async fn start_tidegate(
        &self,
        folder: &Path,
        authority: &Path,
        origin_port: u16,
    ) -> Result<Tidegate> {
        let admin_port = free_port();
        let token = serde_json::json!({ "a": ACCOUNT, "t": self.id, "s": self.secret });
        let configuration = format!(
            "[connector]\n\
             edge = [\"127.0.0.1:{}\"]\n\
             token = \"{}\"\n\
             ca_file = \"{}\"\n\
             grace_period = \"2s\"\n\
             admin_listen = \"127.0.0.1:{admin_port}\"\n\
             [[connector.ingress]]\n\
             service = \"tcp://127.0.0.1:{origin_port}\"\n",
            self.port,
            STANDARD.encode(token.to_string()),
            authority.display(),
        );
        Tidegate::start(
            "connector",
            &folder.join("connector"),
            &configuration,
            admin_port,
        )
        .await
    }

    /// Starts cloudflared with a `config.yml` whose ingress is `origin_port`. That it has
    /// registered shows in the edge's readiness.
    pub(crate) fn start_cloudflared(
        &self,
        program: &Path,
        folder: &Path,
        authority: &Path,
        origin_port: u16,
    ) -> Result<Process> {
        let folder = folder.join("cloudflared");
        fs::create_dir_all(&folder)?;
        let credentials = serde_json::json!({
            "AccountTag": ACCOUNT, "TunnelSecret": self.secret, "TunnelID": self.id,
        });
        fs::write(folder.join("credentials.json"), credentials.to_string())?;
        let configuration = format!(
            "tunnel: {}\ncredentials-file: {}\ningress:\n  - service: tcp://127.0.0.1:{origin_port}\n",
            self.id,
            folder.join("credentials.json").display(),
        );
        fs::write(folder.join("config.yml"), configuration)?;
        let mut command = Command::new(program);
        command
            .args([
                "tunnel",
                "--config",
                "config.yml",
                "--no-autoupdate",
                "--no-prechecks",
            ])
            .args([
                "--protocol",
                "quic",
                "--ha-connections",
                "2",
                "--metrics",
                "127.0.0.1:0",
            ])
            .arg("--cacert")
            .arg(authority)
            .current_dir(&folder);
        for host in 1..=3 {
            command
                .arg("--edge")
                .arg(format!("127.0.0.{host}:{}", self.port));
        }
        command.arg("run");
        Process::spawn("cloudflared", &mut command, &folder.join("cloudflared.log"))
            .context("cannot start cloudflared")
    }
}
