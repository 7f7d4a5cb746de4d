//! MySQL: the server that `MYSQLD_BIN` or `PATH` has, else, on Debian, the one of Debian unstable
//! in `.cache/mysql`.

use std::path::PathBuf;

use anyhow::Result;

use super::part::Part;
use crate::command::{cache, find, variable, version};
use crate::unstable::Program;

const NAME: &str = "MySQL";
const VARIABLE: Option<&str> = Some("MYSQLD_BIN");

/// The server of Debian unstable, with the messages and character sets that belong to it.
const UNSTABLE: Program = Program {
    name: "mysqld",
    package: "mysql-server-core",
    file: "usr/sbin/mysqld",
    libraries: None,
    arguments: "--lc-messages-dir=\"$root/usr/share/mysql\" \
                --character-sets-dir=\"$root/usr/share/mysql/charsets\"",
};

/// Finds MySQL, or unpacks it: 20 s and 400 MB.
pub(super) fn prepare() -> Vec<Part> {
    match provide() {
        Ok(program) => Part::present(NAME, version(&program, "--version"), &program, VARIABLE),
        Err(error) => Part::absent(NAME, format!("{error:#}")),
    }
}

/// The server, unpacked if it is not there. An error says why it cannot be had.
pub(crate) fn provide() -> Result<PathBuf> {
    if let Some(program) = variable("MYSQLD_BIN").map(PathBuf::from).or_else(installed) {
        return Ok(program);
    }
    let folder = cache().join("mysql");
    let program = UNSTABLE.launcher(&folder);
    if !program.exists() {
        eprintln!("MySQL: not here; unpacking that of Debian unstable into .cache/mysql");
        UNSTABLE.unpack(&folder)?;
    }
    Ok(program)
}

/// The `mysqld` on `PATH`, unless it is MariaDB's under its old name.
fn installed() -> Option<PathBuf> {
    let program = find("mysqld")?;
    let version = version(&program, "--version")?;
    (!version.contains("MariaDB")).then_some(program)
}
