//! The option that all commands on a file share.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use config::{Config, EdgeConfig};

/// Which file to read.
#[derive(Debug, Args)]
pub(crate) struct ConfigArg {
    /// The configuration file; its keys are described in docs/configuration.md.
    #[arg(long, value_name = "FILE", default_value = "tidegate.toml")]
    config: PathBuf,
}

impl ConfigArg {
    /// Which file that is.
    pub(crate) fn file(&self) -> &Path {
        &self.config
    }

    /// Reads and checks the file.
    pub(crate) fn read(&self) -> Result<Config> {
        Ok(Config::from_file(&self.config)?)
    }

    /// Reads the file of an edge.
    pub(crate) fn read_edge(&self) -> Result<EdgeConfig> {
        self.read()?
            .edge
            .with_context(|| format!("{} has no [edge]", self.config.display()))
    }
}
