//! What a text does that its words do not show at once.

use anyhow::Result;
use testkit::DatabaseKind::{self, MariaDb, MySql, Tidb};

use super::Case;
use super::Does::{Execute, Prepare, Query, Quit, Reset};

/// A number ends where its letters begin, and they are a word then.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_right_behind_a_number_is_seen() -> Result<()> {
    let all = Case::new(
        &[MariaDb, MySql],
        &[
            ('a', Query(b"SELECT 'secret', 1e0INTO @g, @h")),
            ('b', Query(b"SELECT @g")),
            ('a', Query(b"SELECT @g")),
            ('a', Quit),
            ('c', Query(b"SELECT n+.5INTO @i FROM t LIMIT 1")),
            ('b', Query(b"SELECT @i")),
            ('c', Query(b"SELECT @i")),
        ],
    );
    all.compare().await?;
    let of_mariadb = Case::new(
        &[MariaDb],
        &[
            ('a', Query(br"SELECT 5,\NINTO @g, @h")),
            ('b', Query(b"SELECT @g")),
            ('a', Query(b"SELECT @g")),
        ],
    );
    of_mariadb.compare().await
}

/// It is a procedure that could not be read, and has begun a transaction before.
#[tokio::test(flavor = "multi_thread")]
async fn a_syntax_error_in_a_procedure_ends_no_transaction() -> Result<()> {
    for turns in [
        &[
            ('a', Query(br#"CALL opens("it\'s")"#)),
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"COMMIT")),
            ('b', Query(b"SELECT n FROM t ORDER BY id")),
        ],
        &[
            ('a', Query(b"/*!50003 CALL opens('its') */")),
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"COMMIT")),
            ('b', Query(b"SELECT n FROM t ORDER BY id")),
        ],
    ] {
        let case = Case {
            before: &[
                "DROP PROCEDURE IF EXISTS shop.opens",
                "CREATE PROCEDURE shop.opens(x TEXT) BEGIN START TRANSACTION; \
                 INSERT INTO shop.t (n) VALUES (77); SET @s = 'garbage'; PREPARE s FROM @s; END",
            ],
            ..Case::new(&[MariaDb, MySql], turns)
        };
        case.compare().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_among_the_rows_of_a_table_is_seen() -> Result<()> {
    let case = Case {
        before: &[
            "DROP TABLE IF EXISTS shop.made",
            "DROP FUNCTION IF EXISTS shop.takes",
            "CREATE FUNCTION shop.takes(x INT) RETURNS INT NO SQL \
             BEGIN SET @taken = x; RETURN GET_LOCK('a lock', 0); END",
        ],
        ..Case::new(
            &[MariaDb],
            &[
                ('a', Query(b"CREATE TABLE made VALUES (takes(5))")),
                ('b', Query(b"SELECT @taken, IS_FREE_LOCK('a lock')")),
                ('a', Query(b"SELECT @taken")),
            ],
        )
    };
    case.compare().await
}

/// What people call what their server does not have.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_with_the_name_of_one_that_another_server_has_is_seen() -> Result<()> {
    let of_mariadb = Case {
        before: &[
            "DROP FUNCTION IF EXISTS shop.uuid_to_bin",
            "CREATE FUNCTION shop.uuid_to_bin(x INT) RETURNS INT NO SQL \
             BEGIN SET @taken = x; RETURN GET_LOCK('a lock', 0); END",
        ],
        ..Case::new(
            &[MariaDb],
            &[
                ('a', Query(b"SELECT uuid_to_bin(5)")),
                ('b', Query(b"SELECT @taken, IS_FREE_LOCK('a lock')")),
                ('b', Query(b"SELECT uuid_to_bin(6)")),
                ('a', Query(b"SELECT @taken")),
            ],
        )
    };
    of_mariadb.compare().await?;
    let of_mysql = Case {
        before: &[
            "DROP FUNCTION IF EXISTS shop.nvl",
            "CREATE FUNCTION shop.nvl(x INT) RETURNS INT NO SQL BEGIN SET @taken = x; RETURN 1; END",
        ],
        ..Case::new(
            &[MySql],
            &[
                ('a', Query(b"SELECT nvl(5)")),
                ('b', Query(b"SELECT @taken")),
                ('a', Query(b"SELECT @taken")),
            ],
        )
    };
    of_mysql.compare().await
}

/// Apart from its parenthesis, it is not the native one.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_with_a_native_name_is_seen_apart_from_its_parenthesis() -> Result<()> {
    let case = Case {
        before: &[
            "DROP FUNCTION IF EXISTS shop.mid",
            "CREATE FUNCTION shop.`mid`(x INT) RETURNS INT NO SQL \
             BEGIN SET @taken = x; RETURN 1; END",
        ],
        ..Case::new(
            &[MariaDb, MySql],
            &[
                ('a', Query(b"SELECT mid (5)")),
                ('b', Query(b"SELECT @taken")),
                ('b', Query(b"SELECT mid /* apart */ (6)")),
                ('a', Query(b"SELECT @taken")),
            ],
        )
    };
    case.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_a_function_of_tidb_sets_is_its_sessions() -> Result<()> {
    let case = Case::new(
        &[Tidb],
        &[
            ('a', Query(b"SELECT setvar('g', 'secret')")),
            ('b', Query(b"SELECT @g")),
            ('a', Query(b"SELECT @g")),
        ],
    );
    case.compare().await
}

/// It has the character set of when it was prepared.
#[tokio::test(flavor = "multi_thread")]
async fn a_string_that_was_prepared_keeps_its_character_set() -> Result<()> {
    let case = Case::new(
        &DatabaseKind::ALL,
        &[
            ('a', Query(b"SET NAMES latin1")),
            ('a', Prepare("SET @g = 'x'")),
            ('a', Query(b"SET NAMES utf8mb4")),
            ('a', Execute),
            ('b', Query(b"SELECT CHARSET(@g)")),
            ('a', Query(b"SELECT CHARSET(@g), @g")),
        ],
    );
    case.compare().await
}

/// A connection that was reset ahead of a write is as used as any other behind it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_trigger_leaves_behind_a_reset_is_seen() -> Result<()> {
    let case = Case {
        before: &["CREATE TRIGGER shop.leaves BEFORE INSERT ON shop.t \
                   FOR EACH ROW SET @left = NEW.n"],
        ..Case::new(
            &[MariaDb, MySql],
            &[
                // Which leaves one connection to the others.
                ('c', Query(b"BEGIN")),
                ('a', Query(b"INSERT INTO t (n) VALUES (1)")),
                ('b', Query(b"INSERT INTO t (n) VALUES (2)")),
                ('d', Query(b"SELECT @left")),
                ('a', Query(b"INSERT INTO t (n) VALUES (3)")),
                (
                    'b',
                    Query(b"INSERT INTO t (n) VALUES (COALESCE(@not_set, 4))"),
                ),
                ('d', Query(b"SELECT @left")),
                ('b', Prepare("INSERT INTO t (n) VALUES (5)")),
                ('a', Query(b"INSERT INTO t (n) VALUES (6)")),
                ('b', Execute),
                ('d', Query(b"SELECT @left")),
                ('a', Query(b"INSERT INTO t (n) VALUES (7)")),
                ('b', Execute),
                ('d', Reset),
                ('d', Query(b"SELECT @left")),
            ],
        )
    };
    case.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_an_analyzed_statement_sets_is_its_sessions() -> Result<()> {
    let case = Case::new(
        &[MariaDb],
        &[
            ('a', Query(b"ANALYZE SELECT 5 INTO @analyzed")),
            ('b', Query(b"SELECT @analyzed")),
            ('a', Query(b"SELECT @analyzed")),
        ],
    );
    case.compare().await
}

/// What is carried may be such a string: to clear a list.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_string_is_carried_past_a_mode_in_which_it_is_null() -> Result<()> {
    let case = Case::new(
        &[MariaDb],
        &[
            // Which leaves one connection to the others.
            ('c', Query(b"BEGIN")),
            ('a', Query(b"SET session_track_system_variables = ''")),
            ('a', Query(b"SET @empty = ''")),
            ('b', Query(b"SET sql_mode = 'EMPTY_STRING_IS_NULL'")),
            ('b', Query(b"SELECT ''")),
            ('b', Reset),
            (
                'a',
                Query(b"SELECT @empty, @@session_track_system_variables"),
            ),
            ('b', Query(b"SELECT @@sql_mode = @@GLOBAL.sql_mode")),
        ],
    );
    case.compare().await
}
