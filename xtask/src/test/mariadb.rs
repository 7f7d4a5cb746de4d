//! MariaDB: the server without its system service, and the command line client.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::part::Part;
use super::system;
use crate::command::{cache, find, output, version};

const PROGRAMS: [&str; 3] = ["mariadbd", "mariadb-install-db", "mariadb"];

/// The login plugins that the tests install: where Debian has them, and in which package.
const PLUGINS: &str = "usr/lib/mysql/plugin";
const PLUGIN: &str = "auth_ed25519.so";
const PLUGINS_PACKAGE: &str = "mariadb-server";

/// Finds server and client, or installs them. The `-core` package starts no service.
pub(super) fn prepare() -> Result<Vec<Part>> {
    if PROGRAMS.iter().any(|program| find(program).is_none()) {
        println!("MariaDB: not here; installing it");
        system::install(&["mariadb-server-core", "mariadb-client"], &["mariadb"])?;
    }
    let server = find("mariadbd").context("the packages of MariaDB hold no mariadbd")?;
    let client = find("mariadb").context("the packages of MariaDB hold no mariadb")?;
    if let Err(error) = unpack_plugins(&cache().join("mariadb")) {
        println!("MariaDB: its login plugins are not here: {error:#}");
    }
    let mut parts = Part::present(
        "MariaDB server",
        version(&server, "--version"),
        &server,
        None,
    );
    parts.extend(Part::present(
        "mariadb client",
        version(&client, "--version"),
        &client,
        None,
    ));
    Ok(parts)
}

/// On Debian the package with the plugins starts a service when it is installed; so it is only
/// unpacked, into `.cache/mariadb`, where the tests find it.
fn unpack_plugins(folder: &Path) -> Result<()> {
    let has_plugin = |root: &Path| root.join(PLUGINS).join(PLUGIN).exists();
    let root = folder.join("root");
    if find("apt-get").is_none() || has_plugin(Path::new("/")) || has_plugin(&root) {
        return Ok(());
    }
    println!("MariaDB: unpacking its login plugins into .cache/mariadb");
    fs::create_dir_all(folder)?;
    let mut download = Command::new("apt-get");
    download.args(["download", "-qq", PLUGINS_PACKAGE]);
    output(download.current_dir(folder))?;
    for entry in fs::read_dir(folder)? {
        let package = entry?.path();
        if package
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root))?;
            fs::remove_file(package)?;
        }
    }
    if !has_plugin(&root) {
        bail!("the package {PLUGINS_PACKAGE} does not hold {PLUGIN}");
    }
    Ok(())
}
