//! A table as a statement names it.

use super::NotKept;

/// A table as a statement names it: in lower case, since on some servers case says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableRef {
    /// The database in front of the point. `None`: that of the session (in a view: that of the
    /// view).
    pub database: Option<String>,
    /// The table, or the view.
    pub name: String,
    /// It may be a query that `WITH` names, instead: where no table has this name, it is none.
    pub may_be_query: bool,
}

impl TableRef {
    /// True for a table of the server's own.
    pub(super) fn is_of_server(&self) -> bool {
        const DATABASES: [&str; 6] = [
            "information_schema",
            "metrics_schema",
            "mysql",
            "ndbinfo",
            "performance_schema",
            "sys",
        ];
        self.database
            .as_deref()
            .is_some_and(|database| DATABASES.contains(&database))
    }
}

/// A name as tables are compared by it. What is not ASCII, servers fold by rules of their own.
pub(super) fn folded(name: &[u8]) -> Result<String, NotKept> {
    if name.is_empty() || !name.is_ascii() {
        return Err(NotKept::NotUnderstood);
    }
    let mut folded = String::with_capacity(name.len());
    let mut bytes = name.iter().peekable();
    while let Some(byte) = bytes.next() {
        // A backtick stands doubled.
        if *byte == b'`' {
            bytes.next();
        }
        folded.push(char::from(byte.to_ascii_lowercase()));
    }
    Ok(folded)
}
