//! What keeps a result from being kept.

use super::*;

#[test]
fn keeps_nothing_but_one_query() {
    assert_keeps(&[
        ("INSERT INTO t VALUES (1)", "! not_a_select"),
        ("SHOW TABLES", "! not_a_select"),
        ("EXPLAIN SELECT * FROM t", "! not_a_select"),
        ("DESC t", "! not_a_select"),
        ("TABLE t", "! not_a_select"),
        ("VALUES ROW(1)", "! not_a_select"),
        ("CALL p()", "! not_a_select"),
        ("", "! not_a_select"),
        ("-- nothing", "! not_a_select"),
        ("frobnicate", "! not_a_select"),
        ("SELECT a FROM t; SELECT b FROM t", "! several_statements"),
        ("SELECT a FROM t; DELETE FROM t", "! several_statements"),
        ("SELECT 1", "! no_table"),
        ("SELECT 1 FROM DUAL", "! no_table"),
        ("SELECT 'a' WHERE 1 LIMIT 1", "! no_table"),
        ("SELECT * FROM information_schema.tables", "! system_table"),
        ("SELECT * FROM t, `MySQL` . user", "! system_table"),
        ("SELECT a FROM t /*!, u */", "! not_understood"),
        ("/*!40101 SELECT a FROM t */", "! not_a_select"),
        ("SELECT a FROM t /*T! , u */", "! not_understood"),
        ("SELECT 'a FROM t", "! not_understood"),
        ("SELECT a FROM t /*", "! not_understood"),
        ("SELECT $$ FROM t", "! not_understood"),
    ]);
}

#[test]
fn keeps_nothing_that_locks_or_writes_or_is_of_another_time() {
    assert_keeps(&[
        ("SELECT a FROM t FOR UPDATE", "! locks"),
        ("SELECT a FROM t FOR SHARE OF t SKIP LOCKED", "! locks"),
        ("SELECT a FROM t LOCK IN SHARE MODE", "! locks"),
        ("SELECT (SELECT a FROM t FOR UPDATE) FROM u", "! locks"),
        ("SELECT a FROM t WHERE 1.5for update", "! not_understood"),
        ("SELECT a INTO OUTFILE 'x' FROM t", "! writes"),
        ("SELECT a FROM t INTO DUMPFILE 'x'", "! writes"),
        ("SELECT a FROM t INTO @x", "! variable"),
        ("SELECT a FROM t PROCEDURE p", "! not_understood"),
        ("SELECT a FROM t FOR SYSTEM_TIME ALL", "! temporal"),
        (
            "SELECT a FROM t FOR SYSTEM_TIME AS OF NOW() AS x, u",
            "! temporal",
        ),
        (
            "SELECT a FROM t AS OF TIMESTAMP '2020-01-01', u",
            "! temporal",
        ),
        (
            "SELECT a FROM t x AS OF TIMESTAMP '2020-01-01', u",
            "! not_understood",
        ),
    ]);
}

#[test]
fn keeps_nothing_that_depends_on_the_session() {
    assert_keeps(&[
        ("SELECT @a FROM t", "! variable"),
        ("SELECT @@version FROM t", "! variable"),
        ("SELECT a FROM t WHERE b = @x := 1", "! variable"),
        ("SELECT @`a b` FROM t", "! variable"),
        ("SELECT FOUND_ROWS() FROM t", "! session"),
        ("SELECT LAST_INSERT_ID() FROM t", "! session"),
        ("SELECT ROW_COUNT(), CONNECTION_ID() FROM t", "! session"),
        ("SELECT LAST_INSERT_ID(a) FROM t", "! session"),
        ("SELECT @@warning_count FROM t", "! session"),
        (
            "SELECT SQL_CALC_FOUND_ROWS a FROM t LIMIT 1",
            "! found_rows",
        ),
        ("SELECT CURRENT_USER FROM t", "! nondeterministic"),
        ("SELECT CURRENT_ROLE FROM t", "! nondeterministic"),
        ("SELECT USER(), VERSION() FROM t", "! nondeterministic"),
        ("SELECT GET_LOCK('a', 1) FROM t", "! nondeterministic"),
        ("SELECT DATABASE(), SCHEMA() FROM t", "t"),
    ]);
}

#[test]
fn keeps_nothing_that_may_answer_otherwise() {
    assert_keeps(&[
        ("SELECT NOW() FROM t", "! nondeterministic"),
        ("SELECT a FROM t WHERE b < CURDATE()", "! nondeterministic"),
        (
            "SELECT a FROM t WHERE b < CURRENT_TIMESTAMP",
            "! nondeterministic",
        ),
        (
            "SELECT a FROM t WHERE b < current_timestamp(6)",
            "! nondeterministic",
        ),
        ("SELECT LOCALTIME, a FROM t", "! nondeterministic"),
        ("SELECT UTC_DATE + 1 FROM t", "! nondeterministic"),
        ("SELECT SYSDATE FROM t", "! nondeterministic"),
        ("SELECT SQL%ROWCOUNT FROM t", "! nondeterministic"),
        ("SELECT a FROM t ORDER BY RAND()", "! nondeterministic"),
        ("SELECT UUID() FROM t", "! nondeterministic"),
        ("SELECT SLEEP(1) FROM t", "! nondeterministic"),
        ("SELECT DEFAULT(a) FROM t", "! nondeterministic"),
        ("SELECT UNIX_TIMESTAMP() FROM t", "! nondeterministic"),
        (
            "SELECT UNIX_TIMESTAMP( /* now */ ) FROM t",
            "! nondeterministic",
        ),
        ("SELECT UNIX_TIMESTAMP(a) FROM t", "t"),
        ("SELECT LOAD_FILE('x') FROM t", "! nondeterministic"),
        ("SELECT NEXT VALUE FOR s FROM t", "! nondeterministic"),
        ("SELECT NEXTVAL(s) FROM t", "! nondeterministic"),
        ("SELECT s.nextval FROM t", "! nondeterministic"),
        ("SELECT d.s.`CurrVal` FROM t", "! nondeterministic"),
        ("SELECT t.current_date, `now` FROM t", "t"),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn keeps_only_what_calls_native_functions() {
    assert_keeps(&[
        (
            "SELECT COUNT(*), MAX( a ), CONCAT (a, 'b'), IF(a, b, c) FROM t",
            "t",
        ),
        (
            "SELECT DATE_ADD(a, INTERVAL 1 DAY), a + INTERVAL (1) DAY FROM t",
            "t",
        ),
        (
            "SELECT CAST(a AS DECIMAL(10, 2)), CONVERT(a, CHAR(5)), CONVERT(a USING utf8mb4) FROM t",
            "t",
        ),
        (
            "SELECT GROUP_CONCAT(DISTINCT a ORDER BY b SEPARATOR ',') FROM t",
            "t",
        ),
        (
            "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t",
            "t",
        ),
        (
            "SELECT SUM(a) OVER w FROM t WINDOW w AS (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            "t",
        ),
        (
            "SELECT a FROM t WHERE MATCH(a, b) AGAINST('x' IN BOOLEAN MODE)",
            "t",
        ),
        ("SELECT a FROM t WHERE 'x' MEMBER OF(b)", "t"),
        (
            "SELECT a->'$.b', a->>'$.c', JSON_EXTRACT(a, '$.d') FROM t",
            "t",
        ),
        (
            "SELECT a FROM t WHERE a IN (1, 2) AND (b) OR NOT(c) XOR(d) AND a BETWEEN (1) AND (2)",
            "t",
        ),
        ("SELECT a FROM t GROUP BY a WITH ROLLUP", "t"),
        (
            "SELECT a FROM t WHERE a LIKE('x') AND b REGEXP('y') AND BINARY(c) = CHAR(65)",
            "t",
        ),
        (
            "SELECT INSERT(a, 1, 1, 'x'), REPLACE(a, 'b', 'c'), LEFT(a, 1) FROM t",
            "t",
        ),
        (
            "SELECT HEX(AES_ENCRYPT(a, 'k')), MD5(b), CONVERT_TZ(c, 'UTC', 'UTC') FROM t",
            "t",
        ),
        (
            "SELECT {d '2020-01-01'}, DATE '2020-01-01', x'41', _utf8mb4'a', N'b' FROM t",
            "t",
        ),
        ("SELECT OVER(1) FROM t", "! nondeterministic"),
        ("SELECT MASTER_POS_WAIT(1) FROM t", "! nondeterministic"),
        ("SELECT JSON_TABLE(1) FROM t", "! function"),
        ("SELECT LATERAL(1) FROM t", "! function"),
        ("SELECT \"abs\"(1) FROM t", "! not_understood"),
    ]);
    for server in [Server::MySql, Server::MariaDb] {
        for sql in [
            "SELECT f(a) FROM t",
            "SELECT `abs`(1) FROM t",
            "SELECT d.abs(1) FROM t",
            "SELECT d . `abs` (1) FROM t",
            "SELECT COLUMNS(1) FROM t",
            // It may be the user's, unless `sql_mode` says otherwise.
            "SELECT COUNT (*) FROM t",
            "SELECT SUBSTRING/**/(a, 1) FROM t",
        ] {
            assert_eq!(keeps(sql, server), "! function", "{sql}");
        }
    }
    assert_eq!(keeps("SELECT COUNT (*) FROM t", Server::TiDb), "t");
    assert_eq!(keeps("SELECT NVL(a, b) FROM t", Server::MariaDb), "t");
    assert_eq!(
        keeps("SELECT NVL(a, b) FROM t", Server::MySql),
        "! function"
    );
    assert_eq!(keeps("SELECT TIDB_SHARD(a) FROM t", Server::TiDb), "t");
    let alone = "SELECT AGAINST(1) FROM t";
    assert_eq!(keeps(alone, Server::MySql), "! nondeterministic");
    assert_eq!(keeps(alone, Server::MariaDb), "! function");
}

#[test]
fn keeps_nothing_that_a_hint_forbids() {
    assert_keeps(&[
        ("SELECT SQL_NO_CACHE a FROM t", "! hint"),
        ("SELECT /* tidegate: no-cache */ a FROM t", "! hint"),
        (
            "SELECT /*+ SET_VAR(sort_buffer_size=1) */ a FROM t",
            "! hint",
        ),
        (
            "SELECT /*+ MAX_EXECUTION_TIME(10) read_consistent_replica() */ a FROM t",
            "! hint",
        ),
        ("SELECT /*+ MAX_EXECUTION_TIME(10) */ a FROM t", "t"),
        ("SELECT /*+ NO_INDEX_MERGE(t) */ a FROM t", "t"),
        ("SELECT /* tidegate: max_age=5 */ a FROM t", "t"),
        ("SELECT 'SET_VAR' + 1 FROM t", "t"),
    ]);
}

#[test]
fn a_mere_query_runs_no_program_and_changes_nothing() {
    let found = |sql: &str, server| {
        let (sql, dialect) = (sql.as_bytes(), dialect(server));
        let tables = merely_read(sql, dialect, &classify(sql, dialect));
        tables.map(|tables| shown(&tables))
    };
    for (sql, tables) in [
        ("select 1 AS `a`", Some("")),
        (
            "select now() AS `a`,`d`.`t`.`b` AS `b` from `d`.`t`",
            Some("d.t"),
        ),
        (
            "select current_user() AS `a`,rand() AS `b`,uuid() AS `c`",
            Some(""),
        ),
        ("select @@version AS `a` from `t`", Some("t")),
        ("select SQL_NO_CACHE `a` from `t`", Some("t")),
        (
            "select `a` from `information_schema`.`TABLES`",
            Some("information_schema.tables"),
        ),
        (
            "with `x` as (select sleep(1) AS `a`) select `a` from `x`",
            Some("x?"),
        ),
        ("select now() AS `a`,`d`.`f`(1) AS `b`", None),
        ("select now() AS `a`,f(1) AS `b`", None),
        ("select rand(`d`.`f`(1)) AS `a`", None),
        (
            "select 1 AS `a` from `t` where exists(select now(),`f`(`t`.`a`))",
            None,
        ),
        ("select now() AS `a`,nextval(`d`.`s`) AS `b`", None),
        ("select now() AS `a`,next value for `d`.`s` AS `b`", None),
        ("select now(),setval(`s`,1) from `t`", None),
        ("select now() into outfile 'x' from t", None),
        ("select now(); delete from t", None),
        ("select now() /*!, f(1) */", None),
        ("select get_lock('a',1) AS `a`", None),
        ("with `x` as (select 1) delete from `t`", None),
        ("delete from t", None),
        ("", None),
    ] {
        for server in SERVERS {
            assert_eq!(found(sql, server).as_deref(), tables, "{sql} ({server:?})");
        }
    }
}
