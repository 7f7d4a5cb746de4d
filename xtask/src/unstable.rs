//! Programs of Debian unstable, unpacked into a folder beside the system and run with libraries of
//! their own: the system's packages are neither asked nor changed, and root is not needed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::{find, output};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A program, and the package that holds it.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    /// Its file, from the root of the file system.
    pub(crate) file: &'static str,
    /// Where it has libraries of its own besides the system's, from the root of the file system.
    pub(crate) libraries: Option<&'static str>,
    /// What it is always told, after all other arguments. `$root` is where it was unpacked.
    pub(crate) arguments: &'static str,
}

impl Program {
    /// The script in `folder` that starts the program; it is there once it was unpacked.
    pub(crate) fn launcher(&self, folder: &Path) -> PathBuf {
        folder.join(self.name)
    }

    /// Unpacks the package, with all that it depends on, into `folder`.
    pub(crate) fn unpack(&self, folder: &Path) -> Result<()> {
        ensure!(
            find("apt-get").is_some() && Path::new(KEYRING).exists(),
            "it is unpacked on Debian only"
        );
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
            output(&mut command)
        };
        apt(&["update", "-qq"])?;
        apt(&["install", "-y", "-qq", "--download-only", self.package])?;
        for entry in fs::read_dir(folder.join("archives"))? {
            let package = entry?.path();
            let extension = package.extension();
            if extension.is_some_and(|extension| extension == "deb") {
                let mut command = Command::new("dpkg-deb");
                output(command.arg("-x").arg(&package).arg(folder.join("root")))?;
            }
        }
        fs::remove_dir_all(folder.join("archives"))?;
        fs::remove_dir_all(folder.join("lists"))?;
        self.write_launcher(folder)
    }

    /// Writes the script that starts the program with the loader and the libraries of its own
    /// system. It comes last: where it is, all the rest is.
    fn write_launcher(&self, folder: &Path) -> Result<()> {
        let root = folder.join("root");
        let loader = fs::read_dir(root.join("usr/lib64"))
            .context("the packages hold no loader for this machine")?
            .find_map(|entry| Some(entry.ok()?.file_name()))
            .context("the packages hold no loader for this machine")?;
        let triplet = output(Command::new("dpkg-architecture").arg("-qDEB_HOST_MULTIARCH"))
            .or_else(|_| output(Command::new("gcc").arg("-print-multiarch")))
            .unwrap_or_else(|_| format!("{}-linux-gnu", std::env::consts::ARCH));
        let mut libraries = format!("$root/usr/lib/{}", triplet.trim());
        if let Some(own) = self.libraries {
            write!(libraries, ":$root/{own}")?;
        }
        let script = format!(
            "#!/bin/sh\nroot='{root}'\nexec \"$root/usr/lib64/{loader}\" \
             --library-path \"{libraries}\" \"$root/{file}\" \"$@\" {arguments}\n",
            root = root.display(),
            loader = loader.display(),
            file = self.file,
            arguments = self.arguments,
        );
        let program = folder.join(format!("{}.new", self.name));
        fs::write(&program, script)?;
        output(Command::new("chmod").arg("+x").arg(&program))?;
        output(Command::new(&program).arg("--version"))?;
        Ok(fs::rename(program, self.launcher(folder))?)
    }
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

/// apt with a state of its own.
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
