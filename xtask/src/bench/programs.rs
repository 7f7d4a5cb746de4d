//! The programs that the benchmark runs: found, installed or built, and which versions they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::numbers::version_in;
use super::progress;
use crate::command::{cargo, find, output, root, variable, version};

/// Where the programs are, and their versions as they say them.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) tidegate: PathBuf,
    /// Built along with tidegate, and as it is.
    pub(super) echo: PathBuf,
    pub(super) haproxy: PathBuf,
    pub(super) sysbench: PathBuf,
    pub(super) mariadbd: PathBuf,
    pub(super) mariadb_install_db: PathBuf,
    /// Name and version of each.
    pub(super) versions: Vec<(&'static str, String)>,
    /// Whether we are root, which MariaDB wants to be told.
    pub(super) as_root: bool,
}

/// How tidegate is built.
#[derive(Clone, Copy, Debug)]
pub(super) enum Profile {
    /// As it is released.
    Release,
    /// The same, with the names of its functions.
    Profiling,
}

impl Programs {
    /// Installs what is missing, and builds tidegate.
    pub(super) fn prepare(profile: Profile) -> Result<Self> {
        let as_root = output(Command::new("id").arg("-u"))?.trim() == "0";
        let need = |program, package| provide(program, package, as_root);
        let haproxy = need("haproxy", "haproxy")?;
        let sysbench = need("sysbench", "sysbench")?;
        let mariadbd = need("mariadbd", "mariadb-server-core")?;
        let mariadb_install_db = need("mariadb-install-db", "mariadb-server-core")?;
        let (tidegate, echo) = build(profile)?;
        let versions = [
            ("tidegate", &tidegate, "--version"),
            ("HAProxy", &haproxy, "-v"),
            ("sysbench", &sysbench, "--version"),
            ("MariaDB", &mariadbd, "--version"),
        ];
        let versions = versions.map(|(name, program, argument)| {
            let version = version(program, argument).unwrap_or_default();
            (name, version_in(&version).to_owned())
        });
        Ok(Self {
            versions: versions.to_vec(),
            tidegate,
            echo,
            haproxy,
            sysbench,
            mariadbd,
            mariadb_install_db,
            as_root,
        })
    }
}

/// A program on `PATH`, installed if it is not there.
pub(super) fn provide(program: &str, package: &str, as_root: bool) -> Result<PathBuf> {
    if let Some(found) = find(program) {
        return Ok(found);
    }
    progress(&format!("{program} is not here: installing {package}"));
    ensure!(
        find("apt-get").is_some(),
        "{program} is not here, and neither is apt-get to install it: please install it yourself"
    );
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if as_root { "apt-get" } else { "sudo" });
        if !as_root {
            command.args(["--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        }
        command.args(arguments);
        run_quietly(command.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-qq"])?;
    apt(&["install", "-y", "-qq", "--no-install-recommends", package])?;
    find(program).with_context(|| format!("{package} is installed and holds no {program}"))
}

/// Tidegate and the echo server, built now so that none is measured that is older than its source.
/// The binary that `TIDEGATE_BIN` names takes the place of tidegate's.
fn build(profile: Profile) -> Result<(PathBuf, PathBuf)> {
    let name = match profile {
        Profile::Release => "release",
        Profile::Profiling => "profiling",
    };
    let mut command = cargo();
    command.args(["build", "--profile", name, "--quiet", "-p", "echo-server"]);
    let folder = root().join("target").join(name);
    let (echo, tidegate) = (folder.join("echo-server"), folder.join("tidegate"));
    if let Some(named) = variable("TIDEGATE_BIN") {
        progress(&format!("taking {named} as TIDEGATE_BIN says"));
        run_quietly(&mut command)?;
        let tidegate = Path::new(&named).canonicalize();
        let tidegate =
            tidegate.with_context(|| format!("TIDEGATE_BIN names {named}, which is not there"))?;
        return Ok((tidegate, echo));
    }
    progress(&format!("building tidegate with the profile {name}"));
    run_quietly(command.args(["-p", "tidegate"]))?;
    Ok((tidegate, echo))
}

/// Runs a command to its end; what it writes goes to stderr, as stdout is for the result.
fn run_quietly(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_owned();
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start {}", name.display()))?;
    ensure!(status.success(), "{} failed ({status})", name.display());
    Ok(())
}
