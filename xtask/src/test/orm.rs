//! The mappers of `clients/orm`: npm packages of its lock file, and Python packages of its
//! requirements in an environment of their own.

use anyhow::Result;

use super::part::Part;
use super::{javascript, python};
use crate::command::{cache, root};

/// Brings both to the state of their lock files.
pub(super) fn prepare() -> Result<Vec<Part>> {
    let clients = root().join("clients/orm");
    javascript::packages(&clients)?;
    python::packages(
        &cache().join("orm-python"),
        &clients.join("requirements.txt"),
    )?;
    Ok(Vec::new())
}
