//! What statements change, and whether they commit.

use super::*;

/// `-` for nothing, `*` for everything; behind it `!` if the statement may commit.
fn written(sql: &str, server: Server) -> String {
    let touches = of(sql, server);
    let writes = match touches.writes {
        Touched::Nothing => "-".to_owned(),
        Touched::Everything => "*".to_owned(),
        Touched::Tables(tables) => shown(&tables),
        Touched::Called { tables, routines } => {
            let called = routines.iter().map(|routine| {
                let database = routine.database.as_ref().map(|name| format!("{name}."));
                format!("{}{}()", database.unwrap_or_default(), routine.name)
            });
            let tables = tables
                .is_empty()
                .then(String::new)
                .unwrap_or_else(|| shown(&tables) + " ");
            tables + &called.collect::<Vec<_>>().join(" ")
        }
    };
    let commits = if touches.may_commit { " !" } else { "" };
    format!("{writes}{commits}")
}

fn assert_written(table: &[(&str, &str)]) {
    for (sql, expected) in table {
        for server in SERVERS {
            assert_eq!(written(sql, server), *expected, "{sql} ({server:?})");
        }
    }
}

#[test]
fn finds_the_table_that_rows_go_into() {
    assert_written(&[
        ("INSERT INTO t VALUES (1)", "t"),
        ("INSERT INTO t(a) VALUES(1)", "t"),
        ("INSERT t SELECT a FROM u", "t"),
        ("insert into db . t set a = 1", "db.t"),
        ("INSERT LOW_PRIORITY IGNORE INTO `T` (`a`) SELECT 1", "t"),
        (
            "INSERT HIGH_PRIORITY t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
            "t",
        ),
        (
            "INSERT INTO t PARTITION (p0) VALUES (NOW(), RAND(), @x)",
            "t",
        ),
        (
            "INSERT INTO t VALUES (1) RETURNING a, (SELECT 1 FROM u)",
            "t",
        ),
        ("INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x", "t"),
        ("INSERT INTO t VALUES (1.5e3, '2020from', x'00')", "t"),
        ("INSERT INTO t VALUES ROW(1)", "t"),
        ("REPLACE t VALUES (1)", "t"),
        ("REPLACE INTO d.t(a) SELECT a FROM u", "d.t"),
        ("INSERT/**/INTO/**/`a``b`.`c`/**/VALUES (1)", "a`b.c"),
        ("INSERT DELAYED INTO t VALUES (1)", "* !"),
        ("INSERT INTO a.b.c VALUES (1)", "* !"),
        ("INSERT INTO \"t\" VALUES (1)", "* !"),
        ("INSERT INTO caf\u{e9} VALUES (1)", "* !"),
        ("INSERT INTO mysql.user VALUES (1)", "*"),
        ("INSERT INTO t VALUES (NEXTVAL(s))", "* !"),
        ("INSERT INTO t VALUES (NEXT VALUE FOR s)", "* !"),
        ("INSERT INTO t SELECT s.nextval", "* !"),
        ("INSERT INTO t /*! (a) */ VALUES (1)", "* !"),
        ("INSERT", "* !"),
        (
            "LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE d.t (a, b) SET c = 1",
            "d.t !",
        ),
        ("LOAD XML INFILE 'x' INTO TABLE t", "t !"),
        ("LOAD INDEX INTO CACHE t", "* !"),
        ("LOAD DATA INFILE 'x'", "* !"),
        ("TRUNCATE t", "t !"),
        ("TRUNCATE TABLE `d`.t", "d.t !"),
        ("TRUNCATE TABLE t NOWAIT", "t !"),
        ("TRUNCATE TABLE t, u", "* !"),
    ]);
    for server in [Server::MySql, Server::MariaDb] {
        for (sql, expected) in [
            ("INSERT INTO t VALUES (f(1))", "t f()"),
            ("UPDATE t SET a = d.f()", "t d.f()"),
            ("SELECT f(), F(1), `g`(2) FROM t", "f() g()"),
            ("WITH x AS (SELECT f(1)) SELECT * FROM x", "f()"),
            ("DO f()", "f()"),
            ("LOAD DATA INFILE 'x' INTO TABLE t SET b = f(1)", "t f() !"),
            ("SET STATEMENT a = 1 FOR SELECT f()", "f() !"),
            ("CALL p(f(1))", "p() f() !"),
            ("CREATE TABLE t AS SELECT f()", "* !"),
            ("EXPLAIN ANALYZE SELECT f()", "* !"),
            ("SELECT f() INTO @a", "* !"),
            ("SELECT f(); SELECT g()", "* !"),
            ("SELECT f() /*!50000 , g() */", "* !"),
            ("SELECT f(NEXTVAL(s))", "* !"),
            ("INSERT INTO mysql.user VALUES (f())", "*"),
        ] {
            assert_eq!(written(sql, server), expected, "{sql}");
        }
    }
}

#[test]
fn names_the_procedure_that_is_called() {
    assert_written(&[
        ("CALL p()", "p() !"),
        ("call P", "p() !"),
        (
            "CALL `d` . `p` (1, -1.5, 'x', ?, NULL, @a, @@sql_mode)",
            "d.p() !",
        ),
        ("/*!50003 CALL p('a') */", "* !"),
        ("/* a */ CALL p(TRUE, DEFAULT);", "p() !"),
        ("CALL p(NOW(), (SELECT a FROM t), @a := 1)", "p() !"),
        ("CALL sys.p()", "sys.p() !"),
        ("SET STATEMENT a = 1 FOR CALL p()", "* !"),
    ]);
}

#[test]
fn finds_the_tables_that_rows_change_in() {
    assert_written(&[
        ("UPDATE t SET a = 1 WHERE b = 2 ORDER BY c LIMIT 1", "t"),
        ("UPDATE LOW_PRIORITY IGNORE d.t AS x SET x.a = NOW()", "d.t"),
        (
            "UPDATE a JOIN b ON a.x = b.x SET a.y = (SELECT z FROM c)",
            "a b",
        ),
        (
            "UPDATE a, b x, (SELECT * FROM c WHERE d < NOW() FOR UPDATE) y SET a.z = 1",
            "a b c",
        ),
        ("UPDATE a JOIN b ON b.x = @where, c SET a.y = 1", "a b c"),
        (
            "UPDATE a JOIN b ON b.x = @@session.where, c SET a.y = 1",
            "a b c",
        ),
        ("UPDATE t PARTITION (p0) USE INDEX (i) SET a = 1", "t"),
        ("UPDATE t FOR PORTION OF p FROM '1' TO '2' SET a = 1", "* !"),
        ("UPDATE t", "* !"),
        ("UPDATE \"t\" SET a = 1", "* !"),
        ("UPDATE t, sys.x SET a = 1", "*"),
        ("DELETE FROM t", "t"),
        (
            "DELETE LOW_PRIORITY QUICK IGNORE FROM d.t AS x WHERE a = 1 LIMIT 1",
            "d.t",
        ),
        ("DELETE FROM t PARTITION (p0) ORDER BY a", "t"),
        ("DELETE FROM t WHERE a = 1 RETURNING a", "t"),
        ("DELETE FROM t RETURNING a", "t"),
        (
            "DELETE t1.*, db.t2.* FROM t1 JOIN db.t2 ON 1 WHERE a",
            "t1 db.t2",
        ),
        ("DELETE a FROM t AS a, u AS b", "t u"),
        (
            "DELETE FROM a, b.* USING t a JOIN u b ON a.x = b.x WHERE 1",
            "t u",
        ),
        ("DELETE FROM t USING t JOIN u WHERE 1", "t u"),
        ("DELETE FROM a WHERE b IN (SELECT c FROM d)", "a"),
        ("DELETE HISTORY FROM t", "t"),
        ("DELETE HISTORY FROM t BEFORE SYSTEM_TIME NOW()", "* !"),
        ("DELETE FROM t FOR PORTION OF p FROM '1' TO '2'", "* !"),
        ("DELETE FROM t BLAH BLAH", "* !"),
        ("DELETE", "* !"),
        (
            "WITH x AS (SELECT * FROM y) UPDATE t JOIN x ON 1 SET t.a = 1",
            "t x?",
        ),
        (
            "WITH x AS (SELECT * FROM y) DELETE FROM t WHERE a IN (SELECT a FROM x)",
            "t",
        ),
        ("WITH x AS (SELECT 1) DELETE t FROM t JOIN x", "t x?"),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "* !"),
    ]);
}

#[test]
fn knows_what_changes_nothing() {
    assert_written(&[
        ("SELECT 1", "-"),
        ("(SELECT a FROM t) UNION (SELECT b FROM u)", "-"),
        ("SELECT a FROM t FOR UPDATE", "-"),
        ("SELECT a INTO OUTFILE 'x' FROM t", "-"),
        ("SELECT @a := 1, GET_LOCK('a', 1), LAST_INSERT_ID(5)", "-"),
        (
            "WITH x AS (SELECT 1 FROM t) SELECT * FROM x FOR UPDATE",
            "-",
        ),
        ("WITH x AS (SELECT 1) (SELECT * FROM x)", "-"),
        ("TABLE t", "-"),
        ("VALUES ROW(1)", "-"),
        ("EXPLAIN SELECT * FROM t", "-"),
        ("DESC t", "-"),
        ("SHOW CREATE TABLE t", "-"),
        ("SHOW WARNINGS", "-"),
        ("USE d", "-"),
        ("DO SLEEP(1)", "-"),
        ("KILL 5", "-"),
        ("SET @a = 1, sql_mode = ''", "-"),
        ("SET NAMES utf8mb4", "-"),
        ("/*!40101 SET NAMES utf8mb4 */;", "-"),
        ("SET SESSION TRANSACTION READ ONLY", "-"),
        ("SET @a = (SELECT MAX(b) FROM t)", "-"),
        ("SAVEPOINT a", "-"),
        ("RELEASE SAVEPOINT a", "-"),
        ("ROLLBACK TO a", "-"),
        ("ROLLBACK WORK TO SAVEPOINT a", "-"),
        ("PREPARE s FROM 'DELETE FROM t'", "-"),
        ("DEALLOCATE PREPARE s", "-"),
        ("DROP PREPARE s", "-"),
        ("HANDLER t OPEN", "-"),
        ("HANDLER t READ FIRST", "-"),
        ("", "-"),
        ("-- nothing", "-"),
        (";;", "-"),
    ]);
}

#[test]
fn knows_what_commits_but_changes_nothing() {
    assert_written(&[
        ("BEGIN", "- !"),
        ("START TRANSACTION", "- !"),
        ("COMMIT", "- !"),
        ("ROLLBACK", "- !"),
        ("ROLLBACK AND CHAIN", "- !"),
        ("SET autocommit = 1", "- !"),
        ("SET @a = 1, @@SESSION.`AutoCommit` = 1", "- !"),
        ("LOCK TABLES t WRITE", "- !"),
        ("UNLOCK TABLES", "- !"),
        ("FLUSH TABLES WITH READ LOCK", "- !"),
        ("FLUSH LOCAL STATUS", "- !"),
        ("CHECKSUM TABLE t", "- !"),
        ("GET DIAGNOSTICS @n = NUMBER", "- !"),
        ("CREATE TEMPORARY TABLE t AS SELECT * FROM u", "- !"),
        ("DROP TEMPORARY TABLE IF EXISTS t", "- !"),
        ("CREATE TEMPORARY TABLE t (a INT) ENGINE = InnoDB", "- !"),
        ("CREATE TEMPORARY TABLE t (engine INT, b INT)", "* !"),
        (
            "CREATE TEMPORARY TABLE t (a INT) ENGINE=MERGE UNION=(m)",
            "* !",
        ),
        (
            "CREATE TEMPORARY TABLE t SELECT 1 UNION ALL SELECT 2",
            "- !",
        ),
        ("CREATE TEMPORARY TABLE IF NOT EXISTS t LIKE d.u", "d.u !"),
        ("CREATE TEMPORARY TABLE d.t (LIKE u)", "u !"),
    ]);
}

#[test]
fn believes_the_worst_of_anything_else() {
    for sql in [
        "CREATE TABLE t (a INT)",
        "CREATE TABLE t SELECT 1",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
        "CREATE TEMPORARY SEQUENCE s",
        "CREATE GLOBAL TEMPORARY TABLE t (a INT) ON COMMIT DELETE ROWS",
        "ALTER TABLE t ADD b INT",
        "DROP TABLE t",
        "DROP DATABASE d",
        "RENAME TABLE a TO b",
        "ANALYZE TABLE t",
        "ANALYZE UPDATE t SET a = 1",
        "OPTIMIZE TABLE t",
        "GRANT SELECT ON t TO u",
        "REVOKE SELECT ON t FROM u",
        "FLUSH PRIVILEGES",
        "FLUSH TABLES, PRIVILEGES",
        "SET GLOBAL sql_mode = ''",
        "SET PERSIST sort_buffer_size = 1",
        "SET PASSWORD = 'x'",
        "SET a = 1, PASSWORD = 'x'",
        "SET DEFAULT ROLE ALL TO u",
        "EXPLAIN ANALYZE UPDATE t SET a = 1",
        "EXPLAIN DELETE FROM t",
        "EXECUTE s",
        "EXECUTE IMMEDIATE 'DELETE FROM t'",
        "CALL a.b.c()",
        "CALL p(); CALL q()",
        "CALL p(1) /*!50000 + f(1) */",
        "XA COMMIT 'a'",
        "XA RECOVER",
        "DO NEXTVAL(s)",
        "SET @a = NEXTVAL(s)",
        "SELECT NEXT VALUE FOR s",
        "SELECT s.nextval",
        "SELECT GET_LOCK('a', 1), SETVAL(s, 1)",
        "BATCH ON id LIMIT 10 DELETE FROM t",
        "IMPORT INTO t FROM 'x'",
        "FLASHBACK TABLE t",
        "LOCK INSTANCE FOR BACKUP",
        "BEGIN NOT ATOMIC DELETE FROM t; END",
        "COMMIT RELEASE",
        "/*!50701 DELETE FROM t */",
        "DELETE FROM t WHERE a = 'x",
        "frobnicate",
        "'SELECT'",
        "\u{e9}t\u{e9}",
    ] {
        for server in SERVERS {
            assert_eq!(written(sql, server), "* !", "{sql} ({server:?})");
        }
    }
}

#[test]
fn adds_up_what_several_statements_do() {
    assert_written(&[
        ("SELECT 1; SELECT 2", "-"),
        ("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);", "t"),
        ("DELETE FROM t; UPDATE d.u SET a = 1; SELECT 1", "t d.u"),
        ("BEGIN; INSERT INTO t VALUES (1); COMMIT", "t !"),
        ("SAVEPOINT a; COMMIT", "- !"),
        ("SELECT 1; TRUNCATE t", "t !"),
        ("SELECT 1; DROP TABLE t", "* !"),
        ("INSERT INTO t VALUES (1); SET GLOBAL a = 1", "* !"),
        ("PREPARE s FROM 'x'; EXECUTE s", "* !"),
        ("SELECT ';'; DELETE FROM t", "t"),
        ("SELECT 1; /*!50000 DELETE FROM t */", "* !"),
    ]);
}

#[test]
fn looks_into_a_statement_with_variables_of_its_own() {
    for (sql, expected) in [
        (
            "SET STATEMENT max_statement_time = 5 FOR SELECT a FROM t",
            "- !",
        ),
        (
            "SET STATEMENT a = 1, b = 'FOR' FOR UPDATE t SET a = 1",
            "t !",
        ),
        (
            "SET STATEMENT a = 1 FOR INSERT INTO t VALUES (1); SELECT 1",
            "t !",
        ),
        ("SET STATEMENT a = 1 FOR (SELECT a FROM t)", "- !"),
        ("SET STATEMENT a = 1 FOR DROP TABLE t", "* !"),
        ("SET STATEMENT a = 1 FOR SET b = 1", "* !"),
        ("SET STATEMENT a = 1", "* !"),
        ("SET STATEMENT = 1", "-"),
    ] {
        assert_eq!(written(sql, Server::MariaDb), expected, "{sql}");
    }
}
