//! The command line client of MariaDB, which is given a script on stdin.

use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use testkit::{checkout, find};

use super::program::run;
use crate::Endpoint;

/// Run at once, beside the script.
const PARALLEL: usize = 4;

/// Longer lines are of the big results; their digest is compared.
const SHOWN: usize = 200;

pub(super) async fn session(endpoint: &Endpoint) -> Result<Option<Value>> {
    if find("mariadb").is_none() {
        return Ok(None);
    }
    let script = std::fs::read_to_string(checkout().join("clients/mariadb_client.sql"))?;
    let whole = client(endpoint, &script).await?;
    let mut own = Vec::new();
    for worker in 0..PARALLEL {
        let endpoint = endpoint.clone();
        let script = format!("SET @me = {worker}; SELECT SLEEP(0.05); SELECT @me AS me;");
        own.push(tokio::spawn(
            async move { client(&endpoint, &script).await },
        ));
    }
    let mut parallel = Vec::new();
    for task in own {
        parallel.push(task.await??);
    }
    Ok(Some(json!({ "script": whole, "parallel": parallel })))
}

async fn client(endpoint: &Endpoint, script: &str) -> Result<Value> {
    let mut command = Command::new("mariadb");
    command
        .arg("--no-defaults")
        .args([
            "--host=127.0.0.1",
            "--protocol=tcp",
            "--default-character-set=utf8mb4",
        ])
        .args([
            "--batch",
            "--force",
            "--column-names",
            "--max-allowed-packet=64M",
        ])
        .arg(format!("--port={}", endpoint.port))
        .arg(format!("--user={}", endpoint.user))
        .arg(format!("--password={}", endpoint.password))
        .arg(&endpoint.database);
    let output = run(command, script).await?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> = stdout.lines().map(shown).collect();
    Ok(json!({
        "status": output.status.code(),
        "errors": String::from_utf8_lossy(&output.stderr),
        "lines": lines,
    }))
}

fn shown(line: &str) -> Value {
    if line.len() <= SHOWN {
        return line.into();
    }
    json!({ "length": line.len(), "sha1": format!("{:?}", Sha1::digest(line.as_bytes())) })
}
