//! The store: opening it, and what is asked of it.

use std::path::Path;
use std::time::Duration;

use domain::{DeclaredHyperdrive, DeclaredTunnel, SecretSlice, Snapshot, Tunnel};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior};

use crate::folder::Folder;
use crate::sealing::{Place, Sealer};
use crate::{StoreError, declare, random, rows, schema};

/// Longest wait for another process's transaction; ours take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause between two tries where `SQLite` does not wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// What is sealed as the proof of the key. Its text does not matter.
const PROOF: &[u8] = b"tidegate";
const PROOF_PLACE: Place<'_> = Place {
    table: "sealing",
    column: "proof_sealed",
    row: "1",
};

/// The durable state of an edge. Every method blocks.
///
/// Several processes may have the same folder open; each change is one transaction.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    sealer: Sealer,
}

impl Store {
    /// Opens the store in this folder; makes folder, database and sealing key where there are none,
    /// and brings an older database to the present version.
    ///
    /// # Errors
    /// Among others [`StoreError::WrongKey`] and [`StoreError::KeyMissing`] when the key does not
    /// belong to the database: a key is made only for a database that has none yet.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let folder = Folder::open(folder)?;
        let mut connection = connect(&folder)?;
        // The write lock is taken first: of several processes that begin at once, one makes the
        // key.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check(&transaction)?;
        schema::migrate(&transaction, schema::MIGRATIONS)?;
        let sealer = sealer(&folder, &transaction)?;
        transaction.commit()?;
        Ok(Self { connection, sealer })
    }

    /// Makes exactly these hyperdrives and tunnels the state, completes them, and gives the result.
    ///
    /// What is known by name keeps its id, and the secret or password that was made for it. What is
    /// new and absent is made: a random id, a tunnel secret of 32 bytes, a password of 32 letters
    /// and digits. What is no longer declared is removed, with all that was made for it. All or
    /// nothing.
    pub fn declare(
        &mut self,
        hyperdrives: &[DeclaredHyperdrive],
        tunnels: &[DeclaredTunnel],
    ) -> Result<Snapshot, StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        declare::replace(&transaction, &self.sealer, hyperdrives, tunnels)?;
        let snapshot = rows::snapshot(&transaction, &self.sealer)?;
        transaction.commit()?;
        Ok(snapshot)
    }

    /// The state as it is now.
    pub fn snapshot(&mut self) -> Result<Snapshot, StoreError> {
        // One transaction, so that hyperdrives and tunnels are of the same moment.
        let transaction = self.connection.transaction()?;
        rows::snapshot(&transaction, &self.sealer)
    }

    /// The tunnel of this name, with the secret for its credentials.
    pub fn tunnel(&self, name: &str) -> Result<Tunnel, StoreError> {
        rows::tunnels(&self.connection, &self.sealer)?
            .into_iter()
            .find(|tunnel| tunnel.name == name)
            .ok_or_else(|| StoreError::UnknownTunnel(name.to_owned()))
    }

    /// A key of the edge itself, 32 random bytes; made when it is first asked for.
    pub fn edge_key(&mut self, name: &str) -> Result<SecretSlice<u8>, StoreError> {
        let place = Place {
            table: "edge_keys",
            column: "key_sealed",
            row: name,
        };
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let select = "SELECT key_sealed FROM edge_keys WHERE name = ?1";
        let found: Option<Vec<u8>> = transaction
            .query_row(select, [name], |row| row.get(0))
            .optional()?;
        if let Some(sealed) = found {
            return self.sealer.unseal(&sealed, place);
        }
        let key = random::key()?;
        transaction.execute(
            "INSERT INTO edge_keys (name, key_sealed) VALUES (?1, ?2)",
            (name, self.sealer.seal(&key, place)?),
        )?;
        transaction.commit()?;
        Ok(SecretSlice::from(key.to_vec()))
    }
}

fn connect(folder: &Folder) -> Result<Connection, StoreError> {
    // Without SQLITE_OPEN_CREATE: the file was made before, with the right permissions.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(folder.database(), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    switch_to_wal(&connection)?;
    // A full sync at each commit: what was made is handed out, so it must survive a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// Turns the write-ahead log on, with which readers and the writer do not wait for each other.
///
/// When two processes open a new database at once, one of them is told "busy" at once: `SQLite`
/// does not wait here, since waiting could be a deadlock
/// (<https://www.sqlite.org/c3ref/busy_handler.html>). So this waits itself, as long as any other
/// lock is waited for.
fn switch_to_wal(connection: &Connection) -> Result<(), StoreError> {
    let mut waited = Duration::ZERO;
    loop {
        let switched = connection.pragma_update(None, "journal_mode", "wal");
        match switched.map_err(StoreError::from) {
            Err(StoreError::Busy) if waited < BUSY_TIMEOUT => {
                std::thread::sleep(BUSY_PAUSE);
                waited += BUSY_PAUSE;
            }
            done => return done,
        }
    }
}

/// Reads through the whole database, which is small, so that damage is noticed now.
fn check(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let verdict: String = transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::Damaged(verdict))
    }
}

/// The key of this database, proven to be the right one. A new database gets a new key, or the one
/// that is there already: a crash may have come between the making of key and database.
fn sealer(folder: &Folder, transaction: &Transaction<'_>) -> Result<Sealer, StoreError> {
    let proof: Option<Vec<u8>> = transaction
        .query_row("SELECT proof_sealed FROM sealing", [], |row| row.get(0))
        .optional()?;
    let key = folder.read_key()?;
    let Some(proof) = proof else {
        let key = key.map_or_else(|| folder.make_key(), Ok)?;
        let sealer = Sealer::new(&key);
        transaction.execute(
            "INSERT INTO sealing (id, proof_sealed) VALUES (1, ?1)",
            [sealer.seal(PROOF, PROOF_PLACE)?],
        )?;
        return Ok(sealer);
    };
    let path = folder.key();
    let Some(key) = key else {
        return Err(StoreError::KeyMissing { path });
    };
    let sealer = Sealer::new(&key);
    sealer
        .unseal(&proof, PROOF_PLACE)
        .map_err(|_| StoreError::WrongKey { path })?;
    Ok(sealer)
}
