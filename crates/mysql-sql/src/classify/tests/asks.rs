//! What a statement asks, and what the proxy answers or translates.

use super::effect;
use crate::question::QuestionKind::{
    self, ConnectionId, ErrorCount, FoundRows, LastInsertId, RowCount, WarningCount,
};
use crate::{
    Answer, Diagnostics, Dialect, Escapes, Kill, Letters, PinReason, Release, Server,
    TidegateTable, classify, substitute,
};

#[test]
fn finds_questions_where_they_stand() {
    let cases: [(&str, &[(QuestionKind, &str)]); 16] = [
        (
            "SELECT LAST_INSERT_ID()",
            &[(LastInsertId, "LAST_INSERT_ID()")],
        ),
        ("select row_count ( )", &[(RowCount, "row_count ( )")]),
        ("SELECT FOUND_ROWS() AS n", &[(FoundRows, "FOUND_ROWS()")]),
        ("SELECT @@identity", &[(LastInsertId, "@@identity")]),
        (
            "SELECT @@session.warning_count",
            &[(WarningCount, "@@session.warning_count")],
        ),
        ("SELECT @@`error_count`", &[(ErrorCount, "@@`error_count`")]),
        (
            "SELECT @@pseudo_thread_id",
            &[(ConnectionId, "@@pseudo_thread_id")],
        ),
        (
            "INSERT INTO t (a, b) VALUES (LAST_INSERT_ID(), CONNECTION_ID())",
            &[
                (LastInsertId, "LAST_INSERT_ID()"),
                (ConnectionId, "CONNECTION_ID()"),
            ],
        ),
        ("UPDATE t SET a = ROW_COUNT()", &[(RowCount, "ROW_COUNT()")]),
        (
            "CALL p(LAST_INSERT_ID())",
            &[(LastInsertId, "LAST_INSERT_ID()")],
        ),
        (
            "SELECT 1; SELECT ROW_COUNT(), CONNECTION_ID()",
            &[(ConnectionId, "CONNECTION_ID()")],
        ),
        ("SELECT row_count FROM t", &[]),
        ("SELECT LAST_INSERT_ID(5)", &[]),
        ("INSERT INTO row_count () VALUES ()", &[]),
        ("CREATE VIEW v AS SELECT CONNECTION_ID()", &[]),
        ("BEGIN NOT ATOMIC SELECT ROW_COUNT(); END", &[]),
    ];
    for (sql, expected) in cases {
        let effect = effect(sql);
        let found: Vec<_> = effect
            .questions
            .iter()
            .map(|question| (question.kind, sql.get(question.range.clone()).unwrap()))
            .collect();
        assert_eq!(found, expected, "{sql}");
    }
}

#[test]
fn substitutes_literals_and_keeps_the_names_of_columns() {
    for (sql, expected) in [
        (
            "SELECT LAST_INSERT_ID()",
            "SELECT (7|0) AS `LAST_INSERT_ID()`",
        ),
        (
            " ; ;(SELECT LAST_INSERT_ID())",
            " ; ;(SELECT (7|0) AS `LAST_INSERT_ID()`)",
        ),
        ("SELECT LAST_INSERT_ID() id", "SELECT (7|0) id"),
        ("SELECT LAST_INSERT_ID() AS id", "SELECT (7|0) AS id"),
        (
            "SELECT DISTINCT a, row_count( ) , b FROM t",
            "SELECT DISTINCT a, ROUND(CAST(7|0 AS SIGNED)) AS `row_count( )` , b FROM t",
        ),
        (
            "SELECT LAST_INSERT_ID() + 1, ROW_COUNT() IS NULL;",
            "SELECT (7|0) + 1 AS `LAST_INSERT_ID() + 1`, \
             ROUND(CAST(7|0 AS SIGNED)) IS NULL AS `ROW_COUNT() IS NULL`;",
        ),
        (
            "SELECT CONCAT(CONNECTION_ID(), '`', CONNECTION_ID())",
            "SELECT CONCAT(ROUND(CAST(0000000007 AS UNSIGNED)), '`', ROUND(CAST(0000000007 AS UNSIGNED))) \
             AS `CONCAT(CONNECTION_ID(), '``', CONNECTION_ID())`",
        ),
        (
            "SELECT a FROM t WHERE id = LAST_INSERT_ID()",
            "SELECT a FROM t WHERE id = (7|0)",
        ),
        (
            "(SELECT @@warning_count) UNION SELECT 1",
            "(SELECT NULLIF(7|0,NULL) AS `@@warning_count`) UNION SELECT 1",
        ),
        (
            "SELECT CASE WHEN FOUND_ROWS() THEN 1 ELSE 0 END",
            "SELECT CASE WHEN ROUND(CAST(7|0 AS SIGNED)) THEN 1 ELSE 0 END \
             AS `CASE WHEN FOUND_ROWS() THEN 1 ELSE 0 END`",
        ),
        (
            "SELECT * FROM (SELECT LAST_INSERT_ID()) x",
            "SELECT * FROM (SELECT (7|0) AS `LAST_INSERT_ID()`) x",
        ),
        (
            "INSERT INTO t VALUES (LAST_INSERT_ID(), 'LAST_INSERT_ID()')",
            "INSERT INTO t VALUES ((7|0), 'LAST_INSERT_ID()')",
        ),
    ] {
        let effect = effect(sql);
        let answers: Vec<_> = effect
            .questions
            .iter()
            .map(|question| (question, Answer::Value(7)))
            .collect();
        let text = substitute(sql.as_bytes(), &answers, Server::MariaDb);
        assert_eq!(String::from_utf8(text).unwrap(), expected, "{sql}");
    }
}

#[test]
fn answers_may_be_left_out_and_ranges_may_be_wrong() {
    let sql = "SELECT ROW_COUNT(), LAST_INSERT_ID()";
    let effect = effect(sql);
    let answers = [(&effect.questions[1], Answer::Value(-1))];
    let server = Server::MySql;
    assert_eq!(substitute(sql.as_bytes(), &[], server), sql.as_bytes());
    let second = substitute(sql.as_bytes(), &answers, server);
    assert!(second.starts_with(b"SELECT ROW_COUNT(), (-1|0) AS"));
    assert_eq!(substitute(b"SELECT", &answers, server), b"SELECT");
}

#[test]
fn answers_have_the_types_of_their_server() {
    let tidb = Server::TiDb;
    for (sql, server, expected) in [
        (
            "SELECT FOUND_ROWS() n",
            Server::MySql,
            "SELECT ROUND(CAST(FOUND_ROWS()&0|7 AS SIGNED)) n",
        ),
        ("SELECT FOUND_ROWS() n", tidb, "SELECT (FOUND_ROWS()&0|7) n"),
        ("SELECT @@identity n", tidb, "SELECT (FOUND_ROWS()&0|7) n"),
        (
            "SELECT @@error_count n",
            tidb,
            "SELECT IF(FOUND_ROWS()<0,NULL,CAST('7' AS CHAR)) n",
        ),
        ("SELECT LAST_INSERT_ID() n", tidb, "SELECT (7|0) n"),
    ] {
        let effect = effect(sql);
        let answers = [(&effect.questions[0], Answer::Value(7))];
        let text = substitute(sql.as_bytes(), &answers, server);
        assert_eq!(String::from_utf8(text).unwrap(), expected, "{sql}");
    }
}

#[test]
fn tidb_names_a_column_after_the_comments_behind_it_too() {
    let sql = b"SELECT /* a */ ROW_COUNT() /* b */ , FOUND_ROWS() -- c\n";
    let dialect = Dialect {
        escapes: Escapes::Backslash,
        letters: Letters::Utf8,
        server: Server::TiDb,
        ignores_space: false,
    };
    for (dialect, names) in [
        (dialect, ["ROW_COUNT() /* b */", "FOUND_ROWS() -- c"]),
        (Escapes::Backslash.into(), ["ROW_COUNT()", "FOUND_ROWS()"]),
    ] {
        let effect = classify(sql, dialect).effect;
        let columns = effect.questions.iter().map(|q| q.column.clone().unwrap());
        let named: Vec<_> = columns.map(|column| &sql[column.name]).collect();
        assert_eq!(named, names.map(str::as_bytes));
    }
}

#[test]
fn a_call_may_stay_but_for_one_value() {
    let sql = "INSERT INTO t VALUES (1); SELECT LAST_INSERT_ID()";
    let of = |server| Dialect {
        escapes: Escapes::Backslash,
        letters: Letters::Utf8,
        server,
        ignores_space: false,
    };
    assert_eq!(effect(sql).questions, []);
    let effect = classify(sql.as_bytes(), of(Server::TiDb)).effect;
    let answers = [(&effect.questions[0], Answer::ZeroFor(9))];
    assert!(effect.questions[0].is_behind);
    let text = substitute(sql.as_bytes(), &answers, Server::TiDb);
    let expected = "INSERT INTO t VALUES (1); \
                    SELECT (LAST_INSERT_ID()*(LAST_INSERT_ID()<>9)) AS `LAST_INSERT_ID()`";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
    // However many there are, that is no reason to pin.
    let many = sql.repeat(30).replace(")INSERT", "); INSERT");
    for server in [Server::MySql, Server::MariaDb, Server::TiDb] {
        let effect = classify(many.as_bytes(), of(server)).effect;
        assert_eq!(effect.pin, None, "{server:?}");
    }
}

#[test]
fn knows_what_a_literal_cannot_answer() {
    for sql in [
        "GET DIAGNOSTICS @n = NUMBER, @r = ROW_COUNT",
        "SELECT @@tidb_last_txn_info",
    ] {
        let effect = effect(sql);
        assert!(effect.needs_previous && effect.reads_previous, "{sql}");
    }
    for sql in [
        "SHOW WARNINGS; SELECT 1",
        "SHOW WARNINGS /*!50000 LIMIT 1 */",
        "GET DIAGNOSTICS @n = NUMBER",
    ] {
        let effect = effect(sql);
        assert!(effect.reads_conditions && effect.reads_previous, "{sql}");
        assert!(!effect.needs_previous, "{sql}");
    }
    // What it writes to need not be brought.
    let sql = "GET DIAGNOSTICS CONDITION @at @A = MYSQL_ERRNO, @b = MESSAGE_TEXT";
    assert_eq!(effect(sql).user_variables, ["at"]);
    let sql = "SELECT @a; GET DIAGNOSTICS CONDITION @n @n = MYSQL_ERRNO, @A = MESSAGE_TEXT";
    assert_eq!(effect(sql).user_variables, ["a", "n"]);
    for sql in [
        "SELECT ROW_COUNT()",
        "SHOW WARNINGS",
        "INSERT INTO t VALUES (1); SELECT @@tidb_last_txn_info",
        "INSERT INTO t VALUES (1); SHOW WARNINGS",
    ] {
        let effect = effect(sql);
        assert!(!effect.needs_previous && !effect.reads_conditions, "{sql}");
    }
}

#[test]
fn reads_show_warnings() {
    let all = Diagnostics {
        only_errors: false,
        count: false,
        offset: 0,
        limit: None,
    };
    for (sql, expected) in [
        ("SHOW WARNINGS", all),
        (
            "show errors;",
            Diagnostics {
                only_errors: true,
                ..all
            },
        ),
        ("SHOW COUNT(*) WARNINGS", Diagnostics { count: true, ..all }),
        (
            "SHOW COUNT( * ) ERRORS",
            Diagnostics {
                count: true,
                only_errors: true,
                ..all
            },
        ),
        (
            "SHOW WARNINGS LIMIT 5",
            Diagnostics {
                limit: Some(5),
                ..all
            },
        ),
        (
            "SHOW WARNINGS LIMIT 2, 5",
            Diagnostics {
                offset: 2,
                limit: Some(5),
                ..all
            },
        ),
        (
            "SHOW WARNINGS LIMIT 5 OFFSET 2",
            Diagnostics {
                offset: 2,
                limit: Some(5),
                ..all
            },
        ),
    ] {
        assert_eq!(effect(sql).diagnostics, Some(expected), "{sql}");
        assert!(effect(sql).reads_previous, "{sql}");
    }
}

#[test]
fn leaves_what_is_no_show_warnings_to_its_server() {
    for sql in [
        "SHOW COLUMNS FROM errors",
        "SHOW TABLES LIKE 'WARNINGS'",
        "SHOW WARNINGS LIMIT -1",
        "SHOW WARNINGS LIKE '%'",
        "SHOW COUNT (*) WARNINGS",
    ] {
        let effect = effect(sql);
        assert_eq!(effect.diagnostics, None, "{sql}");
        // The origin says that it cannot read it.
        assert!(!effect.reads_conditions, "{sql}");
    }
    let on = |server, sql: &str| {
        let dialect = Dialect {
            server,
            ..Escapes::Backslash.into()
        };
        classify(sql.as_bytes(), dialect).effect
    };
    let on_tidb = |sql| on(Server::TiDb, sql);
    assert!(on(Server::MariaDb, "SHOW WARNINGS LIMIT ROWS EXAMINED 9").reads_conditions);
    assert!(on_tidb("SHOW WARNINGS LIKE '%'").reads_conditions);
    let limited = on_tidb("SHOW WARNINGS LIMIT 1");
    assert!(limited.diagnostics.is_none() && !limited.reads_conditions);
}

#[test]
fn reads_kill() {
    let kill = |id: Option<(u64, std::ops::Range<usize>)>, query| Some(Kill { id, query });
    for (sql, expected) in [
        ("KILL 5", kill(Some((5, 5..6)), false)),
        ("KILL CONNECTION 5;", kill(Some((5, 16..17)), false)),
        ("kill query /* x */ 17", kill(Some((17, 19..21)), true)),
        ("KILL TIDB 5", kill(None, false)),
        ("KILL HARD QUERY 5", kill(None, false)),
        ("KILL QUERY ID 5", kill(None, true)),
        ("KILL CONNECTION_ID()", kill(None, false)),
        ("KILL 5 + 1", kill(None, false)),
        ("KILL 18446744073709551616", kill(None, false)),
        ("KILL 5; KILL 6", kill(None, false)),
        ("SELECT 5", None),
    ] {
        assert_eq!(effect(sql).kill, expected, "{sql}");
    }
    for (server, sql, expected) in [
        (Server::TiDb, "KILL TIDB 5", kill(Some((5, 10..11)), false)),
        (
            Server::MariaDb,
            "KILL HARD QUERY 5",
            kill(Some((5, 16..17)), true),
        ),
        (
            Server::MariaDb,
            "KILL SOFT 5",
            kill(Some((5, 10..11)), false),
        ),
    ] {
        let dialect = Dialect {
            server,
            ..Escapes::Backslash.into()
        };
        let found = classify(sql.as_bytes(), dialect).effect.kill;
        assert_eq!(found, expected, "{sql}");
    }
}

#[test]
fn reads_show_tidegate() {
    for (sql, expected) in [
        ("SHOW TIDEGATE POOLS", TidegateTable::Pools),
        ("show tidegate sessions;", TidegateTable::Sessions),
        ("SHOW TIDEGATE PINS", TidegateTable::Pins),
        ("SHOW TIDEGATE STATEMENTS -- all", TidegateTable::Statements),
        ("SHOW TIDEGATE", TidegateTable::Unknown),
        ("SHOW TIDEGATE POOLS LIKE 'a'", TidegateTable::Unknown),
        ("SHOW TIDEGATE fish", TidegateTable::Unknown),
    ] {
        assert_eq!(effect(sql).tidegate, Some(expected), "{sql}");
    }
}

#[test]
fn knows_what_ends_a_pin() {
    use PinReason::{DistributedTransaction, HandlerStatement, TableLock, TextPrepare, UserLock};
    for (sql, reason, name) in [
        ("UNLOCK TABLES", TableLock, None),
        ("unlock tables;", TableLock, None),
        ("SELECT RELEASE_ALL_LOCKS()", UserLock, None),
        ("DO RELEASE_ALL_LOCKS()", UserLock, None),
        ("SELECT RELEASE_LOCK('a') AS x", UserLock, Some("a")),
        ("DO RELEASE_LOCK('a')", UserLock, Some("a")),
        ("XA COMMIT 'x'", DistributedTransaction, None),
        ("XA ROLLBACK 'x', 'y', 1", DistributedTransaction, None),
        ("DEALLOCATE PREPARE s", TextPrepare, Some("s")),
        ("DROP PREPARE `s`", TextPrepare, Some("s")),
        ("HANDLER t CLOSE", HandlerStatement, Some("t")),
    ] {
        let effect = effect(sql);
        let release = Release {
            reason,
            name: name.map(str::to_owned),
        };
        assert_eq!(effect.releases, Some(release), "{sql}");
        assert_eq!(effect.pin, None, "{sql}");
    }
    for sql in [
        "SELECT RELEASE_ALL_LOCKS() FROM t",
        "SELECT IF(1, RELEASE_ALL_LOCKS(), 0)",
        "SELECT RELEASE_LOCK('a') WHERE 0",
        "SELECT RELEASE_LOCK(@a)",
        "SELECT RELEASE_LOCK('a'), 1",
        "EXPLAIN SELECT RELEASE_LOCK('a')",
        "UNLOCK TABLES; SELECT 1",
        "UNLOCK INSTANCE",
        "XA END 'x'",
    ] {
        assert_eq!(effect(sql).releases, None, "{sql}");
    }
}

#[test]
fn names_what_it_pins_for() {
    for (sql, reason, name) in [
        (
            "SELECT GET_LOCK('job', 10)",
            PinReason::UserLock,
            Some("job"),
        ),
        (
            "SELECT GET_LOCK('job', -1) AS t0",
            PinReason::UserLock,
            Some("job"),
        ),
        ("DO GET_LOCK('job', 0.5)", PinReason::UserLock, Some("job")),
        (
            "SELECT GET_LOCK('job', 10) FROM t",
            PinReason::UserLock,
            None,
        ),
        (
            "SELECT GET_LOCK('a', 1), GET_LOCK('b', 1)",
            PinReason::UserLock,
            None,
        ),
        (
            "PREPARE s FROM 'SELECT 1'",
            PinReason::TextPrepare,
            Some("s"),
        ),
        ("EXECUTE s", PinReason::TextPrepare, None),
        ("HANDLER d.t OPEN", PinReason::HandlerStatement, Some("t")),
        (
            "HANDLER t OPEN AS h",
            PinReason::HandlerStatement,
            Some("h"),
        ),
        ("LOCK TABLES t WRITE", PinReason::TableLock, None),
        (
            "PREPARE s FROM 'SELECT 1'; SELECT 1",
            PinReason::TextPrepare,
            None,
        ),
    ] {
        let effect = effect(sql);
        assert_eq!(effect.pin, Some(reason), "{sql}");
        assert_eq!(effect.pin_name.as_deref(), name, "{sql}");
    }
}

#[test]
fn knows_what_surely_only_reads() {
    for sql in [
        "SELECT 1",
        "SELECT REPLACE(a, 'b', 'c'), INSERT(a, 1, 2, 'x') FROM t",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "BEGIN",
        "COMMIT",
        "SET NAMES utf8mb4",
        "SET autocommit = 0",
        "USE d",
    ] {
        assert!(!effect(sql).may_write, "{sql}");
    }
    for sql in [
        "SELECT 1 FOR UPDATE",
        "SELECT 1 LOCK IN SHARE MODE",
        "SELECT 1 FOR SHARE",
        "SELECT f()",
        "SELECT 1 INTO OUTFILE 'x'",
        "SELECT LAST_INSERT_ID(5)",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "EXPLAIN ANALYZE UPDATE t SET a = 1",
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE t (a INT)",
        "SET GLOBAL max_connections = 5",
        "SET PASSWORD = 'x'",
        "SET sql_mode = CONCAT(@@sql_mode, ',ANSI')",
        "SELECT GET_LOCK('a', 1)",
        "DO f()",
        "KILL 5",
        "SELECT 1; DELETE FROM t",
        "frobnicate",
    ] {
        assert!(effect(sql).may_write, "{sql}");
    }
}

#[test]
fn lists_the_user_variables_that_it_reads() {
    let cases: [(&str, &[&str]); 8] = [
        ("SELECT @a, @A, @b.c$d", &["a", "b.c$d"]),
        ("SELECT/**/@`a`, @'b', @\"c\"", &["a", "b", "c"]),
        ("INSERT INTO t VALUES (@a)", &["a"]),
        ("SET sql_mode = @old", &["old"]),
        ("CALL p(1, @out)", &["out"]),
        ("SELECT @a := @a + 1", &["a"]),
        ("SELECT 1 INTO @a", &["a"]),
        ("EXECUTE s USING @x", &["x"]),
    ];
    for (sql, names) in cases {
        assert_eq!(effect(sql).user_variables, names, "{sql}");
    }
    let many: Vec<_> = (0..17).map(|n| format!("@v{n}")).collect();
    let effect = effect(&format!("SELECT {}", many.join(", ")));
    assert_eq!(effect.pin, Some(PinReason::UserVariable));
    assert_eq!(effect.user_variables.len(), 16);
}
