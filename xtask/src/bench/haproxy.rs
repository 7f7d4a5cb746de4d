//! HAProxy in tcp mode: what we are compared with.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::programs::Programs;
use super::server::{Server, free_port, make_folder};
use super::tidegate::THREADS;

/// Starts it in front of a database, and returns it with its port. It has as many threads as each
/// tidegate process; everything that costs and is optional, as logs, is off.
pub(super) fn start(programs: &Programs, folder: &Path, database: u16) -> Result<(Server, u16)> {
    make_folder(folder)?;
    let port = free_port()?;
    let file = folder.join("haproxy.cfg");
    let configuration = format!(
        "global\n\
         \x20   nbthread {THREADS}\n\
         \x20   maxconn 4096\n\
         defaults\n\
         \x20   mode tcp\n\
         \x20   timeout connect 5s\n\
         \x20   timeout client 10m\n\
         \x20   timeout server 10m\n\
         listen mysql\n\
         \x20   bind 127.0.0.1:{port}\n\
         \x20   server database 127.0.0.1:{database}\n"
    );
    fs::write(&file, configuration).context("cannot write HAProxy's configuration")?;
    // -db: in the foreground, as one process.
    let mut command = Command::new(&programs.haproxy);
    command.arg("-db").arg("-f").arg(&file);
    let mut server = Server::spawn("HAProxy", &mut command, folder.join("log"))?;
    server.until_greeting(port)?;
    Ok((server, port))
}
