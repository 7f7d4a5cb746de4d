//! The folder of the store, and the two files in it. Others have no access to them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::random::{self, KEY_LEN};

/// The folder of a store.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder (0700) and an empty database file (0600) where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = Self(path.to_owned());
        make_folder(path).map_err(|source| folder_error(path, source))?;
        // SQLite gives its write-ahead log the permissions of the database file.
        let database = folder.database();
        private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&database)
            .map_err(|source| folder_error(&database, source))?;
        Ok(folder)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("tidegate.db")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("sealing.key")
    }

    /// Reads the sealing key. `None`: there is no such file.
    pub(crate) fn read_key(&self) -> Result<Option<[u8; KEY_LEN]>, StoreError> {
        let path = self.key();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(folder_error(&path, source)),
        };
        check_exposure(&path, &file)?;
        let mut key = [0; KEY_LEN];
        let mut more = [0; 1];
        if file.read_exact(&mut key).is_err() || !matches!(file.read(&mut more), Ok(0)) {
            return Err(StoreError::KeyMalformed { path });
        }
        Ok(Some(key))
    }

    /// Makes a sealing key. It is there whole or not at all, also after a crash.
    ///
    /// The caller holds the database's write lock, so that no two processes make one at a time.
    pub(crate) fn make_key(&self) -> Result<[u8; KEY_LEN], StoreError> {
        let key = random::key()?;
        let path = self.key();
        let draft = path.with_extension("key.new");
        write_key(&draft, &key)
            .and_then(|()| fs::rename(&draft, &path))
            .and_then(|()| sync_folder(&self.0))
            .map_err(|source| folder_error(&path, source))?;
        Ok(key)
    }
}

fn write_key(path: &Path, key: &[u8]) -> io::Result<()> {
    let mut file =
        private(OpenOptions::new().write(true).create(true).truncate(true)).open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

fn folder_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Folder {
        path: path.to_owned(),
        source,
    }
}

// === Permissions ===

#[cfg(unix)]
fn make_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Refuses a key that everybody may read. The group may: Kubernetes gives it access to a volume's
/// files (`fsGroup`) each time that it mounts the volume.
#[cfg(unix)]
fn check_exposure(path: &Path, file: &File) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = file
        .metadata()
        .map_err(|source| folder_error(path, source))?;
    let mode = meta.permissions().mode() & 0o777;
    let others = mode & 0o007;
    if others == 0 {
        Ok(())
    } else {
        Err(StoreError::KeyExposed {
            path: path.to_owned(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn check_exposure(_: &Path, _: &File) -> Result<(), StoreError> {
    Ok(())
}

/// Makes a rename durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
