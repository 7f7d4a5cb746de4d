//! The demo's temporary folder: database, certificates, store. It is gone when the demo is.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Attempts to remove the folder: a program that was just killed may still be writing.
const ATTEMPTS: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);

/// A folder that only its owner can read.
#[derive(Debug)]
pub(super) struct Folder(Option<TempDir>);

impl Folder {
    /// Makes the folder.
    pub(super) fn make() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tidegate-demo-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        Ok(Self(Some(folder)))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.0.as_ref().map_or_else(|| Path::new(""), TempDir::path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Some(folder) = self.0.take() else { return };
        let path = folder.keep();
        for _ in 0..ATTEMPTS {
            if std::fs::remove_dir_all(&path).is_ok() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        tracing::warn!(folder = %path.display(), "Cannot remove the temporary folder");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_gone_with_its_content() {
        let folder = Folder::make().unwrap();
        let path = folder.path().to_owned();
        std::fs::write(path.join("file"), "content").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
