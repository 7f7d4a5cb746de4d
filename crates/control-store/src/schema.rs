//! The database's versions: `PRAGMA user_version` counts the migrations that were applied.

use rusqlite::Transaction;

use crate::StoreError;

/// Every migration, oldest first. One that was released never changes; a change is a new one.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_limits.sql"),
    include_str!("../migrations/0003_cache.sql"),
];

/// Brings the database to the latest version, within the caller's transaction.
pub(crate) fn migrate(
    transaction: &Transaction<'_>,
    migrations: &[&str],
) -> Result<(), StoreError> {
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let found = usize::try_from(found)
        .map_err(|_| StoreError::Damaged(format!("its version is {found}")))?;
    let Some(pending) = migrations.get(found..) else {
        return Err(StoreError::Newer {
            found,
            known: migrations.len(),
        });
    };
    for migration in pending {
        transaction.execute_batch(migration)?;
    }
    if !pending.is_empty() {
        transaction.pragma_update(None, "user_version", migrations.len())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn run(database: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
        let transaction = database.transaction()?;
        migrate(&transaction, migrations)?;
        Ok(transaction.commit()?)
    }

    #[test]
    fn applies_only_what_is_new() {
        let mut database = Connection::open_in_memory().unwrap();
        let (first, second) = ("CREATE TABLE a (x)", "ALTER TABLE a RENAME COLUMN x TO y");
        run(&mut database, &[first]).unwrap();
        database
            .execute("INSERT INTO a (x) VALUES (5)", [])
            .unwrap();
        run(&mut database, &[first, second]).unwrap();
        run(&mut database, &[first, second]).unwrap();
        let kept: i64 = database
            .query_row("SELECT y FROM a", [], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, 5);
    }

    #[test]
    fn a_failed_migration_leaves_the_version_before() {
        let mut database = Connection::open_in_memory().unwrap();
        run(&mut database, &["CREATE TABLE a (x)"]).unwrap();
        let broken = [
            "CREATE TABLE a (x)",
            "CREATE TABLE b (x); CREATE TABLE a (x)",
        ];
        assert!(run(&mut database, &broken).is_err());
        let version: i64 = database
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(version, 1);
        assert!(!database.table_exists(None, "b").unwrap());
    }

    #[test]
    fn refuses_a_later_version() {
        let mut database = Connection::open_in_memory().unwrap();
        database.pragma_update(None, "user_version", 2).unwrap();
        let error = run(&mut database, &["CREATE TABLE a (x)"]).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1 }));
    }
}
