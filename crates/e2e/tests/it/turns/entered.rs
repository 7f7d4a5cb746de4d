//! A session enters a database whose name is not ASCII, and stays there, whatever else its
//! connection was led to before.

use anyhow::Result;
use mysql_proto::Capabilities;
use testkit::DatabaseKind::{self, MariaDb, MySql};

use super::Does::{Execute, Prepare, Query, Reset, Use};
use super::{Case, LATIN1, Turn};
use crate::wire::COLLATION;

/// In UTF-8.
const BEFORE: [&str; 3] = [
    "DROP DATABASE IF EXISTS `d\u{e9}`",
    "CREATE DATABASE `d\u{e9}`",
    "CREATE TABLE `d\u{e9}`.t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
];

/// How much is in its table, and how much in that of the database before.
const BOTH: &[u8] =
    "SELECT (SELECT COUNT(*) FROM `d\u{e9}`.t), (SELECT COUNT(*) FROM shop.t)".as_bytes();

fn case(kinds: &'static [DatabaseKind], collation: u8, turns: &'static [Turn]) -> Case {
    Case {
        before: &BEFORE,
        collation,
        ..Case::new(kinds, turns)
    }
}

/// The connection comes from another session, so that steps go ahead of the statement.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_beyond_ascii_is_entered_behind_another_session() -> Result<()> {
    let turns: &[Turn] = &[
        ('a', Query(b"SELECT DATABASE()")),
        ('b', Use("mysql")),
        ('a', Query(b"USE `d\xc3\xa9`")),
        ('a', Query(b"INSERT INTO t (n) VALUES (42)")),
        ('b', Query(b"SELECT DATABASE()")),
        ('a', Query(b"SELECT HEX(DATABASE()), COUNT(*) FROM t")),
        ('a', Query(b"DROP DATABASE IF EXISTS no_such")),
        ('b', Query(b"SELECT DATABASE()")),
        ('a', Query(b"INSERT INTO t (n) VALUES (43)")),
        ('b', Use("d\u{e9}")),
        ('a', Query(b"USE shop")),
        ('b', Query(b"INSERT INTO t (n) VALUES (44)")),
        ('a', Query(b"INSERT INTO t (n) VALUES (45)")),
        ('b', Query(b"SET NAMES latin1")),
        ('a', Query(b"SELECT HEX(DATABASE())")),
        ('b', Query(b"INSERT INTO t (n) VALUES (46)")),
        ('b', Query(b"SELECT HEX(DATABASE())")),
        ('a', Query(BOTH)),
    ];
    case(&DatabaseKind::ALL, COLLATION, turns).compare().await
}

/// Its name cannot be carried to another connection, so it keeps the one that it has.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_entered_in_another_character_set() -> Result<()> {
    let turns: &[Turn] = &[
        ('b', Use("mysql")),
        ('a', Query(b"USE `d\xe9`")),
        ('b', Query(b"SELECT DATABASE()")),
        ('a', Query(b"INSERT INTO t (n) VALUES (42)")),
        ('a', Query(b"DROP DATABASE IF EXISTS no_such")),
        ('b', Query(b"SELECT DATABASE()")),
        ('a', Query(b"INSERT INTO t (n) VALUES (43)")),
        ('a', Query(b"SELECT HEX(DATABASE()), COUNT(*) FROM t")),
        ('a', Query(b"USE shop")),
        ('a', Query(b"SELECT DATABASE(), COUNT(*) FROM t")),
    ];
    case(&[MariaDb, MySql], LATIN1, turns).compare().await
}

/// MySQL and MariaDB leave a session in its database when they reset it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_leaves_a_session_in_a_database_beyond_ascii() -> Result<()> {
    let turns: &[Turn] = &[
        ('b', Use("mysql")),
        ('a', Use("d\u{e9}")),
        ('b', Query(b"SELECT DATABASE()")),
        ('a', Reset),
        ('b', Query(b"SELECT DATABASE()")),
        ('a', Query(b"SELECT HEX(DATABASE()), COUNT(*) FROM t")),
    ];
    case(&DatabaseKind::ALL, COLLATION, turns).compare().await
}

/// A text that fails half way has entered it all the same, and what was prepared before is of the
/// database of that time.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_fails_has_entered_a_database() -> Result<()> {
    let turns: &[Turn] = &[
        ('a', Prepare("INSERT INTO t (n) VALUES (5)")),
        ('b', Query(b"BEGIN")),
        ('b', Query(b"SELECT 1")),
        ('a', Query(b"USE `d\xc3\xa9`; SELECT a FROM nowhere")),
        ('a', Execute),
        ('a', Query(b"INSERT INTO t (n) VALUES (6)")),
        ('a', Query(BOTH)),
        ('b', Query(b"COMMIT")),
        ('a', Reset),
        ('a', Query(b"SELECT HEX(DATABASE())")),
    ];
    let case = Case {
        capabilities: Capabilities::MULTI_STATEMENTS,
        ..case(&DatabaseKind::ALL, COLLATION, turns)
    };
    case.compare().await
}

/// Where the database cannot be found again behind a reset, nothing is written to another.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_takes_a_session_to_no_other_database() -> Result<()> {
    const UNTOLD: usize = 4;
    for turns in [
        &[
            ('b', Use("mysql")),
            ('a', Query(b"SELECT 1")),
            ('a', Query(b"USE `d\xe9`")),
            ('a', Reset),
            ('a', Query(b"INSERT INTO t (n) VALUES (42)")),
            ('a', Query(b"SELECT COUNT(*) FROM shop.t")),
        ][..],
        &[
            ('b', Use("mysql")),
            ('a', Query(b"SET NAMES utf8mb4")),
            ('a', Use("d\u{e9}")),
            ('a', Reset),
            ('a', Query(b"INSERT INTO t (n) VALUES (42)")),
            ('a', Query(b"SELECT COUNT(*) FROM shop.t")),
        ],
    ] {
        let case = case(&[MariaDb, MySql], LATIN1, turns);
        case.compare_but(UNTOLD).await?;
    }
    Ok(())
}
