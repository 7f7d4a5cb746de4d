//! SQLite's errors as MySQL's: the code and the SQL state that drivers and frameworks act upon.

use mysql_proto::ErrPacket;
use rusqlite::{Error, ErrorCode, ffi};

use crate::dialect::HINT;

/// `ER_LOCK_DEADLOCK`: the transaction is to be rolled back.
pub(super) const DEADLOCK: u16 = 1213;

/// The error that a client gets for one of SQLite's.
pub(super) fn failure(error: &Error) -> ErrPacket {
    match error {
        Error::SqliteFailure(code, message) => {
            let text = message.clone().unwrap_or_else(|| code.to_string());
            sqlite(*code, &text)
        }
        Error::SqlInputError { error, msg, .. } => sqlite(*error, msg),
        other => ErrPacket::new(1105, *b"HY000", format!("{other}{HINT}")),
    }
}

fn sqlite(error: ffi::Error, message: &str) -> ErrPacket {
    let make = |code, state: &[u8; 5]| ErrPacket::new(code, *state, message);
    match (error.code, error.extended_code) {
        (ErrorCode::DatabaseBusy, ffi::SQLITE_BUSY_SNAPSHOT) => ErrPacket::new(
            DEADLOCK,
            *b"40001",
            "Deadlock found: another transaction wrote since this one began to read; \
             try restarting transaction",
        ),
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => ErrPacket::new(
            1205,
            *b"HY000",
            "Lock wait timeout exceeded: another transaction is writing; \
             try restarting transaction",
        ),
        (ErrorCode::ConstraintViolation, extended) => constraint(extended, make),
        (ErrorCode::OperationInterrupted, _) => make(1317, b"70100"),
        (ErrorCode::DiskFull, _) => make(1114, b"HY000"),
        (ErrorCode::TooBig, _) => make(1153, b"08S01"),
        (ErrorCode::AuthorizationForStatementDenied, _) => make(1227, b"42000"),
        (ErrorCode::TypeMismatch, _) => make(1366, b"HY000"),
        (ErrorCode::Unknown, _) => statement(message),
        _ => make(1105, b"HY000"),
    }
}

fn constraint(extended: i32, make: impl Fn(u16, &[u8; 5]) -> ErrPacket) -> ErrPacket {
    match extended {
        ffi::SQLITE_CONSTRAINT_NOTNULL => make(1048, b"23000"),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => make(1452, b"23000"),
        ffi::SQLITE_CONSTRAINT_CHECK => make(3819, b"HY000"),
        // Unique indexes, primary keys and row ids.
        _ => make(1062, b"23000"),
    }
}

/// `SQLITE_ERROR`: what SQLite's parser says, told by its words.
fn statement(message: &str) -> ErrPacket {
    const BY_PREFIX: [(&str, u16, &[u8; 5]); 4] = [
        ("no such table", 1146, b"42S02"),
        ("no such column", 1054, b"42S22"),
        ("not authorized", 1227, b"42000"),
        ("no such function", 1305, b"42000"),
    ];
    let (code, state) = BY_PREFIX
        .into_iter()
        .find(|(prefix, ..)| message.starts_with(prefix))
        .map_or((1064, b"42000"), |(_, code, state)| (code, state));
    let hint = if matches!(code, 1064 | 1305) {
        HINT
    } else {
        ""
    };
    ErrPacket::new(code, *state, format!("{message}{hint}"))
}
