//! How TiDB is started, on a store inside its own process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use mysql_async::prelude::Queryable;

use super::{connect, option};
use crate::{Certificates, Process, eventually, free_port, program};

pub(super) fn program() -> Option<PathBuf> {
    program::named("TIDB_SERVER_BIN", "tidb-server", ".cache/tidb-server")
}

/// Writes its configuration, as TLS can be said only there, and says where it is.
pub(super) fn arguments(
    command: &mut Command,
    folder: &Path,
    port: u16,
    certificates: Option<&Certificates>,
) -> Result<()> {
    let security = certificates.map_or_else(String::new, |files| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        format!(
            "[security]
ssl-cert = \"{certificate}\"
ssl-key = \"{key}\"
"
        )
    });
    let path = folder.join("tidb.toml");
    fs::write(&path, format!("[log]\nlevel = \"warn\"\n{security}"))?;
    command
        .arg(option("--config=", &path))
        .args(["--store=unistore", "--host=127.0.0.1", "--socket="])
        .arg(option("--path=", &folder.join("data")))
        .arg(option("--temp-dir=", &folder.join("temporary")))
        .arg(format!("-P={port}"))
        .arg(format!("--status={}", free_port()))
        .arg("--status-host=127.0.0.1");
    Ok(())
}

/// Gives it the user [`super::ADMIN`], as its root, who has no password; again after a restart,
/// where that changes nothing.
pub(super) async fn create_admin(port: u16, process: &mut Process, limit: Duration) -> Result<()> {
    let mut ended = None;
    let outcome = eventually("TiDB lets its root in", limit, async || {
        if let Err(error) = process.check() {
            ended = Some(error);
            return Ok(());
        }
        let mut root = connect(port, "root", "").await?;
        root.query_drop("CREATE USER IF NOT EXISTS admin@'%' IDENTIFIED BY 'admin'")
            .await?;
        root.query_drop("GRANT ALL PRIVILEGES ON *.* TO admin@'%' WITH GRANT OPTION")
            .await?;
        Ok(root.disconnect().await?)
    })
    .await;
    ended.map_or(outcome, Err)
}
