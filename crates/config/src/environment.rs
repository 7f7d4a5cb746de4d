//! The process's environment. Nothing else in the workspace reads it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Overrides `log.level`.
pub const LOG_VARIABLE: &str = "TIDEGATE_LOG";

/// The log filter that the environment asks for, for commands that read no file. A file's
/// `log.level` is already overridden by it in [`Config`](crate::Config).
pub fn log_filter() -> Option<String> {
    variable(LOG_VARIABLE).filter(|filter| !filter.is_empty())
}

/// Finds a program on `PATH`, as a shell does. A name with a folder in it is only checked.
pub fn env_path_search(name: &str) -> Option<PathBuf> {
    search(name, &read("PATH").unwrap_or_default())
}

/// A variable's value; `None` when it is not set or not UTF-8.
pub(crate) fn variable(name: &str) -> Option<String> {
    read(name)?.into_string().ok()
}

fn search(name: &str, path: &OsString) -> Option<PathBuf> {
    if Path::new(name).components().count() > 1 {
        return Some(PathBuf::from(name)).filter(|file| is_program(file));
    }
    std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn read(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn finds_programs_and_nothing_else() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str().to_owned();
        let file = folder.path().join("mariadbd");
        assert_eq!(search("mariadbd", &path), None);
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        assert_eq!(search("mariadbd", &path), None, "not executable yet");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(search("mariadbd", &path), Some(file.clone()));
        assert_eq!(search(file.to_str().unwrap(), &OsString::new()), Some(file));
        std::fs::create_dir(folder.path().join("tidb-server")).unwrap();
        assert_eq!(search("tidb-server", &path), None, "a folder");
    }
}
