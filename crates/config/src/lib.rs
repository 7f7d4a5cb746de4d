//! File and environment to a checked [`Config`], in two stages: what was written (`written`, read
//! by serde, one struct per table) and what it means (`meaning`, the domain's nouns).
//!
//! ```text
//! text ─ TOML tree ─ ${VARIABLES} put in ─ written::File ─ meaning ─ Config
//!        document    variables              written, value   meaning
//! ```
//!
//! Every complaint names file, line, column, key and what is allowed; as many as possible are
//! reported at once; none shows a secret. The keys are described in `docs/configuration.md`, and a
//! test holds the two together.
//!
//! This is the only crate that reads the environment.

mod config;
mod document;
mod duration;
mod environment;
mod error;
mod meaning;
mod origin_url;
mod size;
mod suggest;
mod value;
mod variables;
mod written;

pub use config::{
    CertificateFiles, Config, ConnectorConfig, ConnectorCredentials, EdgeConfig, EdgeTls,
    LogConfig, LogFormat, TlsMode,
};
pub use environment::{LOG_VARIABLE, env_path_search, log_filter};
pub use error::{ConfigError, Problem};
pub use origin_url::{OriginUrl, OriginUrlError};
