//! What one session has made of a connection, and what leads that back or elsewhere, is no matter
//! of the next one's.

use std::time::Duration;

use anyhow::Result;
use mysql_proto::Capabilities;
use testkit::DatabaseKind::{self, MariaDb, MySql, Tidb};

use super::Does::{Execute, Prepare, Query, Quit, SendAndEnd, SetOption, Use, Wait};
use super::{Case, Turn};

/// More than what is taken for the same moment.
const MOMENTS: Duration = Duration::from_millis(2500);

/// Servers put back what is no setting by setting it, after which the clock stands still.
#[tokio::test(flavor = "multi_thread")]
async fn a_hint_holds_for_its_statement() -> Result<()> {
    const NOW: super::Does = Query(b"SELECT TIMESTAMPDIFF(SECOND, NOW(), SYSDATE()) > 1");
    let text = Case::new(
        &[MySql, Tidb],
        &[
            ('b', NOW),
            (
                'a',
                Query(b"SELECT /*+ SET_VAR(timestamp=5) */ UNIX_TIMESTAMP()"),
            ),
            ('a', Quit),
            ('b', Wait(MOMENTS)),
            ('b', NOW),
        ],
    );
    text.compare().await?;
    let prepared = Case::new(
        &[MySql],
        &[
            ('b', NOW),
            (
                'a',
                Prepare("SELECT /*+ SET_VAR(timestamp=5) */ UNIX_TIMESTAMP()"),
            ),
            ('a', Execute),
            ('a', Quit),
            ('b', Wait(MOMENTS)),
            ('b', NOW),
        ],
    );
    prepared.compare().await?;
    let id = Case::new(
        &[MySql],
        &[
            ('a', Query(b"SELECT /*+ SET_VAR(insert_id=777) */ 1")),
            ('a', Quit),
            ('b', Query(b"INSERT INTO t (n) VALUES (1)")),
            ('b', Query(b"SELECT MAX(id) FROM t")),
        ],
    );
    id.compare().await
}

/// A reset leaves them.
#[tokio::test(flavor = "multi_thread")]
async fn texts_that_were_traced_are_not_shown_to_others() -> Result<()> {
    let profiled = Case::new(
        &[MariaDb, MySql],
        &[
            ('a', Query(b"SET profiling = 1")),
            ('a', Query(b"SELECT 'a secret'")),
            ('a', Quit),
            ('b', Query(b"SHOW PROFILES")),
            (
                'b',
                Query(b"SELECT COUNT(*) FROM information_schema.PROFILING"),
            ),
        ],
    );
    profiled.compare().await?;
    let traced = Case::new(
        &[MySql, MariaDb],
        &[
            ('a', Query(b"SET optimizer_trace = 'enabled=on'")),
            ('a', Query(b"SELECT 'a secret' FROM t WHERE id = 1")),
            ('a', Quit),
            (
                'b',
                Query(b"SELECT QUERY FROM information_schema.OPTIMIZER_TRACE"),
            ),
        ],
    );
    traced.compare().await
}

/// `SET ROLE DEFAULT` does not go back to what a login has.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_goes_back_to_the_roles_of_a_login() -> Result<()> {
    for activates in [
        "SET GLOBAL activate_all_roles_on_login = ON",
        "SET GLOBAL activate_all_roles_on_login = OFF",
    ] {
        let case = Case {
            before: &[
                "DROP ROLE IF EXISTS seller",
                "CREATE ROLE seller",
                "GRANT seller TO 'clerk'@'%'",
            ],
            ..Case::new(
                &[MySql],
                &[
                    ('b', Query(b"SELECT CURRENT_ROLE()")),
                    ('a', Query(b"SELECT @a := 1")),
                    ('a', Quit),
                    ('b', Query(b"SELECT CURRENT_ROLE()")),
                    ('a', Query(b"SET ROLE NONE")),
                    ('b', Query(b"SELECT CURRENT_ROLE()")),
                    ('a', Query(b"SELECT CURRENT_ROLE()")),
                ],
            )
        };
        case.after(activates).compare().await?;
    }
    Ok(())
}

/// A variable may allow another one, which then has to be put back first.
#[tokio::test(flavor = "multi_thread")]
async fn variables_are_put_back_the_last_one_first() -> Result<()> {
    let allowed = Case::new(
        &[Tidb],
        &[
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"SET tidb_enable_noop_functions = 1")),
            ('a', Query(b"SET SESSION transaction_read_only = 1")),
            ('b', Query(b"SELECT 2")),
            ('a', Query(b"SELECT @@transaction_read_only")),
            ('b', Query(b"INSERT INTO t (n) VALUES (2)")),
        ],
    );
    allowed.compare().await?;
    let unchecked = Case::new(
        &[Tidb],
        &[
            ('a', Query(b"SET tidb_skip_isolation_level_check = 1")),
            (
                'a',
                Query(b"SET SESSION transaction_isolation = 'SERIALIZABLE'"),
            ),
            ('a', Query(b"SET tidb_skip_isolation_level_check = 0")),
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"SELECT 2")),
            ('a', Query(b"SELECT @@transaction_isolation")),
            ('b', Query(b"SELECT @@transaction_isolation")),
        ],
    );
    unchecked.compare().await
}

/// What was out of bounds and has been adjusted, a strict mode refuses.
#[tokio::test(flavor = "multi_thread")]
async fn the_mode_of_one_session_refuses_no_value_of_another() -> Result<()> {
    const STRICT: [Turn; 7] = adjusting_beside(Query(b"SET sql_mode = 'STRICT_ALL_TABLES'"));
    const TRADITIONAL: [Turn; 7] = adjusting_beside(Query(b"SET sql_mode = 'TRADITIONAL'"));
    for turns in [&STRICT, &TRADITIONAL] {
        Case::new(&[MariaDb, MySql], turns).compare().await?;
    }
    Ok(())
}

/// A session whose variable is adjusted, and another of this mode.
const fn adjusting_beside(mode: super::Does) -> [Turn; 7] {
    [
        ('b', Query(b"SET SESSION max_heap_table_size = 1000000")),
        ('b', Query(b"SHOW WARNINGS")),
        ('a', mode),
        ('a', Query(b"SELECT 1")),
        ('b', Query(b"SELECT 2")),
        ('b', Query(b"SELECT @@max_heap_table_size")),
        ('a', Query(b"SELECT @@max_heap_table_size > 1000000")),
    ]
}

/// A role may be what lets its user into a database, or set a variable.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_comes_before_what_it_allows() -> Result<()> {
    const BEFORE: [&str; 10] = [
        "DROP ROLE IF EXISTS seller",
        "CREATE ROLE seller",
        "CREATE DATABASE IF NOT EXISTS priv",
        "DROP TABLE IF EXISTS priv.p",
        "CREATE TABLE priv.p (a INT)",
        "INSERT INTO priv.p VALUES (42)",
        "GRANT ALL ON priv.* TO seller",
        "REVOKE ALL PRIVILEGES ON *.* FROM 'clerk'@'%'",
        "GRANT ALL ON shop.* TO 'clerk'@'%'",
        "GRANT seller TO 'clerk'@'%'",
    ];
    let database = Case {
        before: &BEFORE,
        ..Case::new(
            &DatabaseKind::ALL,
            &[
                ('b', Query(b"SELECT 1")),
                ('a', Query(b"SET ROLE seller")),
                ('a', Query(b"USE priv")),
                ('a', Query(b"SELECT a FROM p")),
                ('b', Query(b"SELECT DATABASE()")),
                ('a', Query(b"SELECT a FROM p")),
                ('b', Query(b"SELECT a FROM priv.p")),
                // A new connection has to be opened for it.
                ('b', Query(b"SELECT GET_LOCK('b lock', 1)")),
                ('c', Query(b"SELECT 1")),
                ('a', Query(b"SELECT DATABASE(), a FROM p")),
            ],
        )
    };
    database.compare().await?;
    let variable = Case {
        before: &BEFORE,
        ..Case::new(
            &[MySql],
            &[
                ('b', Query(b"SELECT 1")),
                ('a', Query(b"SET ROLE seller")),
                ('a', Query(b"SET SESSION innodb_strict_mode = 0")),
                ('b', Query(b"SELECT @@innodb_strict_mode")),
                ('a', Query(b"SELECT @@innodb_strict_mode")),
                ('b', Query(b"SELECT @@innodb_strict_mode")),
            ],
        )
    };
    let allows = "GRANT SESSION_VARIABLES_ADMIN ON *.* TO seller";
    variable.after(allows).compare().await
}

/// Which columns it has is decided when it is prepared.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_has_the_format_of_its_session() -> Result<()> {
    let case = Case::new(
        &[MySql],
        &[
            ('a', Query(b"SET explain_format = 'TRADITIONAL'")),
            ('a', Prepare("EXPLAIN SELECT 1")),
            ('b', Prepare("EXPLAIN SELECT 1")),
            ('b', Execute),
            ('a', Execute),
        ],
    );
    case.compare().await
}

/// A write in a table without transactions begins none.
#[tokio::test(flavor = "multi_thread")]
async fn the_level_of_the_next_transaction_outlives_a_write_in_none() -> Result<()> {
    let case = Case {
        before: &[
            "CREATE TABLE IF NOT EXISTS shop.plain (a INT) ENGINE=MyISAM",
            "DROP TABLE IF EXISTS shop.open",
            "CREATE TABLE shop.open (a INT)",
        ],
        ..Case::new(
            &[MariaDb],
            &[
                ('b', Query(b"BEGIN")),
                ('b', Query(b"INSERT INTO open VALUES (1)")),
                (
                    'a',
                    Query(b"SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"),
                ),
                ('a', Query(b"INSERT INTO plain VALUES (1)")),
                ('a', Query(b"START TRANSACTION")),
                ('a', Query(b"SELECT COUNT(*) FROM open")),
                ('a', Query(b"COMMIT")),
                ('b', Query(b"ROLLBACK")),
            ],
        )
    };
    case.compare().await
}

/// Servers read two bytes of it, whatever is behind them.
#[tokio::test(flavor = "multi_thread")]
async fn an_option_of_one_session_is_none_of_another() -> Result<()> {
    let on = Case::new(
        &DatabaseKind::ALL,
        &[
            ('a', Query(b"SELECT 1")),
            ('a', SetOption(&[0, 0, 0])),
            ('b', Query(b"SELECT 1; SELECT 2")),
            ('a', Query(b"SELECT 1; SELECT 2")),
            ('a', SetOption(&[1, 0, 7, 7])),
            ('b', Query(b"SELECT 1; SELECT 2")),
            ('a', Query(b"SELECT 1; SELECT 2")),
        ],
    );
    // The reply counts the warnings of whichever statement was before.
    on.compare_but(4).await?;
    let off = Case {
        capabilities: Capabilities::MULTI_STATEMENTS.union(Capabilities::MULTI_RESULTS),
        ..Case::new(
            &DatabaseKind::ALL,
            &[
                ('a', Query(b"SELECT 1")),
                ('a', SetOption(&[1, 0, 0])),
                ('b', Query(b"SELECT 1; SELECT 2")),
                ('a', Query(b"SELECT 1; SELECT 2")),
            ],
        )
    };
    off.compare().await?;
    // One byte is no option; MariaDB reads a second one that nobody has sent.
    let short = Case::new(
        &[MySql],
        &[
            ('a', SetOption(&[1])),
            ('a', Query(b"SELECT 1")),
            ('a', SetOption(&[2, 0])),
            ('a', Query(b"SELECT 1")),
        ],
    );
    short.compare().await
}

/// Behind several statements, what the last one found; though it has warned, and one before it may
/// have found rows of its own.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_the_last_of_several_has_found_are_counted() -> Result<()> {
    let case = Case {
        capabilities: Capabilities::MULTI_STATEMENTS.union(Capabilities::MULTI_RESULTS),
        ..Case::new(
            &DatabaseKind::ALL,
            &[
                (
                    'a',
                    Query(
                        b"INSERT INTO t (n) SELECT 7; \
                          SELECT STR_TO_DATE('no', '%Y'), STR_TO_DATE('none', '%Y')",
                    ),
                ),
                ('a', Query(b"SELECT FOUND_ROWS()")),
            ],
        )
    };
    case.compare().await
}

/// A limit may have other words than `LIMIT`. MySQL knows none, and has to say so.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_counted_beyond_what_a_fetch_first_gives() -> Result<()> {
    let case = Case::new(
        &[MariaDb, MySql],
        &[
            ('a', Query(b"INSERT INTO t (n) VALUES (1), (1), (2), (3)")),
            (
                'a',
                Query(b"SELECT n FROM t ORDER BY n FETCH FIRST 1 ROWS WITH TIES"),
            ),
            ('b', Query(b"SELECT 1 UNION ALL SELECT 2")),
            ('a', Query(b"SELECT FOUND_ROWS()")),
            (
                'a',
                Query(b"SELECT n FROM t UNION SELECT 9 FETCH FIRST 2 ROWS ONLY"),
            ),
            ('b', Query(b"SELECT n FROM t")),
            ('a', Query(b"SELECT FOUND_ROWS()")),
            (
                'a',
                Query(b"SELECT n AS ties FROM t ORDER BY n FETCH FIRST 3 ROWS ONLY"),
            ),
            ('b', Query(b"SELECT n FROM t")),
            ('a', Query(b"SELECT FOUND_ROWS()")),
        ],
    );
    case.compare().await
}

/// An application may choose the number of its error.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_is_only_called_like_one_of_the_network_ends_nothing() -> Result<()> {
    const BEFORE: [&str; 1] = [
        "CREATE TRIGGER shop.fires BEFORE INSERT ON shop.t FOR EACH ROW IF NEW.n = 13 THEN \
         SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1158, MESSAGE_TEXT = 'mine'; END IF",
    ];
    let case = Case {
        before: &BEFORE,
        ..Case::new(
            &[MariaDb, MySql],
            &[
                ('a', Query(b"BEGIN")),
                ('a', Query(b"INSERT INTO t (n) VALUES (1)")),
                (
                    'a',
                    Query(b"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1053, MESSAGE_TEXT = 'mine'"),
                ),
                ('a', Query(b"SHOW WARNINGS")),
                ('a', Query(b"SELECT ROW_COUNT()")),
                ('a', Query(b"INSERT INTO t (n) VALUES (13)")),
                ('a', Query(b"SELECT ROW_COUNT()")),
                ('a', SetOption(&[2, 0])),
                ('a', Query(b"COMMIT")),
                ('b', Query(b"SELECT n FROM t ORDER BY id")),
                ('b', Query(b"INSERT INTO t (n) VALUES (13)")),
                ('a', Query(b"SELECT 1")),
                ('b', Query(b"SHOW WARNINGS")),
            ],
        )
    };
    case.compare().await
}

/// A server runs what it has been sent, though its client sends no more.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_a_client_that_sends_no_more_are_run() -> Result<()> {
    let case = Case::new(
        &DatabaseKind::ALL,
        &[
            (
                'a',
                SendAndEnd(&[
                    "INSERT INTO t (n) VALUES (1)",
                    "INSERT INTO t (n) SELECT 2 FROM (SELECT SLEEP(0.2)) AS s",
                    "INSERT INTO t (n) VALUES (3)",
                ]),
            ),
            ('b', Wait(super::LEAVING)),
            ('b', Query(b"SELECT n FROM t ORDER BY id")),
            ('c', SendAndEnd(&["INSERT INTO t (n) VALUES (4)"])),
            ('b', Wait(super::LEAVING)),
            ('b', Query(b"SELECT n FROM t ORDER BY id")),
        ],
    );
    case.compare().await
}

/// MySQL warns of `FOUND_ROWS()`, for which the edge asks on its own account.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_edge_asks_leaves_no_warning() -> Result<()> {
    let case = Case {
        capabilities: Capabilities::MULTI_STATEMENTS,
        ..Case::new(
            &[MariaDb, MySql],
            &[
                ('b', Query(b"SELECT 1")),
                ('a', Query(b"SELECT 1; SELECT 2")),
                ('b', Use("shop")),
                ('b', Query(b"SHOW WARNINGS")),
                ('a', Query(b"SELECT 1 UNION SELECT 2 LIMIT 1")),
                ('a', Use("shop")),
                ('a', Query(b"SHOW WARNINGS")),
                ('a', Query(b"SHOW COUNT(*) WARNINGS")),
            ],
        )
    };
    case.compare().await
}

/// What no server reads is told so, and what one reads that others do not, by that alone.
#[tokio::test(flavor = "multi_thread")]
async fn questions_about_warnings_are_read_as_the_server_does() -> Result<()> {
    let case = Case::new(
        &DatabaseKind::ALL,
        &[
            ('a', Query(b"SELECT CAST('a' AS SIGNED)")),
            ('a', Query(b"SHOW COUNT (*) WARNINGS")),
            ('a', Query(b"SELECT CAST('a' AS SIGNED)")),
            ('a', Query(b"SHOW WARNINGS LIMIT -1")),
            ('a', Query(b"SELECT CAST('a' AS SIGNED)")),
            ('a', Query(b"SHOW WARNINGS LIMIT 0x1")),
            ('a', Query(b"SELECT CAST('a' AS SIGNED)")),
            ('a', Query(b"(SHOW WARNINGS)")),
        ],
    );
    case.compare().await?;
    let of_tidb = Case::new(
        &[Tidb],
        &[
            ('a', Query(b"SELECT CAST('a' AS SIGNED)")),
            ('a', Query(b"SHOW WARNINGS LIMIT 1")),
            ('a', Query(b"SELECT CAST('a' AS SIGNED)")),
            ('a', Query(b"SHOW ERRORS LIMIT 1, 1")),
        ],
    );
    of_tidb.compare().await
}

/// With that limit MySQL runs nothing of a `DO`, by which a connection is given the last insert id.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_no_rows_takes_no_insert_id() -> Result<()> {
    let case = Case::new(
        &DatabaseKind::ALL,
        &[
            ('a', Query(b"SET sql_select_limit = 0")),
            ('a', Query(b"INSERT INTO t (n) VALUES (1)")),
            ('b', Query(b"INSERT INTO t (n) VALUES (5), (6)")),
            ('a', Query(b"INSERT INTO t (n) VALUES (LAST_INSERT_ID())")),
            ('b', Query(b"INSERT INTO t (n) VALUES (7), (8)")),
            ('a', Query(b"SET @l = LAST_INSERT_ID()")),
            ('a', Query(b"SET sql_select_limit = DEFAULT")),
            ('b', Query(b"INSERT INTO t (n) VALUES (9)")),
            ('a', Query(b"SELECT @l, LAST_INSERT_ID()")),
            ('a', Query(b"SELECT id, n FROM t ORDER BY id")),
        ],
    );
    case.compare().await
}
