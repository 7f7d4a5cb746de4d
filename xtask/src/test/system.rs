//! Installs packages of the operating system: apt on Debian and Ubuntu, brew on macOS.

use std::process::Command;
use std::sync::Once;

use anyhow::{Result, bail};

use crate::command::{find, output, run};

static LISTS: Once = Once::new();

/// Installs packages and says so. Without a package manager it fails and says what to install.
pub(super) fn install(apt: &[&str], brew: &[&str]) -> Result<()> {
    if find("apt-get").is_some() {
        LISTS.call_once(|| {
            // Stale lists may still do; if not, the install below says why.
            if let Err(error) = run(as_root("apt-get").args(["update", "-qq"])) {
                println!("going on with the package lists that are there: {error:#}");
            }
        });
        return run(as_root("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(apt)
            .env("DEBIAN_FRONTEND", "noninteractive"));
    }
    if find("brew").is_some() {
        return run(Command::new("brew").arg("install").args(brew));
    }
    bail!(
        "neither apt-get nor brew is here: please install {} yourself",
        apt.join(", ")
    )
}

/// The program as root: itself when we are root, else by sudo.
fn as_root(program: &str) -> Command {
    let uid = output(Command::new("id").arg("-u")).unwrap_or_default();
    if uid.trim() == "0" {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["--preserve-env=DEBIAN_FRONTEND", program]);
    command
}
