//! MySQL Router: the other pooler that we are compared with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::progress;
use super::server::{Server, free_port, make_folder};
use super::tidegate::{POOL_MAX, THREADS};
use crate::command::{cache, find, variable, version};
use crate::unstable::Program;

/// The one of Debian unstable: 25 MB to fetch.
const UNSTABLE: Program = Program {
    name: "mysqlrouter",
    package: "mysql-router",
    file: "usr/bin/mysqlrouter",
    libraries: Some("usr/lib/mysql-router"),
    arguments: "",
};

/// Where its plugins are below the folder that it was unpacked into.
const PLUGINS: &str = "root/usr/lib/mysqlrouter/plugin";

/// The program.
#[derive(Debug)]
pub(super) struct Router {
    program: PathBuf,
    /// Where its plugins are, unless where it was built to look.
    plugins: Option<PathBuf>,
    pub(super) version: String,
}

/// Running: the process, and the port of each of its two ways.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) server: Server,
    pub(super) sharing: u16,
    pub(super) passthrough: u16,
}

impl Router {
    /// The one that `MYSQLROUTER_BIN` or `PATH` has, else that of Debian unstable, unpacked into
    /// `.cache/mysqlrouter`. An error says why it cannot be had.
    pub(super) fn provide() -> Result<Self> {
        let present = variable("MYSQLROUTER_BIN").map(PathBuf::from);
        let (program, plugins) = match present.or_else(|| find("mysqlrouter")) {
            Some(program) => (program, None),
            None => unpacked()?,
        };
        let version = version(&program, "--version").context("it does not run")?;
        Ok(Self {
            program,
            plugins,
            version,
        })
    }

    /// Starts it in front of a MySQL on `database`, whose folder of data has a certificate.
    pub(super) fn start(&self, folder: &Path, database: u16, data: &Path) -> Result<Running> {
        make_folder(folder)?;
        let (sharing, passthrough) = (free_port()?, free_port()?);
        let plugins = self.plugins.as_ref().map_or_else(String::new, |plugins| {
            format!("plugin_folder={}\n", plugins.display())
        });
        let configuration = format!(
            "[DEFAULT]\n\
             logging_folder=\n\
             runtime_folder={folder}\n\
             data_folder={folder}\n\
             {plugins}\
             [logger]\nlevel=WARNING\n\
             [io]\nthreads={THREADS}\n\
             [connection_pool]\nmax_idle_server_connections={POOL_MAX}\n\
             {sharing}{passthrough}",
            folder = folder.display(),
            sharing = section("sharing", sharing, database, &sharing_modes(data)),
            passthrough = section("passthrough", passthrough, database, PASSTHROUGH_MODES),
        );
        let file = folder.join("mysqlrouter.conf");
        fs::write(&file, configuration).context("cannot write MySQL Router's configuration")?;
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&file);
        let mut server = Server::spawn("MySQL Router", &mut command, folder.join("log"))?;
        server.until_greeting(sharing)?;
        server.until_greeting(passthrough)?;
        Ok(Running {
            server,
            sharing,
            passthrough,
        })
    }
}

fn unpacked() -> Result<(PathBuf, Option<PathBuf>)> {
    let folder = cache().join("mysqlrouter");
    let program = UNSTABLE.launcher(&folder);
    if !program.exists() {
        progress("MySQL Router: not here; unpacking that of Debian unstable");
        UNSTABLE
            .unpack(&folder)
            .context("neither MYSQLROUTER_BIN nor PATH has it")?;
    }
    Ok((program, Some(folder.join(PLUGINS))))
}

/// Bytes pass, as with HAProxy.
const PASSTHROUGH_MODES: &str = "client_ssl_mode=PASSTHROUGH\nserver_ssl_mode=AS_CLIENT\n";

/// Each statement may go over another connection, and a connection is free at once.
///
/// TLS is offered to clients, which do not take it, because of the key that comes with it: without
/// one a client encrypts its password with the database's, Router does not learn it, cannot log in
/// by itself, and shares nothing.
fn sharing_modes(data: &Path) -> String {
    format!(
        "client_ssl_mode=PREFERRED\n\
         client_ssl_cert={data}/server-cert.pem\n\
         client_ssl_key={data}/server-key.pem\n\
         server_ssl_mode=DISABLED\n\
         connection_sharing=1\n\
         connection_sharing_delay=0\n",
        data = data.display()
    )
}

fn section(name: &str, port: u16, database: u16, modes: &str) -> String {
    format!(
        "[routing:{name}]\n\
         protocol=classic\n\
         routing_strategy=first-available\n\
         bind_address=127.0.0.1\n\
         bind_port={port}\n\
         destinations=127.0.0.1:{database}\n\
         {modes}"
    )
}
