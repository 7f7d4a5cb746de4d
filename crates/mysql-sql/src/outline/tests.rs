//! Texts of one outline read alike.

use std::collections::HashMap;

use super::*;
use crate::{
    Dialect, Escapes, Letters, Server, Statement, Touches, classify, fingerprint, touches,
};

/// Whatever means something to somebody who reads a text byte by byte.
const BYTES: [&str; 24] = [
    "5", "55", "0", "a", "e", "x1", "1e", ".", "'", "'s'", "\"", "\"n7\"", "`", "`b", "\\", "-",
    "/", "*", "#", "\n", "@", "$", "(", "é",
];

/// Whatever means something in a query.
const WORDS: [&str; 30] = [
    " 5",
    " 77",
    "0",
    "'s'",
    " 'f(5)'",
    "\"n\"",
    "1.5",
    "2e3",
    "t.5",
    " a",
    " t1",
    " t12",
    ".b",
    " FROM t",
    " JOIN `u5`",
    " WHERE x=",
    " IN(5,6)",
    " LIMIT 5",
    " UNION SELECT 5",
    ",",
    "(",
    ")",
    " AS OF TIMESTAMP '2020-01-01'",
    " LAST_INSERT_ID(5)",
    " SLEEP(5)",
    " NOW()",
    " f(5)",
    ";",
    " INTO @x",
    " GET_LOCK('l', 5)",
];

fn dialects() -> Vec<Dialect> {
    let of = |escapes, letters, server| Dialect {
        escapes,
        letters,
        server,
        ignores_space: false,
    };
    vec![
        of(Escapes::Backslash, Letters::Utf8, Server::MariaDb),
        of(Escapes::None, Letters::Unknown, Server::MySql),
        of(Escapes::Backslash, Letters::Unknown, Server::TiDb),
    ]
}

/// All texts of so many of these pieces.
fn texts(pieces: &'static [&'static str], count: u32) -> impl Iterator<Item = String> {
    let all = pieces.len().pow(count);
    (0..all).map(move |number| {
        let places = (0..count).map(|place| number / pieces.len().pow(place) % pieces.len());
        places.map(|piece| pieces[piece]).collect()
    })
}

fn outline(sql: &str) -> Option<Vec<u8>> {
    Outline::of(sql.as_bytes()).map(|outline| outline.bytes().to_vec())
}

#[test]
fn texts_of_one_outline_have_one_fingerprint() {
    let mut known = HashMap::new();
    let mut shared = 0;
    for text in texts(&BYTES, 4) {
        let Some(outline) = outline(&text) else {
            continue;
        };
        let of = |dialect| fingerprint(text.as_bytes(), dialect);
        let fingerprints: Vec<_> = dialects().into_iter().map(of).collect();
        let (other, expected) = known
            .entry(outline)
            .or_insert_with(|| (text.clone(), fingerprints.clone()));
        assert_eq!(fingerprints, *expected, "{text:?} and {other:?}");
        shared += usize::from(text != *other);
    }
    assert!(shared > 10_000, "{shared}");
}

/// What is told of a text, in each dialect.
fn read(sql: &str) -> Vec<(Statement, Touches)> {
    let read = |dialect| {
        let statement = classify(sql.as_bytes(), dialect);
        let touches = touches(sql.as_bytes(), dialect, &statement);
        (statement, touches)
    };
    dialects().into_iter().map(read).collect()
}

#[test]
fn texts_of_one_outline_touch_the_same() {
    let mut known = HashMap::new();
    let (mut shared, mut kept, mut plain) = (0, 0, 0);
    let selects = texts(&WORDS, 3).map(|text| format!("SELECT c{text}"));
    let others = texts(&BYTES, 3).map(|text| format!("SELECT a FROM t WHERE b={text}"));
    for text in selects.chain(others) {
        let Some(outline) = outline(&text) else {
            continue;
        };
        let reading = read(&text);
        let (other, expected) = known
            .entry(outline)
            .or_insert_with(|| (text.clone(), reading.clone()));
        for (mine, theirs) in reading.iter().zip(&*expected) {
            if mine.0 == theirs.0 {
                assert_eq!(mine.1, theirs.1, "{text:?} and {other:?}");
                shared += usize::from(text != *other);
                kept += usize::from(text != *other && mine.1.keeps.is_ok());
            }
            if [&mine.0, &theirs.0].contains(&&Statement::plain_read()) {
                assert_eq!(mine.0, theirs.0, "{text:?} and {other:?}");
                plain += usize::from(text != *other);
            }
        }
    }
    let all = (shared, kept, plain);
    assert!(shared > 1000 && kept > 100 && plain > 100, "{all:?}");
}

#[test]
fn texts_of_one_outline_are_plain_reads_alike() {
    let (mut known, mut plain) = (HashMap::new(), 0);
    let selects = texts(&BYTES, 4).map(|text| format!("SELECT a FROM t WHERE b={text}"));
    let heads = texts(&BYTES, 3).map(|text| format!("SELECT{text} a FROM t"));
    for text in selects.chain(heads) {
        let Some(outline) = outline(&text) else {
            continue;
        };
        let is_plain = |dialect| classify(text.as_bytes(), dialect) == Statement::plain_read();
        let are_plain: Vec<_> = dialects().into_iter().map(is_plain).collect();
        let (other, expected) = known
            .entry(outline)
            .or_insert_with(|| (text.clone(), are_plain.clone()));
        assert_eq!(are_plain, *expected, "{text:?} and {other:?}");
        plain += usize::from(text != *other && are_plain.contains(&true));
    }
    assert!(plain > 1000, "{plain}");
}

#[test]
fn values_leave_no_trace() {
    let one = outline("SELECT c FROM `t1` WHERE id=17 AND n = 'abc' LIMIT 5, 10");
    let other = outline("SELECT c FROM `t1` WHERE id=2 AND n = 'xé' LIMIT 1, 100");
    assert!(one.is_some());
    assert_eq!(one, other);
    let table = outline("SELECT c FROM `t2` WHERE id=17 AND n = 'abc' LIMIT 5, 10");
    assert_ne!(one, table);
}

#[test]
fn what_takes_a_closer_look_has_none() {
    for sql in ["a /* 5 */", "a -- 5", "a # 5", "'\\'5'", "'5", "é", "'/*+'"] {
        assert_eq!(outline(sql), None, "{sql}");
    }
    let long = "a".repeat(LONGEST);
    assert!(outline(&long).is_some());
    assert_eq!(outline(&(long + "a")), None);
}
