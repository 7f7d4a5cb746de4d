//! Source packages of Debian, by an apt with a state of its own: the system's packages and lists
//! are neither asked nor changed, and root is not needed.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Source;
use crate::command::{find, output};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Downloads the authors' archive of a source package into `folder`.
pub(super) fn download(source: &Source, folder: &Path) -> Result<()> {
    ensure!(
        find("apt-get").is_some() && Path::new(KEYRING).exists(),
        "its tests are in Debian's source package, which is fetched on Debian only"
    );
    let state = folder.join("apt");
    fs::create_dir_all(state.join("lists/partial"))?;
    fs::write(state.join("status"), "")?;
    let line = format!(
        "deb-src [signed-by={KEYRING}] {} {} main\n",
        mirror()?,
        source.suite
    );
    fs::write(state.join("sources.list"), line)?;
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        for (key, file) in [
            ("Dir::State", ""),
            ("Dir::State::lists", "lists"),
            ("Dir::State::status", "status"),
            ("Dir::Etc::sourcelist", "sources.list"),
        ] {
            command.arg(format!("-o{key}={}", state.join(file).display()));
        }
        command
            .args(["-oDir::Etc::sourceparts=/dev/null", "-qq"])
            .args(arguments)
            .current_dir(folder);
        output(&mut command).map(drop)
    };
    apt(&["update"])?;
    let package = format!("{}={}", source.package, source.version);
    let outcome = apt(&["source", "--download-only", "--tar-only", &package]);
    fs::remove_dir_all(state)?;
    // A package may have other archives too, which are not needed and not on every mirror.
    if folder.join(&source.file).is_file() {
        return Ok(());
    }
    outcome
}

/// The mirror of Debian that this system takes its own packages from.
fn mirror() -> Result<String> {
    let mirrors =
        output(Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI)"]))?;
    let mirror = mirrors
        .lines()
        .find(|line| line.trim_end_matches('/').ends_with("/debian"));
    Ok(mirror.context("apt names no mirror of Debian")?.to_owned())
}
