//! Where the programs are that tests start.

use std::env;
use std::path::{Path, PathBuf};

/// Where Debian keeps servers, which an ordinary user's `PATH` leaves out.
const SERVER_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// The root of the checkout that this was built from.
pub fn checkout() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest)
}

/// A program on `PATH` or in the folders of servers.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SERVER_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The program that a variable names, or the first that is there: on `PATH`, or in the checkout.
pub(crate) fn named(name: &str, on_path: &str, in_checkout: &str) -> Option<PathBuf> {
    let in_checkout = checkout().join(in_checkout);
    variable(name)
        .map(PathBuf::from)
        .or_else(|| find(on_path))
        .or_else(|| in_checkout.is_file().then_some(in_checkout))
}

/// Node.
pub fn node() -> Option<PathBuf> {
    find("node")
}

/// Python with the packages of `clients/requirements.txt`.
pub fn python() -> Option<PathBuf> {
    let python = checkout().join(".cache/python/bin/python");
    python.is_file().then_some(python)
}

/// workerd, the runtime of Cloudflare Workers.
pub fn workerd() -> Option<PathBuf> {
    let workerd = checkout().join("clients/node_modules/.bin/workerd");
    workerd.exists().then_some(workerd)
}

/// The real cloudflared.
pub fn cloudflared() -> Option<PathBuf> {
    variable("CLOUDFLARED_BIN")
        .map(PathBuf::from)
        .or_else(|| find("cloudflared"))
}

/// A variable of the environment; an empty one counts as absent.
#[expect(
    clippy::disallowed_methods,
    reason = "which programs a test uses is said by whoever runs the tests"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
