//! The words that matter, by what they betray.

/// Compares a word without regard to case.
pub(crate) fn is(word: &[u8], keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword.as_bytes())
}

/// A keyword that begins a statement after which the connection is as it was before, whatever
/// follows it, as long as no [`Betraying`] word does.
///
/// Statement kinds are those of <https://dev.mysql.com/doc/refman/8.4/en/sql-statements.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Only reads.
    Read,
    /// Changes rows.
    Write,
    /// Changes the schema, rights or tables as a whole; commits implicitly.
    Define,
    /// `BEGIN`, `START`: opens a transaction if the right words follow.
    Begin,
    /// `COMMIT`, `ROLLBACK`, `SAVEPOINT`, `RELEASE`.
    Transaction,
    /// `SHOW`: reads, unless it asks about the statement before.
    Show,
    /// `USE`: changes the database, which the session carries.
    Use,
    /// `INSERT`, `REPLACE`, `LOAD`: change rows, and name columns in parentheses behind a table.
    Insert,
    /// `DROP`: as [`Head::Define`], unless it drops the database that connections are in.
    Drop,
    /// `KILL`: names a connection by an id that only the origin knows.
    Kill,
}

const HEADS: [(&str, Head); 34] = [
    ("SELECT", Head::Read),
    ("INSERT", Head::Insert),
    ("UPDATE", Head::Write),
    ("DELETE", Head::Write),
    ("BEGIN", Head::Begin),
    ("COMMIT", Head::Transaction),
    ("START", Head::Begin),
    ("ROLLBACK", Head::Transaction),
    ("REPLACE", Head::Insert),
    ("WITH", Head::Read),
    ("SHOW", Head::Show),
    ("USE", Head::Use),
    ("EXPLAIN", Head::Read),
    ("DESCRIBE", Head::Read),
    ("DESC", Head::Read),
    ("TABLE", Head::Read),
    ("VALUES", Head::Read),
    ("HELP", Head::Read),
    ("CHECKSUM", Head::Read),
    ("SAVEPOINT", Head::Transaction),
    ("RELEASE", Head::Transaction),
    ("LOAD", Head::Insert),
    ("CREATE", Head::Define),
    ("ALTER", Head::Define),
    ("DROP", Head::Drop),
    ("TRUNCATE", Head::Define),
    ("RENAME", Head::Define),
    ("ANALYZE", Head::Define),
    ("OPTIMIZE", Head::Define),
    ("REPAIR", Head::Define),
    ("CHECK", Head::Define),
    ("GRANT", Head::Define),
    ("REVOKE", Head::Define),
    ("KILL", Head::Kill),
];

/// What the first word of a statement promises. `None`: nothing.
pub(crate) fn head(word: &[u8]) -> Option<Head> {
    HEADS
        .iter()
        .find(|(keyword, _)| is(word, keyword))
        .map(|&(_, head)| head)
}

/// A word that betrays session state, wherever it stands outside of literals. A column of that
/// name makes us pin without need, which is slow but right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Betraying {
    /// `TEMPORARY`.
    Temporary,
    /// `GET_LOCK`.
    UserLock,
    /// `SQL_CALC_FOUND_ROWS`: the next statement will ask.
    CalcFoundRows,
    /// `FOUND_ROWS`, `ROW_COUNT`: asks about the statement before.
    Previous,
    /// `LAST_INSERT_ID`.
    LastInsertId,
    /// `NEXTVAL`, `SETVAL`, `LASTVAL`, `PREVIOUS`: the last value of a sequence is kept per
    /// connection. (`NEXT VALUE FOR` is two common words, and is looked for apart.)
    Sequence,
    /// `CONNECTION_ID`: shows which connection it is.
    ConnectionId,
    /// TiDB's `BINDING`: belongs to the session unless it says otherwise.
    Binding,
}

const BETRAYING: [(&str, Betraying); 12] = [
    ("TEMPORARY", Betraying::Temporary),
    ("GET_LOCK", Betraying::UserLock),
    ("SQL_CALC_FOUND_ROWS", Betraying::CalcFoundRows),
    ("FOUND_ROWS", Betraying::Previous),
    ("ROW_COUNT", Betraying::Previous),
    ("LAST_INSERT_ID", Betraying::LastInsertId),
    ("NEXTVAL", Betraying::Sequence),
    ("SETVAL", Betraying::Sequence),
    ("LASTVAL", Betraying::Sequence),
    ("PREVIOUS", Betraying::Sequence),
    ("CONNECTION_ID", Betraying::ConnectionId),
    ("BINDING", Betraying::Binding),
];

/// Shortest and longest of [`BETRAYING`], so that most words are passed over by their length.
const SHORTEST: usize = 6;
const LONGEST: usize = 19;

/// What a word betrays, if anything.
pub(crate) fn betraying(word: &[u8]) -> Option<Betraying> {
    if !(SHORTEST..=LONGEST).contains(&word.len()) {
        return None;
    }
    BETRAYING
        .iter()
        .find(|(keyword, _)| is(word, keyword))
        .map(|&(_, betraying)| betraying)
}

/// System variables (after `@@`) that tell about the statement before.
pub(crate) fn is_previous_variable(word: &[u8]) -> bool {
    const NAMES: [&str; 2] = ["WARNING_COUNT", "ERROR_COUNT"];
    // TiDB: tidb_last_txn_info, tidb_last_query_info, last_plan_from_cache, …
    let last = ["TIDB_LAST_", "LAST_"].iter().any(|prefix| {
        word.get(..prefix.len())
            .is_some_and(|begin| is(begin, prefix))
    });
    (last && !is_insert_id_variable(word)) || NAMES.iter().any(|name| is(word, name))
}

/// System variables (after `@@`) that are another name of `LAST_INSERT_ID()`.
pub(crate) fn is_insert_id_variable(word: &[u8]) -> bool {
    is(word, "LAST_INSERT_ID") || is(word, "IDENTITY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_cover_every_betraying_word() {
        for (keyword, _) in BETRAYING {
            assert!((SHORTEST..=LONGEST).contains(&keyword.len()), "{keyword}");
        }
    }
}
