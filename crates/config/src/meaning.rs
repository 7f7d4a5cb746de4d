//! What the file means: defaults filled in, keys checked against each other, files read that must
//! be there now, everything in the domain's nouns.

mod cache;
mod connector;
mod edge;

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::config::{Config, LogConfig};
use crate::document::{Complaint, Document, Span};
use crate::error::{ConfigError, Problem};
use crate::value::Text;
use crate::variables::Lookup;
use crate::{environment, written};

/// Largest configuration file; the largest sensible one has a few thousand lines.
const MAX_CONFIG_FILE: u64 = 4 * 1024 * 1024;
/// Largest file of authorities; the public ones together are a quarter of this.
const MAX_CA_FILE: u64 = 1024 * 1024;

impl Config {
    /// Reads a configuration file and the environment variables that it names.
    ///
    /// Paths in it are relative to the folder that the file is in.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = read_limited(path, MAX_CONFIG_FILE).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let name = path.display().to_string();
        Self::from_toml(&text, &name, &environment::variable)
    }

    /// Reads a configuration from text. `name` is what problems call it; paths are relative to the
    /// folder in it. `env` looks environment variables up.
    pub fn from_toml(
        text: &str,
        name: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        checked(text, name, env).map_err(ConfigError::Invalid)
    }
}

fn checked(text: &str, name: &str, env: Lookup<'_>) -> Result<Config, Vec<Problem>> {
    let mut document = Document::parse(name, text)?;
    let file = document.read(env)?;
    let mut meaning = Meaning {
        base: Path::new(name)
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default(),
        complaints: Vec::new(),
    };
    let config = meaning.config(file, env);
    if meaning.complaints.is_empty() {
        Ok(config)
    } else {
        Err(document.problems(meaning.complaints))
    }
}

/// Turns what was written into what it means, and gathers what is wrong with it.
#[derive(Debug)]
struct Meaning {
    base: PathBuf,
    complaints: Vec<Complaint>,
}

impl Meaning {
    fn config(&mut self, file: written::File, env: Lookup<'_>) -> Config {
        let mut taken = HashSet::new();
        if file.edge.is_none() && file.connector.is_none() {
            self.complain(
                0..0,
                "neither [edge] nor [connector] is there, so there is nothing to run; write at least one",
            );
        }
        Config {
            log: log(file.log.unwrap_or_default(), env),
            edge: file.edge.map(|edge| self.edge(edge, &mut taken)),
            connector: file
                .connector
                .and_then(|connector| self.connector(connector, &mut taken)),
        }
    }

    fn complain(&mut self, span: Span, message: impl Into<String>) {
        self.complaints.push(Complaint {
            span,
            message: message.into(),
        });
    }

    /// Complains when a value was seen before. `what` names the kind of value.
    fn unique<T: std::hash::Hash + Eq>(
        &mut self,
        seen: &mut HashSet<T>,
        value: T,
        span: Span,
        what: &str,
    ) {
        if !seen.insert(value) {
            self.complain(
                span,
                format!("this {what} is taken already; each must have its own"),
            );
        }
    }

    /// A TCP address to listen on; two listeners cannot share one.
    fn tcp_listener(
        &mut self,
        address: Option<Spanned<Text<SocketAddr>>>,
        taken: &mut HashSet<SocketAddr>,
    ) -> Option<SocketAddr> {
        let (address, span) = placed(address?);
        // Port 0 is a different port each time.
        if address.port() != 0 {
            self.unique(taken, address, span, "address and port");
        }
        Some(address)
    }

    /// A path, relative to the configuration file's folder.
    fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Reads a file of PEM certificates that has to be there now.
    fn certificates(&mut self, path: &Path, span: Span) -> Option<String> {
        let path = self.path(path);
        match read_limited(&path, MAX_CA_FILE) {
            Ok(pem) if pem.contains("-----BEGIN CERTIFICATE-----") => Some(pem),
            Ok(_) => {
                self.complain(span, format!("{} holds no PEM certificate", path.display()));
                None
            }
            Err(error) => {
                self.complain(span, format!("cannot read {}: {error}", path.display()));
                None
            }
        }
    }
}

fn log(log: written::Log, env: Lookup<'_>) -> LogConfig {
    let default = LogConfig::default();
    let from_env = env(environment::LOG_VARIABLE).filter(|filter| !filter.is_empty());
    LogConfig {
        level: from_env
            .or_else(|| log.level.map(|level| level.0.0))
            .unwrap_or(default.level),
        format: log.format.map_or(default.format, |format| format.0),
    }
}

/// Value and place of a key.
fn placed<T>(key: Spanned<Text<T>>) -> (T, Span) {
    let span = key.span();
    (key.into_inner().0, span)
}

fn read_limited(path: &Path, limit: u64) -> std::io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(path)?
        .take(limit + 1)
        .read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read <= limit) {
        Ok(text)
    } else {
        Err(std::io::Error::other(format!(
            "it is larger than {limit} bytes"
        )))
    }
}
