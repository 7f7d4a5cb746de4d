//! The checked configuration. Each default stands here, once, in a `Default` or a constant (those
//! of pools and tunnels stand in `domain`).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use domain::{Address, DeclaredHyperdrive, DeclaredTunnel, IngressRule, SecretString};

/// What a process is asked to be: an edge, a connector, or both.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What is logged, and how.
    pub log: LogConfig,
    /// The public side; `None`: this process is no edge.
    pub edge: Option<EdgeConfig>,
    /// The private side; `None`: this process is no connector.
    pub connector: Option<ConnectorConfig>,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Filter in `tracing`'s notation.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

// === EdgeConfig ===

/// The public side: what it listens on, and what it offers.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Folder of the local authority, the store and its sealing key; made on first start.
    pub state_dir: PathBuf,
    /// Where MySQL clients connect (TCP).
    pub listen: SocketAddr,
    /// Where connectors connect (QUIC over UDP); `None`: no tunnels are served.
    pub tunnel_listen: Option<SocketAddr>,
    /// Where `/metrics` and `/ready` are served (HTTP); `None`: nowhere.
    pub admin_listen: Option<SocketAddr>,
    /// The version that the greeting shows until the origin's own is known.
    pub server_version: String,
    /// Most MySQL clients connected at a time.
    pub max_clients: usize,
    /// Longest that a client may take from connecting to the end of its login.
    pub login_timeout: Duration,
    /// Longest that a shutdown waits for sessions to finish.
    pub drain_timeout: Duration,
    /// TLS towards MySQL clients.
    pub tls: EdgeTls,
    /// Tunnels whose connectors may register. Names and ids are unique.
    pub tunnels: Vec<DeclaredTunnel>,
    /// Databases that clients may reach. Names and users are unique; every tunnel named is in
    /// `tunnels`.
    pub hyperdrives: Vec<DeclaredHyperdrive>,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            state_dir: PathBuf::from("tidegate-state"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3306)),
            tunnel_listen: None,
            admin_listen: None,
            server_version: "8.0.11-tidegate".to_owned(),
            max_clients: 10_000,
            login_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
            tls: EdgeTls::default(),
            tunnels: Vec::new(),
            hyperdrives: Vec::new(),
        }
    }
}

/// TLS towards MySQL clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeTls {
    /// Whether it is offered, or demanded.
    pub mode: TlsMode,
    /// Files of the certificate that is presented; `None`: one issued by the local authority.
    pub certificate: Option<CertificateFiles>,
}

/// Whether clients may or must use TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Not offered.
    Off,
    /// Offered; the client chooses.
    Optional,
    /// A client that does not ask for it is refused.
    Required,
}

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// Chain, the server's own certificate first.
    pub cert_file: PathBuf,
    /// Private key.
    pub key_file: PathBuf,
}

impl Default for EdgeTls {
    fn default() -> Self {
        Self {
            mode: TlsMode::Optional,
            certificate: None,
        }
    }
}

// === ConnectorConfig ===

/// The private side: which edge it dials, as whom, and what it may reach.
#[derive(Clone, Debug)]
pub struct ConnectorConfig {
    /// Addresses of the edge, at least one; the connections are spread over them.
    pub edge: Vec<Address>,
    /// What it proves to the edge.
    pub credentials: ConnectorCredentials,
    /// PEM file of the authority that signed the edge's certificate; `None`: that of the edge in
    /// the same process.
    ///
    /// It is not read here, because an edge in the same process may have yet to make it.
    pub ca_file: Option<PathBuf>,
    /// Connections kept to the edge at a time.
    pub connections: usize,
    /// Longest that a shutdown waits for flows to finish.
    pub grace_period: Duration,
    /// Where `/metrics` and `/ready` are served (HTTP); `None`: nowhere.
    pub admin_listen: Option<SocketAddr>,
    /// What it may reach; nothing that no rule names is dialled.
    pub ingress: Vec<IngressRule>,
}

impl ConnectorConfig {
    /// As cloudflared's `ha-connections`.
    pub const DEFAULT_CONNECTIONS: usize = 4;
    /// As cloudflared's `grace-period`.
    pub const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(30);

    /// A connector with defaults for all that has one.
    pub fn new(edge: Vec<Address>, credentials: ConnectorCredentials) -> Self {
        Self {
            edge,
            credentials,
            ca_file: None,
            connections: Self::DEFAULT_CONNECTIONS,
            grace_period: Self::DEFAULT_GRACE_PERIOD,
            admin_listen: None,
            ingress: Vec::new(),
        }
    }
}

/// Where a connector has its tunnel's id and secret from. Files are read when it starts, because an
/// edge in the same process may have yet to make them.
#[derive(Clone, Debug)]
pub enum ConnectorCredentials {
    /// A token: base64 of JSON with account, tunnel and secret, as `cloudflared tunnel token`
    /// prints it.
    Token(SecretString),
    /// A file that holds such a token.
    TokenFile(PathBuf),
    /// A JSON file as `cloudflared tunnel create` writes it.
    CredentialsFile(PathBuf),
}
