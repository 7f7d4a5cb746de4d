//! A Worker in real workerd, whose hyperdrive binding leads to the endpoint.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Process, checkout, eventually, free_port, http_get, node, workerd};

use super::program::run;
use crate::Endpoint;

/// Some 2 s on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);
const SESSION_LIMIT: Duration = Duration::from_secs(120);

pub(super) async fn session(endpoint: &Endpoint) -> Result<Option<Value>> {
    let (Some(node), Some(workerd)) = (node(), workerd()) else {
        return Ok(None);
    };
    let folder = TempDir::with_prefix("tidegate-worker-")?;
    let mut bundle = Command::new(node);
    bundle
        .arg(checkout().join("clients/build_worker.mjs"))
        .arg(folder.path().join("worker.js"));
    let output = run(bundle, "").await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the Worker cannot be bundled: {errors}"
    );

    let port = free_port();
    fs::write(
        folder.path().join("worker.capnp"),
        configuration(endpoint, port)?,
    )?;
    let mut command = Command::new(workerd);
    command
        .args(["serve", "worker.capnp"])
        .current_dir(folder.path());
    let mut process = Process::spawn("workerd", &mut command, &folder.path().join("workerd.log"))?;
    eventually("the Worker answers", START_LIMIT, async || {
        process.check()?;
        http_get(port, "/ready").await
    })
    .await?;
    let response = tokio::time::timeout(SESSION_LIMIT, http_get(port, "/"))
        .await
        .context("the Worker did not answer in time")??;
    ensure!(
        response.status == 200,
        "the Worker failed: {}",
        response.body
    );
    Ok(Some(serde_json::from_str(&response.body)?))
}

fn configuration(endpoint: &Endpoint, port: u16) -> Result<String> {
    let template = fs::read_to_string(checkout().join("clients/worker.capnp"))?;
    let mut text = String::new();
    for line in template.lines().filter(|line| !line.starts_with('#')) {
        let line = line
            .replace("HTTP_PORT", &port.to_string())
            .replace("DATABASE_PORT", &endpoint.port.to_string())
            .replace("DATABASE_NAME", &endpoint.database)
            .replace("DATABASE_USER", &endpoint.user)
            .replace("DATABASE_PASSWORD", &endpoint.password);
        text += &line;
        text.push('\n');
    }
    Ok(text)
}
