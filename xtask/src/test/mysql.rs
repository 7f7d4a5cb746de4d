//! MySQL: the server that `MYSQLD_BIN` or `PATH` has, else, on Debian, the one of Debian unstable
//! in `.cache/mysql`, unpacked beside the system and run with its own libraries.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::part::Part;
use crate::command::{cache, find, output, run, variable, version};

const NAME: &str = "MySQL";
const VARIABLE: Option<&str> = Some("MYSQLD_BIN");
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Finds MySQL, or unpacks it: 20 s and 400 MB.
pub(super) fn prepare() -> Vec<Part> {
    if let Some(program) = variable("MYSQLD_BIN").map(PathBuf::from).or_else(installed) {
        return Part::present(NAME, version(&program, "--version"), &program, VARIABLE);
    }
    let folder = cache().join("mysql");
    let program = folder.join("mysqld");
    if !program.exists() {
        if find("apt-get").is_none() || !Path::new(KEYRING).exists() {
            let why = "neither MYSQLD_BIN nor PATH has it, and it is unpacked on Debian only";
            return Part::absent(NAME, why);
        }
        println!("MySQL: not here; unpacking that of Debian unstable into .cache/mysql");
        if let Err(error) = unpack(&folder) {
            return Part::absent(NAME, format!("{error:#}"));
        }
    }
    Part::present(NAME, version(&program, "--version"), &program, VARIABLE)
}

/// The `mysqld` on `PATH`, unless it is MariaDB's under its old name.
fn installed() -> Option<PathBuf> {
    let program = find("mysqld")?;
    let version = version(&program, "--version")?;
    (!version.contains("MariaDB")).then_some(program)
}

/// Fetches the server with all that it links to, through apt with a state of its own, so that the
/// system's packages are neither asked nor changed, and root is not needed.
fn unpack(folder: &Path) -> Result<()> {
    for part in ["lists/partial", "archives/partial", "root"] {
        fs::create_dir_all(folder.join(part))?;
    }
    fs::write(folder.join("status"), "")?;
    let source = format!("deb [signed-by={KEYRING}] {} sid main\n", mirror()?);
    fs::write(folder.join("sources.list"), source)?;
    fs::write(folder.join("apt.conf"), apt_configuration(folder)?)?;
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(arguments)
            .env("APT_CONFIG", folder.join("apt.conf"));
        run(&mut command)
    };
    apt(&["update", "-qq"])?;
    apt(&[
        "install",
        "-y",
        "-qq",
        "--download-only",
        "mysql-server-core",
    ])?;
    for entry in fs::read_dir(folder.join("archives"))? {
        let package = entry?.path();
        if package
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            output(
                Command::new("dpkg-deb")
                    .arg("-x")
                    .arg(package)
                    .arg(folder.join("root")),
            )?;
        }
    }
    fs::remove_dir_all(folder.join("archives"))?;
    fs::remove_dir_all(folder.join("lists"))?;
    launcher(folder)
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

fn apt_configuration(folder: &Path) -> Result<String> {
    let folder = folder
        .to_str()
        .context("the path of the checkout is not UTF-8")?;
    let mut text = String::new();
    for (key, value) in [
        ("Dir::State", format!("{folder}/")),
        ("Dir::State::lists", format!("{folder}/lists/")),
        ("Dir::State::status", format!("{folder}/status")),
        ("Dir::Cache", format!("{folder}/")),
        ("Dir::Cache::archives", format!("{folder}/archives/")),
        ("Dir::Etc::sourcelist", format!("{folder}/sources.list")),
        ("Dir::Etc::sourceparts", "/dev/null".to_owned()),
        ("Dir::Etc::preferencesparts", "/dev/null".to_owned()),
        ("APT::Install-Recommends", "false".to_owned()),
        ("APT::Sandbox::User", "root".to_owned()),
        ("Acquire::Languages", "none".to_owned()),
        ("Debug::NoLocking", "true".to_owned()),
    ] {
        writeln!(text, "{key} \"{value}\";")?;
    }
    Ok(text)
}

/// A script that starts the server with the loader and the libraries of its own system. It is
/// written last: where it is, all the rest is.
fn launcher(folder: &Path) -> Result<()> {
    let root = folder.join("root");
    let loader = fs::read_dir(root.join("usr/lib64"))
        .context("the packages hold no loader for this machine")?
        .find_map(|entry| Some(entry.ok()?.file_name()))
        .context("the packages hold no loader for this machine")?;
    let triplet = output(Command::new("dpkg-architecture").arg("-qDEB_HOST_MULTIARCH"))
        .or_else(|_| output(Command::new("gcc").arg("-print-multiarch")))
        .unwrap_or_else(|_| format!("{}-linux-gnu", std::env::consts::ARCH));
    let script = format!(
        "#!/bin/sh\nroot='{root}'\nexec \"$root/usr/lib64/{loader}\" \
         --library-path \"$root/usr/lib/{triplet}\" \"$root/usr/sbin/mysqld\" \"$@\" \
         --lc-messages-dir=\"$root/usr/share/mysql\" \
         --character-sets-dir=\"$root/usr/share/mysql/charsets\"\n",
        root = root.display(),
        loader = loader.display(),
        triplet = triplet.trim(),
    );
    let program = folder.join("mysqld.new");
    fs::write(&program, script)?;
    run(Command::new("chmod").arg("+x").arg(&program))?;
    output(Command::new(&program).arg("--version"))?;
    Ok(fs::rename(program, folder.join("mysqld"))?)
}
