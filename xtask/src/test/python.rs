//! Python, and the packages of `clients/requirements.txt` in an environment of their own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::part::Part;
use super::system;
use crate::command::{cache, find, output, root, run, version};

/// Finds or installs Python, then brings `.cache/python` to the state of the requirements.
pub(super) fn prepare() -> Result<Vec<Part>> {
    let folder = cache().join("python");
    packages(&folder, &root().join("clients/requirements.txt"))?;
    let python = folder.join("bin/python");
    Ok(Part::present(
        "Python",
        version(&python, "--version"),
        &python,
        None,
    ))
}

/// Makes an environment with the packages of a file, unless that very file was installed before.
pub(super) fn packages(folder: &Path, requirements: &Path) -> Result<()> {
    let wanted = std::fs::read_to_string(requirements)?;
    let stamp = folder.join("installed-requirements");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let file = requirements.strip_prefix(root()).unwrap_or(requirements);
    let file = file.display();
    println!("Python packages: not here or not those of {file}; installing them");
    environment(folder)?;
    run(Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", "-r"])
        .arg(requirements))?;
    Ok(std::fs::write(stamp, wanted)?)
}

/// Makes the environment. Debian ships the module for it apart from Python.
fn environment(folder: &Path) -> Result<()> {
    let make = || -> Result<String> {
        let python = find("python3").context("python3 is not here")?;
        output(
            Command::new(python)
                .args(["-m", "venv", "--clear"])
                .arg(folder),
        )
    };
    if make().is_err() {
        println!("Python with the module venv: not here; installing it");
        system::install(&["python3", "python3-venv"], &["python3"])?;
        make()?;
    }
    Ok(())
}
