//! Node, and the JavaScript clients of `clients/package-lock.json`: mysql2, workerd, esbuild.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::part::Part;
use super::system;
use crate::command::{find, root, run, version};

/// The oldest Node that every package of the lock file runs on, which is Debian 12's.
const OLDEST_NODE: u32 = 18;

/// Finds or installs Node, then brings `clients/node_modules` to the state of the lock file.
pub(super) fn prepare() -> Result<Vec<Part>> {
    if find("node").is_none() || find("npm").is_none() {
        println!("Node: not here; installing it");
        system::install(&["nodejs", "npm"], &["node"])?;
    }
    let node = find("node").context("the package of Node holds no node")?;
    let node_version = version(&node, "--version").unwrap_or_default();
    if major(&node_version).is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node {OLDEST_NODE} or newer is needed, and PATH has {node_version}");
    }
    let clients = root().join("clients");
    packages(&clients)?;
    let mut parts = Part::present("Node", Some(node_version), &node, None);
    let workerd = clients.join("node_modules/.bin/workerd");
    parts.extend(Part::present(
        "workerd",
        version(&workerd, "--version"),
        &workerd,
        None,
    ));
    Ok(parts)
}

/// Installs the exact packages of the lock file, unless that very file was installed before.
pub(super) fn packages(clients: &Path) -> Result<()> {
    let lock = std::fs::read_to_string(clients.join("package-lock.json"))?;
    let stamp = clients.join("node_modules/.installed-lock");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let folder = clients.strip_prefix(root()).unwrap_or(clients).display();
    println!("npm packages: not here or not those of {folder}/package-lock.json; installing them");
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(clients))?;
    Ok(std::fs::write(stamp, lock)?)
}

/// 20 of "v20.1.2".
fn major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version_of_node() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major(""), None);
    }
}
