//! How TiDB is started, on the store inside its own process.

use std::process::Command;

use anyhow::Result;
use domain::{ExposeSecret, SecretString};

use super::{Setup, answering, free_port, local, option, random_password};
use crate::demo::process::Process;

pub(super) fn arguments(command: &mut Command, setup: &Setup<'_>) -> Result<()> {
    command
        .args(["-store=unistore", "-host=127.0.0.1", "-socket=", "-L=warn"])
        .arg(option("-path=", &setup.folder.join("data")))
        .arg(option("-temp-dir=", &setup.folder.join("temporary")))
        .arg(format!("-P={}", setup.port))
        .arg(format!("-status={}", free_port()?))
        .arg("-status-host=127.0.0.1");
    Ok(())
}

/// Makes the demo's user and database as its root, who has no password, and then gets one that
/// nobody knows.
pub(super) async fn bootstrap(setup: &Setup<'_>, process: &mut Process) -> Result<()> {
    let root = local(setup.port, "root", SecretString::from(String::new()), None);
    let mut client = answering(&root, process).await?;
    for statement in setup.statements() {
        client.execute(&statement).await?;
    }
    let password = random_password();
    let lock = format!(
        "ALTER USER root@'%' IDENTIFIED BY '{}'",
        password.expose_secret()
    );
    client.execute(&lock).await?;
    client.quit().await;
    Ok(())
}
