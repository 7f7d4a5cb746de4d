//! MariaDB: the server without its system service, and the command line client.

use anyhow::{Context, Result};

use super::part::Part;
use super::system;
use crate::command::{find, version};

const PROGRAMS: [&str; 3] = ["mariadbd", "mariadb-install-db", "mariadb"];

/// Finds server and client, or installs them. The `-core` package starts no service.
pub(super) fn prepare() -> Result<Vec<Part>> {
    if PROGRAMS.iter().any(|program| find(program).is_none()) {
        println!("MariaDB: not here; installing it");
        system::install(&["mariadb-server-core", "mariadb-client"], &["mariadb"])?;
    }
    let server = find("mariadbd").context("the packages of MariaDB hold no mariadbd")?;
    let client = find("mariadb").context("the packages of MariaDB hold no mariadb")?;
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
