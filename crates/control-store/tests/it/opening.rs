//! Opening: new folders, several processes, damage, other versions.

use std::fs;
use std::path::Path;
use std::sync::Barrier;

use control_store::{Store, StoreError};
use domain::{CachePolicy, ExposeSecret as _, Limits, PoolPolicy};

use super::{database, filled, found, password};

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn nobody_else_has_access() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/state");
    let mut store = Store::open(&folder).unwrap();
    store.edge_key("x").unwrap();
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "sealing.key",
            "tidegate.db",
            "tidegate.db-shm",
            "tidegate.db-wal"
        ]
    );
}

#[test]
fn several_processes_may_begin_at_once() {
    const OPENERS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let barrier = Barrier::new(OPENERS);
    let keys: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..OPENERS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let mut store = Store::open(folder.path()).unwrap();
                    store.edge_key("shared").unwrap().expose_secret().to_vec()
                })
            })
            .collect();
        openers
            .into_iter()
            .map(|opener| opener.join().unwrap())
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn one_process_sees_what_another_declared() {
    let folder = tempfile::tempdir().unwrap();
    let mut reader = Store::open(folder.path()).unwrap();
    assert_eq!(reader.snapshot().unwrap().hyperdrives().count(), 0);
    let declared = filled(folder.path());
    assert_eq!(
        password(&reader.snapshot().unwrap(), "app"),
        password(&declared, "app")
    );
}

#[test]
fn a_file_that_is_no_database_is_named_damage() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("tidegate.db"),
        "not a database, ".repeat(100),
    )
    .unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    assert!(
        error.to_string().contains("restore it from a backup"),
        "{error}"
    );
}

#[test]
fn a_damaged_page_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let path = folder.path().join("tidegate.db");
    let mut bytes = fs::read(&path).unwrap();
    let page = 4096;
    bytes[page..page + 64].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
}

#[test]
fn a_later_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    database(folder.path())
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 99, .. }),
        "{error:?}"
    );
    let version: i64 = database(folder.path())
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 99);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("file"), "").unwrap();
    let error = Store::open(&parent.path().join("file/state")).unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
}

/// What each migration after the first added to the hyperdrives, and the tables that it made.
const ADDED: [(&[&str], &[&str]); 2] = [
    (
        &[
            "pool_min",
            "pool_max_statements",
            "limit_user_connections",
            "limit_query_timeout",
            "limit_transaction_timeout",
            "limit_idle_transaction_timeout",
        ],
        &[],
    ),
    (
        &["cache_max_bytes", "cache_max_entry_bytes", "cache_follow"],
        &["cache_rules"],
    ),
];

/// A store as an earlier version left it, with one hyperdrive.
fn earlier(folder: &Path, version: usize) {
    let old = database(folder);
    for (columns, tables) in &ADDED[version - 1..] {
        for table in *tables {
            old.execute(&format!("DROP TABLE {table}"), []).unwrap();
        }
        for column in *columns {
            old.execute(&format!("ALTER TABLE hyperdrives DROP COLUMN {column}"), [])
                .unwrap();
        }
    }
    old.pragma_update(None, "user_version", version).unwrap();
}

#[test]
fn an_earlier_store_has_the_defaults_of_what_it_did_not_know() {
    for version in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let before = filled(folder.path());
        earlier(folder.path(), version);
        let after = Store::open(folder.path()).unwrap().snapshot().unwrap();
        assert_eq!(password(&before, "app"), password(&after, "app"));
        assert_eq!(found(&after, "app").pool, PoolPolicy::default());
        assert_eq!(found(&after, "app").limits, Limits::default());
        assert_eq!(found(&after, "app").cache, CachePolicy::default());
    }
}
