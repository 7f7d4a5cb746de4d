//! Statements and what they do, by effect.

use super::*;
use crate::Answer;

mod asks;
mod calls;
mod clients;
mod doubts;
mod sets;

fn effect(sql: &str) -> Effect {
    classify(sql.as_bytes(), Escapes::Backslash).effect
}

#[test]
fn leaves_the_connection_as_it_was() {
    for sql in [
        "SELECT 1",
        "select c from sbtest1 where id=5",
        "/* who asks */ SELECT 1",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "INSERT INTO t VALUES ('a@b.c', '@x', \"GET_LOCK\")",
        "UPDATE t SET a = 'it\\'s @x' WHERE id = 1",
        "DELETE FROM t",
        "BEGIN",
        "begin work;",
        "BEGIN PESSIMISTIC",
        "START TRANSACTION READ ONLY",
        "COMMIT",
        "COMMIT AND CHAIN NO RELEASE",
        "ROLLBACK TO SAVEPOINT a",
        "CREATE TABLE t (id INT)",
        "DROP TABLE IF EXISTS t",
        "SHOW TABLES",
        "SELECT @@version, @@session.sql_mode",
        "EXPLAIN SELECT 1",
        "SELECT /*+ SET_VAR(sort_buffer_size=1) */ 1",
        "SELECT /*+ MAX_EXECUTION_TIME(5) Set_Var (tx_isolation = 'SERIALIZABLE') */ 1",
        "SELECT /* SET_VAR(timestamp=5) */ 1",
        "SELECT 1; SELECT 2;",
        "SELECT `@a`, `get_lock`",
        "SELECT COUNT(*), max( id ) FROM t WHERE id IN (1, 2) AND EXISTS (SELECT 1)",
        "INSERT INTO t (a, b) VALUES (1, CONCAT('a', UPPER('b')))",
        "INSERT INTO `t` (`a`) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
        "REPLACE INTO d.t(a) SELECT a FROM u",
        "CREATE TABLE t (id INT, name VARCHAR(10), KEY k (name))",
        "DROP TABLE t",
        "",
        "-- nothing",
    ] {
        let effect = effect(sql);
        let plain = Effect {
            may_write: effect.may_write,
            is_multi: effect.is_multi,
            may_find_rows: effect.may_find_rows,
            makes_insert_id: effect.makes_insert_id,
            defines: effect.defines,
            names_savepoint: effect.names_savepoint,
            calc_found_rows: sql.starts_with("EXPLAIN"),
            conditions: effect.conditions,
            ..Effect::default()
        };
        assert_eq!(effect, plain, "{sql}");
    }
}

#[test]
fn tells_who_may_find_rows() {
    assert!(effect("INSERT INTO t SELECT a FROM u").may_find_rows);
    assert!(effect("REPLACE INTO d.t(a) SELECT a FROM u").may_find_rows);
    assert!(!effect("INSERT INTO t (a) VALUES (1)").may_find_rows);
    assert!(!effect("SELECT a FROM u").may_find_rows);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn pins_what_leaves_something_behind() {
    for (sql, reason) in [
        ("SELECT @a := 1", PinReason::UserVariable),
        ("SELECT 1 INTO @a", PinReason::UserVariable),
        ("ANALYZE SELECT 1 INTO @a", PinReason::UserVariable),
        (
            "ANALYZE FORMAT=JSON SELECT a FROM t LIMIT 1 INTO @a",
            PinReason::UserVariable,
        ),
        ("SELECT a, b FROM t INTO @a, @b", PinReason::UserVariable),
        (
            "LOAD DATA INFILE 'x' INTO TABLE t (@a) SET b = @a",
            PinReason::UserVariable,
        ),
        ("SET @a = @b", PinReason::UserVariable),
        ("SET @a = LAST_INSERT_ID()", PinReason::UserVariable),
        ("SET @a = 'caf\u{e9}'", PinReason::UserVariable),
        ("SELECT @`a b`", PinReason::UserVariable),
        ("SELECT @ a", PinReason::NotUnderstood),
        ("SELECT @\u{e9}", PinReason::NotUnderstood),
        ("HANDLER t OPEN", PinReason::HandlerStatement),
        ("EXECUTE s USING @a", PinReason::TextPrepare),
        ("LOCK INSTANCE FOR BACKUP", PinReason::NotUnderstood),
        ("UNLOCK INSTANCE", PinReason::NotUnderstood),
        ("FLUSH TABLES t FOR EXPORT", PinReason::TableLock),
        ("/*!50701 SET NAMES utf8 */", PinReason::NotUnderstood),
        (
            "SELECT /*+ SET_VAR(timestamp=5) */ NOW()",
            PinReason::NotUnderstood,
        ),
        (
            "INSERT /*+ MRR(t) set_var( Insert_Id = 7) */ INTO t VALUES (1)",
            PinReason::NotUnderstood,
        ),
        (
            "SELECT /*+ SET_VAR(sort_buffer_size=1) SET_VAR(rand_seed1=1) */ 1",
            PinReason::NotUnderstood,
        ),
        (
            "SELECT /*+ SET_VAR(max_join_size=1) */ 1",
            PinReason::NotUnderstood,
        ),
        (
            "SELECT /*+ SET_VAR(`timestamp`=5) */ 1",
            PinReason::NotUnderstood,
        ),
        (
            "/*!40101 SET NAMES utf8; SET NAMES latin1 */",
            PinReason::NotUnderstood,
        ),
        (
            "/*!40101 SET NAMES utf8 */ /*!40101 SELECT 1 */",
            PinReason::NotUnderstood,
        ),
        ("/*!40101 SET @a=@@sql_mode */", PinReason::NotUnderstood),
        ("/*!40101 SELECT 1 */", PinReason::NotUnderstood),
        ("/*M! SET NAMES utf8 */", PinReason::NotUnderstood),
        ("/*!SET NAMES 'utf8\\' */", PinReason::NotUnderstood),
        (
            "CREATE PROCEDURE p() BEGIN SET @a = 1; END",
            PinReason::NotUnderstood,
        ),
        (
            "CREATE PROCEDURE p() SET @a = 1; SET @b = 2",
            PinReason::NotUnderstood,
        ),
        (
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @a = 1; SELECT 1",
            PinReason::NotUnderstood,
        ),
        (
            "CREATE VIEW v AS SELECT 1 /*!99999 + 1 */",
            PinReason::NotUnderstood,
        ),
        (
            "SELECT GET_LOCK('a', 1); LOCK TABLES t READ",
            PinReason::NotUnderstood,
        ),
        ("SELECT GET_LOCK('a', 1); CALL p()", PinReason::Procedure),
        (
            "CREATE TEMPORARY TABLE t (id INT)",
            PinReason::TemporaryTable,
        ),
        ("SELECT GET_LOCK('a', 1)", PinReason::UserLock),
        ("select get_lock ('a', 1)", PinReason::UserLock),
        ("LOCK TABLES t READ", PinReason::TableLock),
        ("FLUSH TABLES WITH READ LOCK", PinReason::TableLock),
        ("PREPARE s FROM 'SELECT 1'", PinReason::TextPrepare),
        ("XA START 'a'", PinReason::DistributedTransaction),
        ("CALL p()", PinReason::Procedure),
        ("SELECT LASTVAL(s)", PinReason::Sequence),
        ("SELECT PREVIOUS VALUE FOR s", PinReason::Sequence),
        ("SELECT NEXT VALUE FOR s", PinReason::Sequence),
        ("INSERT INTO t VALUES (NEXTVAL(s))", PinReason::Sequence),
        ("BEGIN NOT ATOMIC SET @x = 1; END", PinReason::NotUnderstood),
        ("START REPLICA", PinReason::NotUnderstood),
        ("START", PinReason::NotUnderstood),
        ("COMMIT RELEASE", PinReason::NotUnderstood),
        ("SELECT 1 /*!, GET_LOCK('a',1) */", PinReason::NotUnderstood),
        ("SELECT 'unfinished", PinReason::NotUnderstood),
        ("SELECT @@", PinReason::NotUnderstood),
        ("frobnicate", PinReason::NotUnderstood),
        ("SELECT f()", PinReason::StoredFunction),
        ("SELECT f/* */ -- x\n (1)", PinReason::StoredFunction),
        ("SELECT d.concat('a')", PinReason::StoredFunction),
        ("SELECT `f` (1)", PinReason::StoredFunction),
        ("SELECT `get_lock`('a', 0)", PinReason::StoredFunction),
        ("SELECT \"f\"(1)", PinReason::NotUnderstood),
        ("INSERT INTO t (a) VALUES (f(1))", PinReason::StoredFunction),
        ("INSERT INTO t (a) SELECT f(1)", PinReason::StoredFunction),
        ("CREATE TABLE t AS SELECT f(1)", PinReason::StoredFunction),
        (
            "CREATE BINDING FOR SELECT 1 USING SELECT 1",
            PinReason::SessionVariable,
        ),
        (
            "SELECT 1 --\x7f '\n, get_lock('D', 0) -- '",
            PinReason::NotUnderstood,
        ),
        ("SELECT $$ ' $$", PinReason::NotUnderstood),
        ("SELECT \"a\\\"b\"", PinReason::NotUnderstood),
        (
            "CREATE DEFINER=user@localhost PROCEDURE p() SET @a = 1; SET @b = 2",
            PinReason::NotUnderstood,
        ),
        (
            "CREATE DEFINER=view@h EVENT e ON SCHEDULE EVERY 1 DAY DO SET @a = 1; SET @b = 2",
            PinReason::NotUnderstood,
        ),
        (
            "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT '\\'; SET @a = 1; -- '",
            PinReason::NotUnderstood,
        ),
        ("IF 1 THEN SET @a = 1; END IF", PinReason::NotUnderstood),
        ("GET DIAGNOSTICS @n = ROW_COUNT", PinReason::Diagnostics),
        ("'SELECT'", PinReason::NotUnderstood),
    ] {
        assert_eq!(effect(sql).pin, Some(reason), "{sql}");
    }
}

#[test]
fn needs_an_unused_connection_for_what_others_may_have_left() {
    for sql in ["SELECT LASTVAL(s)", "CALL p()", "SELECT f()", "EXECUTE s"] {
        assert!(effect(sql).needs_unused, "{sql}");
    }
    for sql in [
        "SET NAMES utf8mb4",
        "LOCK TABLES t READ",
        "SELECT GET_LOCK('a', 1)",
    ] {
        assert!(!effect(sql).needs_unused, "{sql}");
    }
}

#[test]
fn knows_what_asks_about_the_statement_before() {
    for sql in [
        "SELECT FOUND_ROWS()",
        "GET DIAGNOSTICS @n = ROW_COUNT",
        "select row_count()",
        "SHOW WARNINGS",
        "SHOW COUNT(*) ERRORS",
        "SHOW WARNINGS LIMIT 3",
        "SELECT @@warning_count",
        "SELECT @@session.error_count",
        "SELECT @@tidb_last_txn_info",
        "SELECT @@last_plan_from_cache",
        "SET @n = ROW_COUNT()",
        "SELECT LAST_INSERT_ID(), ROW_COUNT()",
    ] {
        assert!(effect(sql).reads_previous, "{sql}");
    }
    for (sql, asks) in [
        ("SELECT SQL_CALC_FOUND_ROWS * FROM t LIMIT 1", true),
        ("(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1 LIMIT 1", true),
        ("TABLE t EXCEPT SELECT 1 LIMIT 1", true),
        ("EXPLAIN SELECT 1", true),
        ("(SELECT 1 LIMIT 1) UNION (SELECT 2)", false),
        ("SELECT 1 LIMIT 1", false),
        ("SELECT 1 UNION SELECT 2; SELECT 3 LIMIT 1", false),
    ] {
        let effect = effect(sql);
        assert_eq!(effect.calc_found_rows, asks, "{sql}");
        assert_eq!(effect.pin, None, "{sql}");
    }
}

#[test]
fn knows_what_a_later_statement_asks_about_those_before_the_text() {
    let asked = |sql| {
        effect(sql)
            .questions
            .iter()
            .filter(|q| !q.is_behind)
            .map(|q| q.kind)
            .collect::<Vec<_>>()
    };
    let found_rows = vec![QuestionKind::FoundRows];
    assert_eq!(asked("SET @a = 1; SELECT FOUND_ROWS()"), found_rows);
    assert_eq!(asked("COMMIT; USE d; SELECT FOUND_ROWS()"), found_rows);
    assert_eq!(
        asked("DROP TABLE t; INSERT INTO u VALUES (1); SELECT FOUND_ROWS()"),
        found_rows
    );
    assert!(effect("SET @a = (SELECT a FROM t LIMIT 1)").may_find_rows);
    assert!(!effect("SET @a = 1").may_find_rows);
    // On MySQL that is the number of rows that it matches.
    let sql = b"UPDATE t SET a = 1; SELECT FOUND_ROWS()";
    for (server, is_behind) in [(Server::MySql, true), (Server::MariaDb, false)] {
        let dialect = Dialect {
            escapes: Escapes::Backslash,
            letters: Letters::Utf8,
            server,
            ignores_space: false,
        };
        let asked = classify(sql, dialect).effect.questions;
        assert_eq!(asked.is_empty(), is_behind);
    }
    let insert_id = vec![QuestionKind::LastInsertId];
    assert_eq!(asked("SELECT 1; SELECT LAST_INSERT_ID()"), insert_id);
    assert_eq!(
        asked("UPDATE t SET a = 1; SELECT LAST_INSERT_ID()"),
        insert_id
    );
    assert_eq!(
        asked("SELECT 1; INSERT INTO t VALUES (LAST_INSERT_ID())"),
        insert_id
    );
    assert_eq!(asked("SELECT @`a b`; SELECT LAST_INSERT_ID()"), insert_id);
    for sql in [
        "SELECT 1; SELECT FOUND_ROWS()",
        "INSERT INTO t SELECT 1; SELECT FOUND_ROWS()",
        "DELETE FROM t RETURNING a; SELECT FOUND_ROWS()",
        "CALL p(); SELECT FOUND_ROWS()",
        "SET @a = (SELECT 1); SELECT FOUND_ROWS()",
        "SET @a = 1; SELECT ROW_COUNT()",
        "INSERT INTO t VALUES (1); SELECT LAST_INSERT_ID()",
        "SELECT LAST_INSERT_ID(5); SELECT LAST_INSERT_ID()",
        "SELECT f(1); SELECT LAST_INSERT_ID()",
        "CALL p(); SELECT LAST_INSERT_ID()",
    ] {
        assert_eq!(asked(sql), [], "{sql}");
    }
    for (sql, asks) in [
        ("SET @a = 1; SHOW WARNINGS", true),
        ("BEGIN; SELECT @@warning_count", true),
        ("SHOW WARNINGS", false),
        ("SELECT @@warning_count; SHOW WARNINGS", true),
        ("SELECT (SELECT 1); SHOW WARNINGS", false),
        ("SELECT 1 FROM t; SHOW WARNINGS", false),
    ] {
        let effect = effect(sql);
        assert_eq!(effect.reads_kept_conditions, asks, "{sql}");
        assert!(effect.reads_previous || !asks, "{sql}");
    }
}

#[test]
fn knows_what_uses_no_table() {
    for sql in [
        "SELECT 1",
        "(SELECT @a, NOW())",
        "SET @a = 1",
        "SET NAMES utf8mb4",
        "COMMIT",
        "USE d",
        "DO SLEEP(0)",
        "SELECT GET_LOCK('a', 1)",
    ] {
        assert_eq!(effect(sql).conditions, Conditions::KeptByMariaDb, "{sql}");
    }
    for sql in [
        "SELECT a FROM t",
        "SELECT (SELECT 1)",
        "SELECT 1 UNION SELECT 2",
        "SET @a = (SELECT 1)",
        "DO (SELECT a FROM t)",
        "SELECT f()",
        "SELECT NEXT VALUE FOR s",
        "SET @a = NEXTVAL(s)",
        "SHOW TABLES",
        "TABLE t",
        "INSERT INTO t VALUES (1)",
        "SELECT 1; SELECT 2",
        "nonsense",
    ] {
        assert_eq!(effect(sql).conditions, Conditions::Cleared, "{sql}");
    }
}

#[test]
fn knows_which_insert_ids_are_not_told() {
    assert!(effect("SHOW SESSION VARIABLES LIKE 'last_insert_id'").reads_insert_id);
    assert!(!effect("SHOW TABLES").reads_insert_id);
    for (sql, makes) in [
        ("INSERT INTO t VALUES (1)", MakesInsertId::Told),
        ("REPLACE INTO t VALUES (1)", MakesInsertId::Told),
        ("UPDATE t SET a = REPLACE(a, 'b', 'c')", MakesInsertId::No),
        ("SELECT 1 FOR UPDATE", MakesInsertId::No),
        (
            "LOAD DATA LOCAL INFILE 'f' INTO TABLE t",
            MakesInsertId::Untold,
        ),
        ("INSERT INTO t VALUES (1); COMMIT", MakesInsertId::Untold),
        ("ANALYZE INSERT INTO t VALUES (1)", MakesInsertId::Untold),
        (
            "EXPLAIN ANALYZE REPLACE INTO t VALUES (1)",
            MakesInsertId::Untold,
        ),
        (
            "SET STATEMENT max_statement_time = 5 FOR INSERT INTO t VALUES (1)",
            MakesInsertId::Told,
        ),
        ("CREATE TABLE t (a INT) SELECT 1", MakesInsertId::Untold),
        (
            "CREATE TABLE t (a INT) VALUES ROW(1)",
            MakesInsertId::Untold,
        ),
        ("CREATE TABLE t (a INT)", MakesInsertId::No),
    ] {
        assert_eq!(effect(sql).makes_insert_id, makes, "{sql}");
    }
}

#[test]
fn knows_what_drops_a_database() {
    for (sql, drops) in [
        ("DROP DATABASE d", true),
        ("DROP SCHEMA IF EXISTS d", true),
        ("CREATE OR REPLACE DATABASE d", true),
        ("DROP DATABASE d; SELECT 1", true),
        ("CREATE DATABASE d", false),
        ("DROP TABLE d", false),
        ("CREATE OR REPLACE TABLE d (a INT)", false),
    ] {
        let effect = effect(sql);
        assert_eq!((effect.drops_database, effect.pin), (drops, None), "{sql}");
    }
    let pins = effect("DROP DATABASE d; CREATE TEMPORARY TABLE t (a INT)");
    assert_eq!(pins.pin, Some(PinReason::TemporaryTable));
}

#[test]
fn knows_what_may_be_another_one() {
    for (sql, expected) in [
        ("SELECT 1", Defines::Nothing),
        ("INSERT INTO t VALUES (1)", Defines::Nothing),
        ("CREATE TEMPORARY TABLE t (trigger_id INT)", Defines::Tables),
        ("CREATE OR REPLACE TABLE t AS SELECT 1", Defines::Tables),
        ("ALTER TABLE t ADD COLUMN procedure INT", Defines::Tables),
        ("CREATE UNIQUE INDEX function ON t (a)", Defines::Tables),
        ("DROP TEMPORARY TABLE IF EXISTS t", Defines::Tables),
        ("TRUNCATE t", Defines::Tables),
        ("CREATE VIEW v AS SELECT 1", Defines::Views),
        ("DROP VIEW v", Defines::Views),
        (
            "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
            Defines::Views,
        ),
        ("ALTER EVENT e DISABLE", Defines::Views),
        ("RENAME TABLE a TO b", Defines::Views),
        ("GRANT ALL ON *.* TO a", Defines::Views),
        ("CREATE DEFINER = a VIEW v AS SELECT 1", Defines::Anything),
        (
            "CREATE AGGREGATE FUNCTION f RETURNS INT SONAME 'f.so'",
            Defines::Anything,
        ),
        ("CREATE OR REPLACE PACKAGE BODY p AS END", Defines::Anything),
        ("DROP FUNCTION IF EXISTS f", Defines::Anything),
        ("DROP DATABASE d", Defines::Anything),
        ("CREATE USER a", Defines::Anything),
        ("CALL p()", Defines::Anything),
        ("EXECUTE s", Defines::Anything),
        ("EXECUTE IMMEDIATE 'DO 1'", Defines::Anything),
        ("PREPARE s FROM 'DROP FUNCTION f'", Defines::Nothing),
        ("SELECT f()", Defines::Nothing),
        ("TRUNCATE t; DROP VIEW v; DROP TABLE t", Defines::Views),
    ] {
        assert_eq!(effect(sql).defines, expected, "{sql}");
    }
}

#[test]
fn knows_which_sets_may_be_done_in_part() {
    assert!(effect("SET autocommit = 0, GLOBAL nonexist = 1").may_set_in_part);
    assert!(
        effect("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY").may_set_in_part
    );
    assert!(!effect("SET autocommit = 0").may_set_in_part);
}

#[test]
fn tells_columns_from_calls() {
    for sql in [
        "WITH RECURSIVE cte (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM cte) SELECT n FROM cte",
        "WITH a (x, y) AS (SELECT 1, 2), `b` (z) AS (SELECT 3) SELECT * FROM a, b",
        "SELECT * FROM (SELECT 1, 2) AS d (a, b)",
        "SELECT * FROM (SELECT 1, 2) d (a, b)",
        "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) AS j",
        "EXPLAIN INSERT INTO t (a) VALUES (1)",
        "ANALYZE TABLE t",
        "CREATE TABLE t (a INT) PARTITION BY LIST (a) (PARTITION p VALUES IN (1), PARTITION q (x))",
        "ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (5) (SUBPARTITION s (x)))",
    ] {
        assert_eq!(effect(sql).pin, None, "{sql}");
    }
    for sql in [
        "SELECT 1 AS a, f(1)",
        "SELECT a AS 'x', f(1)",
        "WITH a (x) AS (SELECT f(1)) SELECT 1",
        "SELECT (SELECT 1) = f(1)",
        "SELECT * FROM (SELECT 1) AS d WHERE f(1)",
        "ANALYZE UPDATE t SET a = f(1)",
        "ANALYZE INSERT INTO t (a) VALUES (f(1))",
        "CREATE TABLE t VALUES ROW(f(1))",
        "CREATE TABLE t VALUES (f(1))",
        "CREATE TABLE t (a INT, KEY (a)) AS VALUE(1), (f(1))",
        "INSERT INTO t (a) SELECT f(1)",
        "SELECT 1 AS `d`, `f` (1)",
    ] {
        assert_eq!(effect(sql).pin, Some(PinReason::StoredFunction), "{sql}");
    }
}

#[test]
fn knows_what_reads_and_what_sets_the_last_insert_id() {
    for (sql, sets) in [
        ("SELECT LAST_INSERT_ID()", false),
        ("INSERT INTO u VALUES (last_insert_id ( ), 1)", false),
        ("SELECT @@identity", false),
        ("SELECT @@session.last_insert_id", false),
        ("SET @id = LAST_INSERT_ID()", false),
        ("CALL p(LAST_INSERT_ID())", false),
        ("SELECT @y := LAST_INSERT_ID()", false),
        ("UPDATE t SET id = LAST_INSERT_ID(id + 1)", true),
        ("SELECT LAST_INSERT_ID(77)", true),
    ] {
        let effect = effect(sql);
        assert!(effect.reads_insert_id, "{sql}");
        assert_eq!(effect.sets_insert_id, sets, "{sql}");
    }
}

#[test]
fn carries_the_database() {
    for (sql, name) in [
        ("USE shop", "shop"),
        ("use `a``b`;", "a`b"),
        ("/* x */ USE shop -- y", "shop"),
    ] {
        assert_eq!(effect(sql), Effect::use_database(name.to_owned()), "{sql}");
    }
    for sql in ["USE 'shop'", "USE a; USE b", "USE a b"] {
        assert!(effect(sql) != Effect::use_database("a".to_owned()), "{sql}");
    }
}

#[test]
fn sees_kill_wherever_it_stands() {
    for sql in [
        "KILL 5",
        "KILL QUERY 5",
        "SELECT 1; KILL 5",
        "kill /* x */ 5",
    ] {
        assert!(effect(sql).kill.is_some(), "{sql}");
    }
}

#[test]
fn tells_the_kind_of_the_first_statement() {
    let kind = |sql: &str| classify(sql.as_bytes(), Escapes::Backslash).kind;
    assert_eq!(kind("SELECT 1; DELETE FROM t"), StatementKind::Read);
    assert_eq!(kind("REPLACE INTO t VALUES (1)"), StatementKind::Write);
    assert_eq!(kind("TRUNCATE t"), StatementKind::Define);
    assert_eq!(kind("COMMIT"), StatementKind::Transaction);
    assert_eq!(kind("SET a = 1"), StatementKind::Other);
}

#[test]
fn literals_end_where_the_server_ends_them() {
    let sql = br"INSERT INTO t VALUES ('\'), (@a, ' ')";
    let none = classify(sql, Escapes::None).effect;
    assert_eq!(none.user_variables, ["a"]);
}

const COMMENT: &str = "/* a; b */ ";

proptest::proptest! {
    /// Any bytes end in some verdict, and a hazard appended after a semicolon is never missed,
    /// unless what precedes it swallowed it into a literal or comment, which pins by itself.
    #[test]
    fn never_misses_a_hazard(prefix in "[a-zA-Z0-9 '\"`\\\\/*#@;()-]{0,24}") {
        let sql = format!("{prefix}\n; SELECT @a := 1");
        let effect = classify(sql.as_bytes(), Escapes::Backslash).effect;
        proptest::prop_assert!(effect.pin.is_some(), "{sql:?}: {effect:?}");
    }

    /// Nor is an assignment, and none is believed that may not have happened.
    #[test]
    fn never_misses_an_assignment(prefix in "[a-zA-Z0-9 '\"`\\\\/*#@;(),=-]{0,24}") {
        let sql = format!("{prefix}\n; SET sql_mode = ''");
        let effect = classify(sql.as_bytes(), Escapes::Backslash).effect;
        let is_last = matches!(effect.sets.last(),
            Some(Assignment::Variable { name, .. }) if name == "sql_mode");
        proptest::prop_assert!(effect.pin == Some(PinReason::NotUnderstood) || is_last,
            "{sql:?}: {effect:?}");
    }

    #[test]
    fn never_panics(sql in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
        let words = "SET @@session. NAMES utf8 KILL QUERY SHOW LIMIT SELECT ROW_COUNT() GET_LOCK('";
        for escapes in [Escapes::Backslash, Escapes::None] {
            let plain = classify(&sql, escapes);
            let questions = plain.effect.questions.iter();
            let asked: Vec<_> = questions.map(|q| (q, Answer::Value(-1))).collect();
            crate::substitute(&sql, &asked, Server::TiDb);
            for word in words.split(' ') {
                classify(&[word.as_bytes(), b" ", &sql].concat(), escapes);
            }
        }
    }

    /// Comments around a statement change nothing of what is known of it.
    #[test]
    fn comments_change_no_fact(at in 0..clients::STATEMENTS.len()) {
        let sql = clients::STATEMENTS[at];
        if !sql.starts_with("/*!") {
            let (plain, commented) = (effect(sql), effect(&format!("{COMMENT}{sql} -- 'x")));
            for (one, other) in plain.questions.iter().zip(&commented.questions) {
                proptest::prop_assert_eq!(one.range.start + COMMENT.len(), other.range.start);
            }
            let without_places = |effect: Effect| Effect {
                questions: Vec::new(),
                kill: None,
                ..effect
            };
            proptest::prop_assert_eq!(without_places(plain), without_places(commented));
        }
    }
}

#[test]
fn a_native_function_may_stand_apart_where_space_is_ignored() {
    for server in [Server::MySql, Server::MariaDb] {
        let pin = |sql: &str, ignores_space| {
            let dialect = Dialect {
                server,
                ignores_space,
                ..Escapes::Backslash.into()
            };
            classify(sql.as_bytes(), dialect).effect.pin
        };
        let users = Some(PinReason::StoredFunction);
        assert_eq!(pin("SELECT COUNT (*) FROM t", false), users);
        assert_eq!(pin("SELECT COUNT (*) FROM t", true), None);
        assert_eq!(pin("SELECT f (1)", true), users);
        // What a statement before has made of the mode is not followed.
        assert_eq!(pin("SET sql_mode = ''; SELECT MID (1)", true), users);
    }
}

#[test]
fn locks_to_write_are_told_from_others() {
    for (sql, locks) in [
        ("LOCK TABLES t READ, u LOW_PRIORITY WRITE", true),
        ("lock table t write concurrent", true),
        ("SELECT 1; LOCK TABLES t WRITE", true),
        ("LOCK TABLES t READ LOCAL", false),
        ("LOCK TABLES `write` READ; UPDATE t SET a = 1", false),
        ("FLUSH TABLES t WITH READ LOCK", false),
        ("UNLOCK TABLES", false),
    ] {
        assert_eq!(effect(sql).locks_to_write, locks, "{sql}");
    }
}
