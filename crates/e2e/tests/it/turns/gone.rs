//! What a session relied on is gone: its database, its role, what it was before a reset.

use std::time::Duration;

use anyhow::Result;
use mysql_proto::Capabilities;
use testkit::DatabaseKind::{self, MariaDb, MySql, Tidb};

use super::Does::{Execute, Prepare, Query, Reset, Use, Wait};
use super::{Case, Does};

/// More than the time after which the edge looks for a database again.
const LOOKS_AGAIN: Duration = Duration::from_secs(6);

/// As a tool does that makes a database anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_keeps_its_connection_drops_its_own_database() -> Result<()> {
    let case = Case {
        before: &["DROP DATABASE IF EXISTS own", "CREATE DATABASE own"],
        ..Case::new(
            &DatabaseKind::ALL,
            &[
                ('a', Query(b"USE own")),
                ('a', Query(b"SELECT GET_LOCK('a lock', 10)")),
                ('a', Query(b"DROP DATABASE own")),
                ('b', Query(b"SELECT 1")),
                ('a', Query(b"SELECT DATABASE()")),
                ('a', Query(b"CREATE DATABASE own")),
                ('a', Query(b"SELECT DATABASE()")),
                ('a', Query(b"USE own")),
                ('a', Query(b"SELECT DATABASE()")),
                ('b', Query(b"SELECT IS_FREE_LOCK('a lock')")),
            ],
        )
    };
    case.compare().await
}

/// Several statements tell nothing of which of them ran.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_drops_a_database_may_go_to_another() -> Result<()> {
    for turns in [
        &[
            ('a', Query(b"USE own")),
            ('a', Query(b"DROP DATABASE own; CREATE DATABASE own")),
            ('a', Query(b"SELECT DATABASE()")),
            ('b', Query(b"SELECT DATABASE()")),
        ][..],
        &[
            ('a', Query(b"USE own")),
            (
                'a',
                Query(b"DROP DATABASE own; USE shop; SELECT a FROM nowhere"),
            ),
            ('a', Query(b"SELECT DATABASE()")),
            ('b', Query(b"SELECT DATABASE()")),
            ('a', Query(b"SELECT COUNT(*) FROM t")),
        ],
        &[
            ('a', Query(b"USE own")),
            ('a', Query(b"SET character_set_results = ucs2")),
            ('a', Query(b"DROP DATABASE own; USE shop")),
            ('b', Query(b"SELECT DATABASE()")),
            ('a', Query(b"SELECT DATABASE()")),
        ],
    ] {
        let case = Case {
            before: &["DROP DATABASE IF EXISTS own", "CREATE DATABASE own"],
            capabilities: Capabilities::MULTI_STATEMENTS,
            ..Case::new(&DatabaseKind::ALL, turns)
        };
        case.compare().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_not_in_a_database_that_has_the_name_of_its_own() -> Result<()> {
    let case = Case {
        before: &["DROP DATABASE IF EXISTS own", "CREATE DATABASE own"],
        ..Case::new(
            &DatabaseKind::ALL,
            &[
                ('a', Query(b"USE own")),
                ('a', Query(b"DROP DATABASE IF EXISTS nowhere")),
                ('a', Query(b"SHOW WARNINGS")),
                ('a', Query(b"SELECT DATABASE()")),
                ('a', Query(b"DROP DATABASE own")),
                ('a', Query(b"SELECT ROW_COUNT()")),
                ('b', Query(b"CREATE DATABASE own")),
                ('a', Query(b"SELECT DATABASE()")),
                ('a', Query(b"CREATE TABLE t (a INT)")),
                ('b', Query(b"SELECT DATABASE()")),
                ('a', Query(b"USE own")),
                ('a', Query(b"CREATE TABLE t (a INT)")),
            ],
        )
    };
    case.compare().await
}

/// Where a new connection has to be opened, which cannot begin in that database.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_a_database_that_another_drops() -> Result<()> {
    // It keeps the connection of the first statement, so that the next needs a new one.
    const KEEPS: Does = Query(b"SELECT GET_LOCK('a lock', 10)");
    for turns in [
        &[
            ('a', Query(b"SELECT 1")),
            ('b', KEEPS),
            ('b', Query(b"DROP DATABASE shop")),
            ('a', Query(b"SELECT 2")),
            ('a', Query(b"USE other")),
            ('a', Query(b"SELECT DATABASE()")),
            ('b', Query(b"CREATE DATABASE shop")),
        ][..],
        &[
            ('a', Query(b"SELECT 1")),
            ('b', KEEPS),
            ('b', Query(b"DROP DATABASE shop")),
            ('a', Use("other")),
            ('a', Query(b"SELECT DATABASE()")),
            ('b', Query(b"CREATE DATABASE shop")),
        ],
        &[
            ('a', Use("other")),
            ('b', KEEPS),
            ('b', Query(b"DROP DATABASE other")),
            ('a', Query(b"SELECT 1")),
            ('a', Use("shop")),
            ('a', Query(b"SELECT DATABASE()")),
        ],
    ] {
        let case = Case {
            before: &["CREATE DATABASE IF NOT EXISTS other"],
            ..Case::new(&DatabaseKind::ALL, turns)
        };
        case.compare().await?;
    }
    Ok(())
}

/// As a tool does that makes a database anew while others use it.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_in_the_database_again_that_another_makes_anew() -> Result<()> {
    let case = Case {
        before: &["DROP DATABASE IF EXISTS other", "CREATE DATABASE other"],
        ..Case::new(
            &DatabaseKind::ALL,
            &[
                ('b', Query(b"USE other")),
                ('a', Query(b"DROP DATABASE other")),
                ('b', Query(b"SELECT 1")),
                ('a', Query(b"CREATE DATABASE other")),
                ('a', Query(b"CREATE TABLE other.t (a INT)")),
                ('a', Query(b"INSERT INTO other.t VALUES (5)")),
                ('b', Wait(LOOKS_AGAIN)),
                ('b', Query(b"SELECT a FROM t")),
                ('b', Query(b"SELECT DATABASE()")),
                ('b', Query(b"INSERT INTO t VALUES (6)")),
                ('a', Query(b"SELECT a FROM other.t")),
                // And not where it was before that.
                ('b', Query(b"USE shop")),
                ('b', Wait(LOOKS_AGAIN)),
                ('b', Query(b"SELECT DATABASE()")),
            ],
        )
    };
    case.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_another_drops_takes_no_session_along() -> Result<()> {
    const BEFORE: [&str; 3] = [
        "DROP ROLE IF EXISTS seller",
        "CREATE ROLE seller",
        "GRANT seller TO 'clerk'@'%'",
    ];
    for turns in [
        &[
            ('a', Query(b"SET ROLE seller")),
            ('b', Query(b"DROP ROLE seller")),
            ('a', Query(b"SELECT 1")),
            ('a', Query(b"SET ROLE NONE")),
            ('a', Query(b"SELECT CURRENT_ROLE()")),
        ][..],
        &[
            ('a', Query(b"SET ROLE seller")),
            ('b', Query(b"DROP ROLE seller")),
            ('a', Query(b"SET ROLE seller")),
            ('a', Query(b"SET ROLE NONE")),
            ('b', Query(b"SELECT CURRENT_ROLE()")),
            ('a', Query(b"SELECT CURRENT_ROLE()")),
        ],
    ] {
        let case = Case {
            before: &BEFORE,
            ..Case::new(&[MariaDb, MySql, Tidb], turns)
        };
        case.compare().await?;
    }
    Ok(())
}

/// Of what triggers and functions in views have set there, nothing tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_forgets_what_programs_have_set() -> Result<()> {
    let case = Case {
        before: &[
            "DROP FUNCTION IF EXISTS shop.counts",
            "CREATE FUNCTION shop.counts() RETURNS INT NO SQL \
             BEGIN SET @count = IFNULL(@count, 0) + 1; RETURN @count; END",
            "CREATE OR REPLACE VIEW shop.v AS SELECT shop.counts() AS c",
            "CREATE TRIGGER shop.tr BEFORE INSERT ON shop.t FOR EACH ROW \
             BEGIN SET @inserted = IFNULL(@inserted, 0) + 1; SET NEW.n = @inserted; END",
        ],
        ..Case::new(
            &[MariaDb, MySql],
            &[
                ('a', Query(b"SELECT c FROM v")),
                ('a', Query(b"INSERT INTO t (n) VALUES (0)")),
                ('a', Reset),
                ('a', Query(b"SELECT c FROM v")),
                ('a', Query(b"INSERT INTO t (n) VALUES (0)")),
                ('a', Query(b"SELECT n FROM t ORDER BY id")),
            ],
        )
    };
    case.compare().await
}

/// TiDB takes the time that a transaction is to be read at for that of a statement which is
/// prepared meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_prepared_before_reads_no_time_of_before() -> Result<()> {
    const A_MOMENT: Duration = Duration::from_millis(1500);
    let case = Case::new(
        &[Tidb],
        &[
            ('a', Prepare("SELECT n FROM t WHERE id = 1")),
            ('b', Wait(A_MOMENT)),
            ('b', Query(b"UPDATE t SET n = 100 WHERE id = 1")),
            (
                'a',
                Query(b"SET TRANSACTION READ ONLY AS OF TIMESTAMP NOW(3) - INTERVAL 1 SECOND"),
            ),
            ('a', Execute),
            ('a', Execute),
            ('a', Query(b"SELECT n FROM t WHERE id = 1")),
            ('a', Execute),
            ('a', Query(b"UPDATE t SET n = 101 WHERE id = 1")),
            ('a', Execute),
            ('b', Query(b"SELECT 1")),
            ('a', Execute),
        ],
    );
    case.compare().await
}

/// A write that is in no transaction does not use up what was set for the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_transactions_leaves_the_next_one_as_it_was_set() -> Result<()> {
    let case = Case {
        before: &[
            "CREATE TABLE IF NOT EXISTS shop.plain (n INT) ENGINE=MyISAM",
            "SET GLOBAL innodb_lock_wait_timeout = 1",
        ],
        ..Case::new(
            &[MariaDb, MySql],
            &[
                ('a', Query(b"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")),
                ('a', Query(b"INSERT INTO plain VALUES (1)")),
                ('b', Query(b"INSERT INTO t (n) VALUES (1)")),
                ('a', Query(b"BEGIN")),
                ('a', Query(b"SELECT n FROM t")),
                ('b', Query(b"UPDATE t SET n = 2")),
                ('a', Query(b"COMMIT")),
                ('b', Query(b"UPDATE t SET n = 3")),
                ('a', Query(b"BEGIN")),
                ('a', Query(b"SELECT n FROM t")),
                ('b', Query(b"UPDATE t SET n = 4")),
                ('a', Query(b"COMMIT")),
            ],
        )
    };
    case.compare().await
}
