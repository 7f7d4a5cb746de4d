//! Secrets: sealed in the files, bound to their key and place.

use std::fs;

use control_store::{Store, StoreError};
use domain::ExposeSecret as _;

use super::{database, filled, hyperdrive, password, secret, tunnel};

#[test]
fn no_secret_is_in_the_files_or_in_debug() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = filled(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    let key = store.edge_key("reset").unwrap().expose_secret().to_vec();
    let secrets = [
        b"hunter2".to_vec(),
        password(&snapshot, "app").into_bytes(),
        secret(&snapshot, "office"),
        key,
    ];
    for file in ["tidegate.db", "tidegate.db-wal"] {
        let bytes = fs::read(folder.path().join(file)).unwrap();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "a secret is in {file}");
        }
    }
    let debug = format!("{store:?} {snapshot:?}");
    assert!(!debug.contains("hunter2") && !debug.contains(&password(&snapshot, "app")));
}

#[test]
fn a_wrong_key_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let key = folder.path().join("sealing.key");
    let right = fs::read(&key).unwrap();
    fs::write(&key, [9; 32]).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("not the one that this store's secrets were sealed with")
    );
    fs::write(&key, right).unwrap();
    assert!(Store::open(folder.path()).is_ok());
}

#[test]
fn a_lost_key_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let key = folder.path().join("sealing.key");
    fs::remove_file(&key).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::KeyMissing { .. }), "{error:?}");
    assert!(!key.exists());
}

#[test]
fn a_key_of_another_length_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    for len in [0, 31, 33] {
        fs::write(folder.path().join("sealing.key"), vec![1; len]).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::KeyMalformed { .. }),
            "{len}: {error:?}"
        );
    }
}

#[test]
fn a_key_without_a_database_is_taken() {
    // A crash came between the two; or somebody brings a key of their own.
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let key = fs::read(folder.path().join("sealing.key")).unwrap();
    fs::remove_file(folder.path().join("tidegate.db")).unwrap();
    Store::open(folder.path()).unwrap();
    assert_eq!(fs::read(folder.path().join("sealing.key")).unwrap(), key);
}

#[cfg(unix)]
#[test]
fn a_key_that_everybody_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let key = folder.path().join("sealing.key");
    for (mode, accepted) in [(0o644, false), (0o602, false), (0o660, true), (0o400, true)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let opened = Store::open(folder.path());
        assert_eq!(opened.is_ok(), accepted, "{mode:o}");
        if let Err(error) = opened {
            assert!(matches!(error, StoreError::KeyExposed { mode: m, .. } if m == mode));
        }
    }
}

#[test]
fn a_changed_secret_is_named() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    for (table, column) in [
        ("hyperdrives", "password_sealed"),
        ("hyperdrives", "origin_password_sealed"),
        ("tunnels", "secret_sealed"),
    ] {
        let raw = database(folder.path());
        let select = format!("SELECT {column} FROM {table}");
        let good: Vec<u8> = raw.query_row(&select, [], |row| row.get(0)).unwrap();
        let mut bad = good.clone();
        bad[20] ^= 1;
        let update = format!("UPDATE {table} SET {column} = ?1");
        raw.execute(&update, [&bad]).unwrap();
        let error = Store::open(folder.path()).unwrap().snapshot().unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::Tampered { table: t, column: c, .. } if t == table && c == column
            ),
            "{error:?}"
        );
        raw.execute(&update, [&good]).unwrap();
    }
    assert!(Store::open(folder.path()).unwrap().snapshot().is_ok());
}

#[test]
fn secrets_cannot_be_exchanged_between_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store
        .declare(&[hyperdrive("a"), hyperdrive("b")], &[])
        .unwrap();
    let raw = database(folder.path());
    raw.execute_batch(
        "UPDATE hyperdrives AS h SET password_sealed =
             (SELECT password_sealed FROM hyperdrives WHERE name <> h.name)",
    )
    .unwrap();
    let error = store.snapshot().unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Tampered {
                column: "password_sealed",
                ..
            }
        ),
        "{error:?}"
    );
    // Nor does a declaration carry an exchanged secret on as if it had been made here.
    let error = store
        .declare(&[hyperdrive("a"), hyperdrive("b")], &[])
        .unwrap_err();
    assert!(matches!(error, StoreError::Tampered { .. }), "{error:?}");
}

#[test]
fn secrets_cannot_be_exchanged_between_columns() {
    // Whoever can write to the database must not turn the origin's password into the local one.
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let raw = database(folder.path());
    raw.execute_batch("UPDATE hyperdrives SET password_sealed = origin_password_sealed")
        .unwrap();
    let error = Store::open(folder.path()).unwrap().snapshot().unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Tampered {
                column: "password_sealed",
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_changed_edge_key_is_named_and_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.edge_key("reset").unwrap();
    database(folder.path())
        .execute("UPDATE edge_keys SET name = 'other'", [])
        .unwrap();
    let error = store.edge_key("other").unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Tampered {
                table: "edge_keys",
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_changed_secret_can_be_declared_anew() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    database(folder.path())
        .execute("UPDATE hyperdrives SET password_sealed = x'00'", [])
        .unwrap();
    let mut declared = hyperdrive("app");
    declared.password = Some("new".into());
    let mut store = Store::open(folder.path()).unwrap();
    let snapshot = store.declare(&[declared], &[tunnel("office")]).unwrap();
    assert_eq!(password(&snapshot, "app"), "new");
}
