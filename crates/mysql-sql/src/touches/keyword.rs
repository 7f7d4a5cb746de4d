//! The words that say where a statement may name tables, and those that forbid to keep its result.

use crate::word::is;

/// What an unquoted word means, if it is not qualified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    /// `SELECT`.
    Select,
    /// `WITH`: names queries, where a query begins.
    With,
    /// `TABLE`: a query, or part of a statement that is none.
    Table,
    /// `VALUES`: a query, where one begins.
    Values,
    /// `FROM`.
    From,
    /// `WHERE`, `GROUP`, `HAVING`, `ORDER`, `LIMIT`: the tables end here.
    Clause,
    /// `WINDOW`: likewise, or a name.
    Window,
    /// `UNION`.
    Union,
    /// `EXCEPT`, `INTERSECT`, `MINUS`: a union, or a name on servers that do not know it.
    MaybeUnion,
    /// `JOIN`.
    Join,
    /// `STRAIGHT_JOIN`: a join, or an option of `SELECT`.
    StraightJoin,
    /// `INNER`, `CROSS`, `LEFT`, `RIGHT`, `OUTER`, `NATURAL`: before a join. `LEFT(…)` and
    /// `RIGHT(…)` are functions.
    JoinKind,
    /// `ON`.
    On,
    /// `USING`.
    Using,
    /// `AS`.
    As,
    /// `USE`, `FORCE`, `IGNORE`: hints of indexes, behind a table.
    IndexHint,
    /// `PARTITION`.
    Partition,
    /// `LATERAL`: before a query in the place of a table, or a name.
    Lateral,
    /// `JSON_TABLE`: a call in the place of a table, or a name.
    JsonTable,
    /// `DUAL`: no table.
    Dual,
    /// `SET`: the tables of an `UPDATE` end here.
    Set,
    /// `FOR`: locks, reads another time, or belongs to `SUBSTRING`.
    For,
    /// `INTO`.
    Into,
    /// `LOCK`.
    Lock,
    /// `PROCEDURE`.
    Procedure,
    /// `OFFSET`, `FETCH`, `QUALIFY`, `RETURNING`, `TABLESAMPLE`: behind tables a clause to one
    /// server, and the name of the last table to another.
    MaybeClause,
    /// A call without parentheses that gives another answer each time, or to another session.
    Volatile,
    /// `SQL_CALC_FOUND_ROWS`.
    FoundRows,
    /// `SQL_NO_CACHE`.
    NoCache,
}

/// What a word means. Most are passed over by their length and first letter.
pub(super) fn keyword(word: &[u8]) -> Option<Keyword> {
    let first = word.first()?.to_ascii_uppercase();
    let third = word.get(2).map(u8::to_ascii_uppercase);
    let last = word.last().map(u8::to_ascii_uppercase);
    let (text, keyword) = match (word.len(), first) {
        (2, b'A') => ("AS", Keyword::As),
        (2, b'O') => ("ON", Keyword::On),
        (3, b'F') => ("FOR", Keyword::For),
        // `SQL%ROWCOUNT`, in MariaDB's Oracle mode.
        (3, b'S') if third == Some(b'L') => ("SQL", Keyword::Volatile),
        (3, b'S') => ("SET", Keyword::Set),
        (3, b'U') => ("USE", Keyword::IndexHint),
        (4, b'D') => ("DUAL", Keyword::Dual),
        (4, b'F') => ("FROM", Keyword::From),
        (4, b'I') => ("INTO", Keyword::Into),
        (4, b'J') => ("JOIN", Keyword::Join),
        (4, b'L') if third == Some(b'F') => ("LEFT", Keyword::JoinKind),
        (4, b'L') => ("LOCK", Keyword::Lock),
        (4, b'W') => ("WITH", Keyword::With),
        (5, b'C') => ("CROSS", Keyword::JoinKind),
        (5, b'F') if third == Some(b'T') => ("FETCH", Keyword::MaybeClause),
        (5, b'F') => ("FORCE", Keyword::IndexHint),
        (5, b'G') => ("GROUP", Keyword::Clause),
        (5, b'I') => ("INNER", Keyword::JoinKind),
        (5, b'L') => ("LIMIT", Keyword::Clause),
        (5, b'M') => ("MINUS", Keyword::MaybeUnion),
        (5, b'O') if third == Some(b'D') => ("ORDER", Keyword::Clause),
        (5, b'O') => ("OUTER", Keyword::JoinKind),
        (5, b'R') => ("RIGHT", Keyword::JoinKind),
        (5, b'T') => ("TABLE", Keyword::Table),
        (5, b'U') if last == Some(b'N') => ("UNION", Keyword::Union),
        (5, b'U') => ("USING", Keyword::Using),
        (5, b'W') => ("WHERE", Keyword::Clause),
        (6, b'E') => ("EXCEPT", Keyword::MaybeUnion),
        (6, b'H') => ("HAVING", Keyword::Clause),
        (6, b'I') => ("IGNORE", Keyword::IndexHint),
        (6, b'O') => ("OFFSET", Keyword::MaybeClause),
        (6, b'R') => ("ROWNUM", Keyword::Volatile),
        (6, b'S') => ("SELECT", Keyword::Select),
        (6, b'V') => ("VALUES", Keyword::Values),
        (6, b'W') => ("WINDOW", Keyword::Window),
        (7, b'L') => ("LATERAL", Keyword::Lateral),
        (7, b'N') => ("NATURAL", Keyword::JoinKind),
        (7, b'Q') => ("QUALIFY", Keyword::MaybeClause),
        (7, b'S') => ("SYSDATE", Keyword::Volatile),
        (9, b'I') => ("INTERSECT", Keyword::MaybeUnion),
        (9, b'L') => ("LOCALTIME", Keyword::Volatile),
        (9, b'P') if third == Some(b'R') => ("PARTITION", Keyword::Partition),
        (9, b'P') => ("PROCEDURE", Keyword::Procedure),
        (9, b'R') => ("RETURNING", Keyword::MaybeClause),
        (10, b'J') => ("JSON_TABLE", Keyword::JsonTable),
        (11, b'T') => ("TABLESAMPLE", Keyword::MaybeClause),
        (12, b'S') => ("SQL_NO_CACHE", Keyword::NoCache),
        (13, b'S') => ("STRAIGHT_JOIN", Keyword::StraightJoin),
        (14, b'L') => ("LOCALTIMESTAMP", Keyword::Volatile),
        (19, b'S') => ("SQL_CALC_FOUND_ROWS", Keyword::FoundRows),
        (8..=17, b'C' | b'U') => return is_volatile(word).then_some(Keyword::Volatile),
        _ => return None,
    };
    is(word, text).then_some(keyword)
}

/// True for what tells the time or who asks.
fn is_volatile(word: &[u8]) -> bool {
    const NAMES: [&str; 9] = [
        "CURRENT_DATE",
        "CURRENT_PATH",
        "CURRENT_ROLE",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "CURRENT_USER",
        "UTC_DATE",
        "UTC_TIME",
        "UTC_TIMESTAMP",
    ];
    NAMES.iter().any(|name| is(word, name))
}

/// True for a name that moves a sequence on or tells how far it is: as a call, and in MariaDB's
/// Oracle mode behind a point.
pub(super) fn is_of_sequence(name: &[u8]) -> bool {
    const NAMES: [&str; 4] = ["NEXTVAL", "CURRVAL", "LASTVAL", "SETVAL"];
    matches!(name.len(), 6 | 7) && NAMES.iter().any(|known| is(name, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_keyword_hides_another() {
        let text = include_str!("keyword.rs");
        let (table, _) = text.split_once("mod tests").unwrap();
        let words = table.split('"').skip(1).step_by(2);
        for word in words.filter(|word| !is_of_sequence(word.as_bytes())) {
            assert!(keyword(word.as_bytes()).is_some(), "{word}");
            assert!(keyword(word.to_lowercase().as_bytes()).is_some(), "{word}");
        }
        for word in ["", "a", "count", "currency", "left_", "unio", "updated_at"] {
            assert_eq!(keyword(word.as_bytes()), None, "{word}");
        }
    }
}
