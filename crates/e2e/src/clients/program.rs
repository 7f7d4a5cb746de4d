//! Clients that are programs: run to their end, with their outcome on stdout.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::{checkout, node, python};

use crate::Endpoint;

/// Each takes 5 s on an idle machine; one that hangs is ended, and its test fails.
const LIMIT: Duration = Duration::from_secs(120);

/// mysql2 in Node.
pub(super) async fn mysql2(endpoint: &Endpoint) -> Result<Option<Value>> {
    javascript("mysql2", "mysql2_client.mjs", endpoint).await
}

/// MariaDB's connector in Node.
pub(super) async fn mariadb_connector(endpoint: &Endpoint) -> Result<Option<Value>> {
    javascript("mariadb", "mariadb_connector.mjs", endpoint).await
}

async fn javascript(package: &str, name: &str, endpoint: &Endpoint) -> Result<Option<Value>> {
    let packages = checkout().join("clients/node_modules");
    match node() {
        Some(node) if packages.join(package).exists() => {
            script(&node, name, endpoint).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// `PyMySQL`.
pub(super) async fn pymysql(endpoint: &Endpoint) -> Result<Option<Value>> {
    match python() {
        Some(python) => script(&python, "pymysql_client.py", endpoint)
            .await
            .map(Some),
        None => Ok(None),
    }
}

async fn script(interpreter: &Path, script: &str, endpoint: &Endpoint) -> Result<Value> {
    let mut command = Command::new(interpreter);
    command
        .arg(checkout().join("clients").join(script))
        .arg(endpoint.json().to_string());
    let output = run(command, "").await.with_context(|| script.to_owned())?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{script} failed ({}): {errors}",
        output.status
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs a program to its end, with text on its stdin.
pub(super) async fn run(mut command: Command, input: &str) -> Result<Output> {
    use tokio::io::AsyncWriteExt;

    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().context("the program has no stdin")?;
    let write = async {
        // A program that ends early says why on stderr, so that it closed its stdin is no news.
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
    };
    let both = async { tokio::join!(write, child.wait_with_output()).1 };
    Ok(tokio::time::timeout(LIMIT, both)
        .await
        .context("it did not end in time")??)
}
