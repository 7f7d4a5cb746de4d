//! Reading a text takes time in proportion to its length, whatever a client puts into it: one that
//! was looked through once for each of its words would keep a thread from all other sessions.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fmt::Write;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use mysql_sql::{
    Dialect, Escapes, Letters, Outline, Server, classify, fingerprint_hash, hints, mentions,
    touches, without_explain,
};

/// Length of each text, in bytes.
const LONG: usize = 1 << 20;

/// Many times what any of them takes in a debug build, and less than what one takes that is looked
/// through once for each of its pieces.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a text begins with, what it repeats, with another number for each `#`, and what it ends
/// with.
type Form = (&'static str, &'static str, &'static str);

/// Many of one kind of token.
const TOKENS: [Form; 34] = [
    ("SELECT ", "a ", ""),
    ("SELECT ", "a#,", "1"),
    ("SELECT ", "#,", "1"),
    ("SELECT ", "1.5e3,", "1"),
    ("SELECT ", "1", ".5"),
    ("SELECT ", ".1", ""),
    ("SELECT ", "-", "1"),
    ("SELECT ", "- .", "1"),
    ("SELECT ", "a.", "b"),
    ("SELECT ", "'a',", "1"),
    ("SELECT ", "'' ", ""),
    ("SELECT ", "\"a\" ", ""),
    ("SELECT ", "`a`,", "1"),
    ("SELECT ", "`a`(", ""),
    ("SELECT '", "''", "'"),
    ("SELECT '", "\\'", "'"),
    ("SELECT '", "a", ""),
    ("SELECT `", "``", "`"),
    ("SELECT ", "(", ""),
    ("SELECT ", "(1,", ""),
    ("SELECT ", "(1),", ""),
    ("SELECT ", "f(", ""),
    ("SELECT f(", "a,", ""),
    ("SELECT ", "f(a,", ""),
    ("SELECT ", "CONCAT (", ""),
    ("SELECT ", ")", ""),
    ("SELECT ", " ", "1"),
    ("SELECT ", "/**/", "1"),
    ("SELECT ", "a/**/", "1"),
    ("SELECT ", "a /", "1"),
    ("SELECT ", "a -- b\n", "1"),
    ("SELECT ", "-- \n", "1"),
    ("SELECT /*", " * /", ""),
    ("SELECT ", "\u{e4}", ""),
];

/// Many variables, questions and words that betray something.
const WORDS: [Form; 20] = [
    ("SELECT ", "@a#,", "1"),
    ("SELECT ", "@a# := 1,", "1"),
    ("SELECT ", "@`a#`,", "1"),
    ("SELECT ", "@@a#,", "1"),
    ("SELECT ", "@@session.", "a"),
    ("SELECT ", "ROW_COUNT(),", "1"),
    ("SELECT ", "LAST_INSERT_ID(), ", "1"),
    ("SELECT ", "@@warning_count,", "1"),
    ("SELECT ", "(SELECT FOUND_ROWS()), ", "1"),
    ("SELECT ", "NEXTVAL(a),", "1"),
    ("SELECT ", "NEXT VALUE FOR a,", "1"),
    ("", "SELECT 1 UNION ", "SELECT 1"),
    ("", "SELECT 1 EXCEPT ", "SELECT 1"),
    ("SELECT ", "EXCEPT ", "1"),
    ("SELECT 1 FROM a ", "WINDOW ", ""),
    ("SELECT 1 FROM a ", "FOR ", ""),
    ("SELECT 1 FROM a", ",a#", ""),
    ("SELECT 1 FROM a ", "JOIN a# ON a ", ""),
    ("SELECT 1 ", "INTO @a# ", ""),
    (
        "WITH ",
        "a# (b) AS (SELECT 1), ",
        "c AS (SELECT 1) SELECT 1",
    ),
];

/// Many assignments, names and comments in one statement.
const LISTS: [Form; 20] = [
    ("SET ", "@a# = #, ", "@b = 1"),
    ("SET ", "@a# = a, ", "@b = 1"),
    ("SET ", "sql_mode = '', ", "@b = '\\\\'"),
    ("SET ", "GLOBAL a# = 1, ", "b = 1"),
    ("SET ", "NAMES utf8mb4, ", "b = 1"),
    ("SET ", "CHARACTER SET utf8mb4, ", "b = 1"),
    ("SET ", "a.", "b = 1"),
    ("SET SESSION TRANSACTION ", "READ ONLY, ", "READ ONLY"),
    ("SET ROLE ", "a#, ", "b"),
    ("SET STATEMENT ", "a# = 1, ", "b = 1 FOR SELECT 1"),
    ("", "SET STATEMENT a = 1 FOR ", "SELECT 1"),
    ("GET DIAGNOSTICS ", "@a# = ROW_COUNT, ", "@b = NUMBER"),
    ("GET DIAGNOSTICS ", "@a# = @b#, ", "@c = NUMBER"),
    ("DELETE FROM ", "a#, ", "a USING a"),
    ("UPDATE ", "a#, ", "a SET b = 1"),
    ("INSERT INTO a VALUES ", "(1, 'a'), ", "(1, 'a')"),
    ("CREATE TABLE a (", "a# INT, ", "b INT) VALUES (1)"),
    ("DROP TABLE ", "a#, ", "b"),
    ("SELECT 1 ", "/*tidegate:explain*/", "1"),
    ("/*!40101 ", "SET NAMES utf8mb4, ", "a = 1 */"),
];

/// Many statements.
const STATEMENTS: [Form; 28] = [
    ("", ";", "SELECT 1"),
    ("", "x;", ""),
    ("", "(;", ""),
    ("SET sql_mode = 0;", "x;", "'\\\\'"),
    ("", "SET sql_mode = 0;", "'\\\\'"),
    ("SET @a = 1;", "SELECT '\\\\';", ""),
    ("", "SET @a# = 1;", ""),
    ("", "SET STATEMENT a = 1;", ""),
    ("", "SET PASSWORD = 1;", ""),
    ("", "SET TRANSACTION READ ONLY;", ""),
    ("", "GET DIAGNOSTICS @a# = NUMBER;", ""),
    ("", "SHOW WARNINGS;", ""),
    ("", "SHOW VARIABLES;", ""),
    ("", "SELECT ROW_COUNT();", ""),
    ("", "SELECT GET_LOCK('a', 1);", ""),
    ("", "DELETE FROM a.b#;", ""),
    ("", "UPDATE a# SET b = 1;", ""),
    ("", "INSERT INTO a# VALUES (1);", ""),
    ("", "TRUNCATE a#;", ""),
    ("", "CREATE TABLE a# (b INT);", ""),
    ("", "CREATE TRIGGER a#;", ""),
    ("", "DROP DATABASE a#;", ""),
    ("", "COMMIT;", ""),
    ("", "ROLLBACK TO a#;", ""),
    ("", "PREPARE a# FROM 'b';", ""),
    ("", "KILL #;", ""),
    ("", "USE a#;", ""),
    ("", "ANALYZE SELECT 1;", ""),
];

fn text((begin, piece, end): Form, len: usize) -> String {
    let mut text = String::with_capacity(len + 64);
    text.push_str(begin);
    let mut number = 0;
    while text.len() < len {
        for part in piece.split_inclusive('#') {
            match part.strip_suffix('#') {
                Some(part) => write!(text, "{part}{number}").unwrap(),
                None => text.push_str(part),
            }
        }
        number += 1;
    }
    text.push_str(end);
    text
}

/// All that is done with the text of a statement.
fn read(sql: &[u8], server: Server) {
    let dialect = Dialect {
        escapes: Escapes::Backslash,
        letters: Letters::Utf8,
        server,
        ignores_space: false,
    };
    let statement = classify(sql, dialect);
    touches(sql, dialect, &statement);
    hints(sql, dialect);
    fingerprint_hash(sql, dialect);
    let _outline = Outline::of(sql);
}

/// Likewise with that of a trigger.
fn read_body(sql: &[u8], server: Server) {
    mentions(
        sql,
        Dialect {
            server,
            ..Escapes::Backslash.into()
        },
    );
}

/// Fails if one of the forms takes too long at a server; they take turns.
fn reads_in_time(forms: &'static [Form], len: usize, read: fn(&[u8], Server)) {
    const SERVERS: [Server; 3] = [Server::MySql, Server::MariaDb, Server::TiDb];
    for (form, server) in forms.iter().zip(SERVERS.into_iter().cycle()) {
        let (done, ended) = sync_channel(1);
        thread::spawn(move || {
            read(text(*form, len).as_bytes(), server);
            done.send(())
        });
        match ended.recv_timeout(PATIENCE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => panic!("{form:?} takes too long"),
            Err(RecvTimeoutError::Disconnected) => panic!("{form:?} cannot be read"),
        }
    }
}

#[test]
fn tokens() {
    reads_in_time(&TOKENS, LONG, read);
}

#[test]
fn words() {
    reads_in_time(&WORDS, LONG, read);
}

#[test]
fn lists() {
    reads_in_time(&LISTS, LONG, read);
}

#[test]
fn statements() {
    reads_in_time(&STATEMENTS, LONG, read);
}

#[test]
fn bodies() {
    reads_in_time(&TOKENS, LONG, read_body);
}

/// What is cheap for each comment only tells in a longer text.
#[test]
fn comments() {
    let forms = &[
        ("SELECT 1 ", "/*tidegate:explain*/", ""),
        ("SELECT 1 ", "/**/", ""),
        ("SELECT 1 ", "/* ", ""),
    ];
    reads_in_time(forms, 8 * LONG, |sql, _| drop(without_explain(sql)));
}
