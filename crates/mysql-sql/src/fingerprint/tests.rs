//! Statements and their fingerprints.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::Escapes;

fn of(sql: &str) -> String {
    fingerprint(sql.as_bytes(), Escapes::Backslash)
}

fn hash(sql: &str) -> u64 {
    fingerprint_hash(sql.as_bytes(), Escapes::Backslash)
}

#[test]
fn literals_become_question_marks() {
    for (sql, expected) in [
        ("SELECT a FROM t WHERE b = 5", "SELECT a FROM t WHERE b = ?"),
        ("select  'it''s', \"x\" , 1.5,-2", "select ?, ?, ?, ?"),
        (
            "SELECT a FROM t WHERE b=-1.5e-3",
            "SELECT a FROM t WHERE b = ?",
        ),
        (
            "SELECT a FROM t WHERE b <= .5 AND c!=+1",
            "SELECT a FROM t WHERE b <= ? AND c != ?",
        ),
        ("SELECT a-1, a - 1, 5--1", "SELECT a - ?, a - ?, ? - ?"),
        ("SELECT 0x1F, 1e5, 1., 1.e5", "SELECT ?, ?, ?, ?"),
        ("SELECT 0xfe-1", "SELECT ? - ?"),
        (
            "SELECT a FROM t LIMIT ? OFFSET 10",
            "SELECT a FROM t LIMIT ? OFFSET ?",
        ),
        ("SELECT a IS NULL", "SELECT a IS NULL"),
        ("SELECT a FROM 2020_t", "SELECT a FROM 2020_t"),
    ] {
        assert_eq!(of(sql), expected, "{sql}");
    }
}

#[test]
fn lists_of_literals_are_folded() {
    for (sql, expected) in [
        (
            "SELECT a FROM t WHERE b IN (1)",
            "SELECT a FROM t WHERE b IN (...)",
        ),
        (
            "SELECT a FROM t WHERE b IN (1,'x', ?, -2.5)",
            "SELECT a FROM t WHERE b IN (...)",
        ),
        (
            "SELECT a FROM t WHERE b IN (1, c)",
            "SELECT a FROM t WHERE b IN (?, c)",
        ),
        (
            "INSERT INTO t (a, b) VALUES (1, NULL), (2, 'x'),(3, TRUE)",
            "INSERT INTO t (a, b) VALUES (...)",
        ),
        (
            "INSERT INTO t VALUES (1, NOW()), (2)",
            "INSERT INTO t VALUES (?, NOW()), (...)",
        ),
        ("SELECT f(), (NULL), ((1))", "SELECT f(), (...), ((...))"),
        ("SELECT a IN (1, (", "SELECT a IN (?, ("),
    ] {
        assert_eq!(of(sql), expected, "{sql}");
    }
}

#[test]
fn white_space_and_comments_say_nothing() {
    for (sql, expected) in [
        (" SELECT\n\ta ,b\r\nFROM t ; ", "SELECT a, b FROM t;"),
        (
            "/* x */ SELECT /*+ y */ a -- z\n FROM t # '",
            "SELECT a FROM t",
        ),
        (
            "SELECT count(*), t . `a`, `b c`.* FROM d.t",
            "SELECT count(*), t.`a`, `b c`.* FROM d.t",
        ),
        (
            "SELECT @a:=1, @@session.b, *",
            "SELECT @a := ?, @@session.b, *",
        ),
        ("SELECT a->'$.b'", "SELECT a -> ?"),
        ("SELECT 1 /*!40101 + 1 */", "SELECT ? /*!*/"),
        ("SELECT 'a", "SELECT …"),
        ("SELECT caf\u{e9}, `\u{e9}`", "SELECT caf\u{e9}, `\u{e9}`"),
        ("", ""),
        ("-- nothing", ""),
    ] {
        assert_eq!(of(sql), expected, "{sql}");
    }
    assert_eq!(
        fingerprint(b"SELECT `\xff`", Escapes::Backslash),
        "SELECT `\u{fffd}`"
    );
}

#[test]
fn what_is_long_is_cut_off() {
    let long = format!("SELECT {}", "column_name, ".repeat(1000));
    let text = of(&long);
    assert!(
        text.len() <= LONGEST && text.len() > LONGEST - 20,
        "{}",
        text.len()
    );
    assert!(text.ends_with(", column_name,…"), "{text}");
    assert_eq!(hash(&long), hash(&format!("{long}more")));
    assert_eq!(
        of(&format!("SELECT `{}`", "\u{e9}".repeat(2000))),
        "SELECT…"
    );
    let values = format!("INSERT INTO t VALUES (0){}", ", (1, 'x')".repeat(1000));
    assert_eq!(of(&values), "INSERT INTO t VALUES (...)");
}

proptest! {
    #[test]
    fn hashes_agree_with_texts(
        one in "[a-c1-3 '`(),.?;*=@/-]{0,16}",
        other in "[a-c1-3 '`(),.?;*=@/-]{0,16}",
    ) {
        prop_assert_eq!(of(&one) == of(&other), hash(&one) == hash(&other));
    }

    #[test]
    fn never_panics(sql in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for escapes in [Escapes::Backslash, Escapes::None] {
            prop_assert!(fingerprint(&sql, escapes).len() <= LONGEST);
            fingerprint_hash(&sql, escapes);
        }
    }

    /// A fingerprint is its own, but for what it stands for that is no statement any more.
    #[test]
    fn stays_as_it_is(values in proptest::collection::vec(any::<i32>(), 1..5)) {
        let list = values.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
        let text = of(&format!("SELECT a FROM t WHERE b = {} AND c IN ({list})", values[0]));
        prop_assert_eq!(text, "SELECT a FROM t WHERE b = ? AND c IN (...)");
    }
}
