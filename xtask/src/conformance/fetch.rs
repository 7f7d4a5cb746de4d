//! Fetches the suites of `clients/conformance/sources.toml` into `.cache/conformance`, through the
//! ordinary clients of the registries, and checks their hashes.

mod debian;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::command::{cache, find, output, root};

const SOURCES: &str = "clients/conformance/sources.toml";

/// Where a suite comes from.
#[derive(Debug)]
struct Source {
    registry: String,
    /// The release of Debian.
    suite: String,
    package: String,
    version: String,
    /// The archive, and its SHA-256 in hexadecimal.
    file: String,
    sha256: String,
    /// Go's own hash of a module.
    sum: String,
}

/// The folder with a suite, fetched if it is not there.
pub(super) fn source(name: &str) -> Result<PathBuf> {
    let text = fs::read_to_string(root().join(SOURCES))?;
    let document: toml::Table = toml::from_str(&text).context(SOURCES)?;
    let entry = document.get(name);
    let entry = entry.with_context(|| format!("{SOURCES} has no [{name}]"))?;
    let source = Source::of(entry);
    if source.registry == "go" {
        return module(&source);
    }
    let folder = cache().join("conformance").join(name);
    let stamp = folder.join("fetched");
    let wanted = entry.to_string();
    if fs::read_to_string(&stamp).is_ok_and(|fetched| fetched == wanted) {
        return Ok(folder.join("source"));
    }
    eprintln!(
        "{name}: not here; fetching {} {}",
        source.package, source.version
    );
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("source"))?;
    match source.registry.as_str() {
        "debian" => debian::download(&source, &folder)?,
        "pypi" => pypi(&source, &folder)?,
        "npm" => npm(&source, &folder)?,
        other => bail!("{SOURCES}: no registry is called {other}"),
    }
    unpack(&source, &folder)?;
    fs::write(stamp, wanted)?;
    Ok(folder.join("source"))
}

impl Source {
    fn of(entry: &toml::Value) -> Self {
        let text = |key| {
            let value = entry.get(key).and_then(toml::Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        Self {
            registry: text("registry"),
            suite: text("suite"),
            package: text("package"),
            version: text("version"),
            file: text("file"),
            sha256: text("sha256"),
            sum: text("sum"),
        }
    }
}

/// A module stays where Go keeps it.
fn module(source: &Source) -> Result<PathBuf> {
    ensure!(find("go").is_some(), "Go is not installed");
    let module = format!("{}@{}", source.package, source.version);
    let mut command = Command::new("go");
    // Outside of any module, so that none has a say.
    command
        .args(["mod", "download", "-json", &module])
        .current_dir(std::env::temp_dir());
    let answer: Value = serde_json::from_str(&output(&mut command)?)?;
    ensure!(
        answer["Sum"] == source.sum.as_str(),
        "{module} has the hash {}, and {SOURCES} has another",
        answer["Sum"]
    );
    let folder = answer["Dir"].as_str().context("go names no folder")?;
    Ok(PathBuf::from(folder))
}

/// pip reads a package's metadata before it stores it, for which some have to be built.
fn pypi(source: &Source, folder: &Path) -> Result<()> {
    let python = find("python3").context("Python is not installed")?;
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-binary",
            ":all:",
        ])
        .arg(format!("{}=={}", source.package, source.version))
        .current_dir(folder);
    output(&mut command).map(drop)
}

fn npm(source: &Source, folder: &Path) -> Result<()> {
    let npm = find("npm").context("npm is not installed")?;
    let mut command = Command::new(npm);
    command
        .args(["pack", "--silent"])
        .arg(format!("{}@{}", source.package, source.version))
        .current_dir(folder);
    output(&mut command).map(drop)
}

/// Checks the archive and unpacks it without its first folder.
fn unpack(source: &Source, folder: &Path) -> Result<()> {
    let archive = folder.join(&source.file);
    let hash = output(Command::new("sha256sum").arg(&archive))?;
    ensure!(
        hash.split_whitespace().next() == Some(&source.sha256),
        "{} is not the file that {SOURCES} has the hash of",
        source.file
    );
    let mut tar = Command::new("tar");
    tar.arg("-xf")
        .arg(archive)
        .arg("-C")
        .arg(folder.join("source"));
    output(tar.arg("--strip-components=1")).map(drop)
}
