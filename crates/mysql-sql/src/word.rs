//! The words that matter, by what they betray.

use crate::question::QuestionKind;

/// Compares a word without regard to case.
#[inline]
pub(crate) fn is(word: &[u8], keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword.as_bytes())
}

/// True for any of these.
pub(crate) fn is_one_of(word: &[u8], keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| is(word, keyword))
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
    /// `INSERT`, `REPLACE`: change rows, and name columns in parentheses behind a table.
    Insert,
    /// `DROP`: as [`Head::Define`], unless it drops the database that connections are in.
    Drop,
    /// `KILL`: names a connection by its id.
    Kill,
    /// `SET`.
    Set,
    /// `DO`: computes, and throws the result away.
    Do,
    /// `LOAD`: as [`Head::Insert`], and may write to user variables.
    Load,
    /// `CREATE`, `ALTER`: as [`Head::Define`], unless they hold a program.
    Create,
    /// `ANALYZE`: as [`Head::Define`], unless it runs a statement.
    Analyze,
    /// `CALL`: a procedure may do anything.
    Call,
    /// `LOCK`, `UNLOCK`, `FLUSH`, `XA`, `PREPARE`, `DEALLOCATE`, `EXECUTE`, `HANDLER`: what pins
    /// and may end.
    Hold,
    /// `GET`: diagnostics.
    Get,
}

const HEADS: [(&str, Head); 47] = [
    ("SELECT", Head::Read),
    ("INSERT", Head::Insert),
    ("UPDATE", Head::Write),
    ("DELETE", Head::Write),
    ("BEGIN", Head::Begin),
    ("COMMIT", Head::Transaction),
    ("SET", Head::Set),
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
    ("DO", Head::Do),
    ("CALL", Head::Call),
    ("SAVEPOINT", Head::Transaction),
    ("RELEASE", Head::Transaction),
    ("LOAD", Head::Load),
    ("CREATE", Head::Create),
    ("ALTER", Head::Create),
    ("DROP", Head::Drop),
    ("TRUNCATE", Head::Define),
    ("RENAME", Head::Define),
    ("ANALYZE", Head::Analyze),
    ("OPTIMIZE", Head::Define),
    ("REPAIR", Head::Define),
    ("CHECK", Head::Define),
    ("GRANT", Head::Define),
    ("REVOKE", Head::Define),
    ("ADMIN", Head::Define),
    ("KILL", Head::Kill),
    ("LOCK", Head::Hold),
    ("UNLOCK", Head::Hold),
    ("FLUSH", Head::Hold),
    ("XA", Head::Hold),
    ("PREPARE", Head::Hold),
    ("DEALLOCATE", Head::Hold),
    ("EXECUTE", Head::Hold),
    ("HANDLER", Head::Hold),
    ("GET", Head::Get),
];

/// What the first word of a statement promises. `None`: nothing.
pub(crate) fn head(word: &[u8]) -> Option<Head> {
    HEADS
        .iter()
        .find(|(keyword, _)| is(word, keyword))
        .map(|&(_, head)| head)
}

/// A word that says something of the session or of what the statement changes, wherever it stands
/// outside of literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Betraying {
    /// `TEMPORARY`.
    Temporary,
    /// `GET_LOCK`, a call.
    UserLock,
    /// `SETVAR`, a call: sets a user variable, on TiDB.
    SetsVariable,
    /// `SQL_CALC_FOUND_ROWS`: the next statement will ask.
    CalcFoundRows,
    /// `FOUND_ROWS`, `ROW_COUNT`, `CONNECTION_ID`, calls.
    Asks(QuestionKind),
    /// `LAST_INSERT_ID`, a call that asks or sets.
    LastInsertId,
    /// `NEXTVAL`, `SETVAL`, `LASTVAL`, calls: the last value of a sequence is kept per connection.
    Sequence,
    /// `VALUE`: of a sequence, behind `NEXT` or `PREVIOUS`.
    Value,
    /// TiDB's `BINDING`: belongs to the session unless it says otherwise.
    Binding,
    /// `INTO`: what a `SELECT` has behind it is written to.
    Into,
    /// `UNION`, `EXCEPT`, `INTERSECT`.
    Union,
    /// `LIMIT`, `FETCH FIRST`.
    Limit,
    /// `TIES`: of a limit, behind `WITH`.
    Ties,
    /// `UPDATE`, `DELETE` behind another first word, `LOCK IN SHARE MODE`, `FOR SHARE`.
    Writes,
    /// `INSERT`, `REPLACE`, likewise.
    Inserts,
    /// `SELECT` behind another first word, `FROM`, `RETURNING`: there may be tables and rows.
    Reads,
}

/// What a word betrays, if anything. Most are passed over by their length and first letter.
pub(crate) fn betraying(word: &[u8]) -> Option<Betraying> {
    let first = word.first()?.to_ascii_uppercase();
    let third = word.get(2).map(u8::to_ascii_uppercase);
    let (keyword, betraying) = match (word.len(), first) {
        (4, b'F') => ("FROM", Betraying::Reads),
        (4, b'I') => ("INTO", Betraying::Into),
        (4, b'L') => ("LOCK", Betraying::Writes),
        (5, b'L') => ("LIMIT", Betraying::Limit),
        (5, b'F') => ("FETCH", Betraying::Limit),
        (4, b'T') => ("TIES", Betraying::Ties),
        (5, b'U') => ("UNION", Betraying::Union),
        (6, b'E') => ("EXCEPT", Betraying::Union),
        (9, b'I') => ("INTERSECT", Betraying::Union),
        (5, b'V') => ("VALUE", Betraying::Value),
        (5, b'S') => ("SHARE", Betraying::Writes),
        (6, b'U') => ("UPDATE", Betraying::Writes),
        (6, b'D') => ("DELETE", Betraying::Writes),
        (6, b'I') => ("INSERT", Betraying::Inserts),
        (6, b'S') if third == Some(b'L') => ("SELECT", Betraying::Reads),
        (6, b'S') if word.ends_with(b"r") || word.ends_with(b"R") => {
            ("SETVAR", Betraying::SetsVariable)
        }
        (6, b'S') => ("SETVAL", Betraying::Sequence),
        (7, b'R') => ("REPLACE", Betraying::Inserts),
        (7, b'N') => ("NEXTVAL", Betraying::Sequence),
        (7, b'L') => ("LASTVAL", Betraying::Sequence),
        (7, b'B') => ("BINDING", Betraying::Binding),
        (8, b'G') => ("GET_LOCK", Betraying::UserLock),
        (9, b'T') => ("TEMPORARY", Betraying::Temporary),
        (9, b'R') if third == Some(b'T') => ("RETURNING", Betraying::Reads),
        (9, b'R') => ("ROW_COUNT", Betraying::Asks(QuestionKind::RowCount)),
        (10, b'F') => ("FOUND_ROWS", Betraying::Asks(QuestionKind::FoundRows)),
        (13, b'C') => ("CONNECTION_ID", Betraying::Asks(QuestionKind::ConnectionId)),
        (14, b'L') => ("LAST_INSERT_ID", Betraying::LastInsertId),
        (19, b'S') => ("SQL_CALC_FOUND_ROWS", Betraying::CalcFoundRows),
        _ => return None,
    };
    is(word, keyword).then_some(betraying)
}

/// The question that a system variable (after `@@`) is another name of.
pub(crate) fn asking_variable(word: &[u8]) -> Option<QuestionKind> {
    const NAMES: [(&str, QuestionKind); 5] = [
        ("WARNING_COUNT", QuestionKind::WarningCount),
        ("ERROR_COUNT", QuestionKind::ErrorCount),
        ("LAST_INSERT_ID", QuestionKind::LastInsertId),
        ("IDENTITY", QuestionKind::LastInsertId),
        ("PSEUDO_THREAD_ID", QuestionKind::ConnectionId),
    ];
    NAMES
        .iter()
        .find(|(name, _)| is(word, name))
        .map(|&(_, kind)| kind)
}

/// System variables (after `@@`) that tell about the statement before, and that nothing stands for.
/// TiDB: `tidb_last_txn_info`, `tidb_last_query_info`, `last_plan_from_cache`, …
pub(crate) fn is_previous_variable(word: &[u8]) -> bool {
    ["TIDB_LAST_", "LAST_"].iter().any(|prefix| {
        word.get(..prefix.len())
            .is_some_and(|begin| is(begin, prefix))
    })
}
