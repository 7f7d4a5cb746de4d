//! What `SET` and `USE` make of the session.

use super::effect;
use crate::{Assignment, Dialect, Escapes, PinReason, Server, Value, classify};

/// The assignments, written shortly.
fn sets(sql: &str) -> Vec<String> {
    let effect = effect(sql);
    assert_eq!(effect.pin, None, "{sql}");
    effect.sets.iter().map(short).collect()
}

fn short(set: &Assignment) -> String {
    match set {
        Assignment::Database(name) => format!("USE {name}"),
        Assignment::Names(text) => text.clone(),
        Assignment::Variable { name, value } => match value {
            Value::Literal(text) => format!("{name}={text}"),
            Value::Default => format!("{name}=DEFAULT"),
            Value::Expression => format!("{name}?"),
        },
        Assignment::UserVariable { name, value } => format!("@{name}={value}"),
        Assignment::Role(role) => format!("ROLE {role}"),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn carries_what_is_set_to_a_plain_value() {
    let cases: [(&str, &[&str]); 60] = [
        ("SET autocommit=0", &["autocommit=0"]),
        ("set AUTOCOMMIT = ON", &["autocommit='ON'"]),
        ("SET autocommit = true", &["autocommit=TRUE"]),
        ("SET @@autocommit := 1", &["autocommit=1"]),
        ("SET SESSION time_zone = '+00:00'", &["time_zone='+00:00'"]),
        (
            "SET @@session.time_zone = \"SYSTEM\"",
            &["time_zone='SYSTEM'"],
        ),
        (
            "SET @@SESSION . time_zone = SYSTEM",
            &["time_zone='SYSTEM'"],
        ),
        (
            "SET LOCAL sort_buffer_size = 1048576",
            &["sort_buffer_size=1048576"],
        ),
        ("SET @@local.sql_safe_updates=1", &["sql_safe_updates=1"]),
        ("SET `sql_mode` = ''", &["sql_mode=''"]),
        ("SET sql_mode = 'ANSI_QUOTES'", &["sql_mode='ANSI_QUOTES'"]),
        ("SET sql_mode = 0", &["sql_mode=0"]),
        ("SET sql_mode = 4", &["sql_mode?"]),
        ("SET sql_mode = DEFAULT", &["sql_mode=DEFAULT"]),
        ("SET sql_mode = CONCAT(@@sql_mode, ',ANSI')", &["sql_mode?"]),
        (
            "SET sql_mode = (SELECT REPLACE(@@sql_mode, 'A', ''))",
            &["sql_mode?"],
        ),
        ("SET sql_mode = @old", &["sql_mode?"]),
        ("SET sql_mode = 'a\\\\b'", &["sql_mode?"]),
        ("SET time_zone = 'a' -- b", &["time_zone='a'"]),
        ("SET time_zone = /* b */ 'a' /* c */;", &["time_zone='a'"]),
        ("SET long_query_time = 0.5", &["long_query_time=0.5"]),
        ("SET optimizer_switch = 'mrr=off'", &["optimizer_switch?"]),
        (
            "SET optimizer_switch = DEFAULT",
            &["optimizer_switch=DEFAULT"],
        ),
        ("SET foreign_key_checks = 0", &["foreign_key_checks=0"]),
        ("SET foreign_key_checks = DEFAULT", &["foreign_key_checks?"]),
        ("SET SQL_AUTO_IS_NULL = 0", &["sql_auto_is_null=0"]),
        ("SET wait_timeout = 2147483", &["wait_timeout=2147483"]),
        ("SET wait_timeout = DEFAULT", &["wait_timeout=DEFAULT"]),
        (
            "SET tidb_mem_quota_query = 1 << 30",
            &["tidb_mem_quota_query?"],
        ),
        (
            "SET tidb_isolation_read_engines = 'tikv,tidb'",
            &["tidb_isolation_read_engines='tikv,tidb'"],
        ),
        ("SET NAMES utf8mb4", &["NAMES utf8mb4"]),
        ("set names 'UTF8'", &["NAMES utf8"]),
        (
            "SET NAMES utf8mb4 COLLATE 'utf8mb4_bin'",
            &["NAMES utf8mb4 COLLATE utf8mb4_bin"],
        ),
        ("SET NAMES DEFAULT", &["NAMES DEFAULT"]),
        ("SET NAMES binary", &["NAMES binary"]),
        (
            "SET CHARACTER SET latin1",
            &[
                "character_set_client='latin1'",
                "character_set_results='latin1'",
                "collation_connection?",
            ],
        ),
        (
            "SET CHARSET 'utf8'",
            &[
                "character_set_client='utf8'",
                "character_set_results='utf8'",
                "collation_connection?",
            ],
        ),
        (
            "SET character_set_results = NULL",
            &["character_set_results=NULL"],
        ),
        (
            "SET character_set_results = utf8",
            &["character_set_results='utf8'"],
        ),
        (
            "SET character_set_results = DEFAULT",
            &["character_set_results?"],
        ),
        ("SET character_set_client = 33", &["character_set_client?"]),
        (
            "SET character_set_connection = utf8",
            &["collation_connection?"],
        ),
        (
            "SET collation_connection = utf8mb4_bin",
            &["collation_connection='utf8mb4_bin'"],
        ),
        ("SET GLOBAL max_connections = 5", &[]),
        ("SET @@global.max_connections = 5, @a = 1", &["@a=1"]),
        ("SET PERSIST max_connections = 5", &[]),
        ("SET GLOBAL hot.key_buffer_size = 5", &[]),
        ("SET PASSWORD = 'x'", &[]),
        ("SET PASSWORD FOR 'u'@'%' = 'x'", &[]),
        ("SET DEFAULT ROLE r TO 'u'@'%'", &[]),
        ("SET GLOBAL TRANSACTION READ ONLY", &[]),
        ("SET @a = 1", &["@a=1"]),
        (
            "SET @A.b = -1.5e3, @`c` := 'x''y', @d = NULL",
            &["@a.b=-1.5e3", "@c='x''y'", "@d=NULL"],
        ),
        ("SET @a = TRUE;", &["@a=TRUE"]),
        (
            "SET autocommit=1, @b=2, NAMES utf8, SESSION sql_notes=0",
            &["autocommit=1", "@b=2", "NAMES utf8", "sql_notes=0"],
        ),
        ("SET ROLE admin", &["ROLE admin"]),
        (
            "SET ROLE ALL EXCEPT 'a'@'%', b",
            &["ROLE ALL EXCEPT 'a'@'%', b"],
        ),
        ("SET ROLE NONE", &["ROLE NONE"]),
        ("SET @a = 1; USE d; SET @b = 2", &["@a=1", "USE d", "@b=2"]),
        ("SELECT 1; SET NAMES latin1", &["NAMES latin1"]),
    ];
    for (sql, expected) in cases {
        assert_eq!(sets(sql), expected, "{sql}");
    }
}

#[test]
fn carries_what_transactions_begin_with() {
    let cases: [(&str, &[&str], bool); 12] = [
        (
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            &["transaction_isolation='READ-COMMITTED'"],
            false,
        ),
        (
            "SET SESSION TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ",
            &[
                "transaction_read_only=1",
                "transaction_isolation='REPEATABLE-READ'",
            ],
            false,
        ),
        (
            "SET LOCAL TRANSACTION READ WRITE",
            &["transaction_read_only=0"],
            false,
        ),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", &[], true),
        ("SET TRANSACTION READ ONLY;", &[], true),
        (
            "SET transaction_isolation = 'SERIALIZABLE'",
            &["transaction_isolation='SERIALIZABLE'"],
            false,
        ),
        (
            "SET tx_isolation = 'SERIALIZABLE'",
            &["transaction_isolation='SERIALIZABLE'"],
            false,
        ),
        (
            "SET SESSION tx_read_only = ON",
            &["transaction_read_only='ON'"],
            false,
        ),
        (
            "SET @@session.tx_isolation = 'SERIALIZABLE'",
            &["transaction_isolation='SERIALIZABLE'"],
            false,
        ),
        // MySQL and MariaDB: of the next transaction. TiDB: of the session.
        (
            "SET @@transaction_isolation = 'SERIALIZABLE'",
            &["transaction_isolation?"],
            true,
        ),
        ("SET @@tx_read_only = 1", &["transaction_read_only?"], true),
        (
            "SET transaction_isolation = DEFAULT",
            &["transaction_isolation=DEFAULT"],
            false,
        ),
    ];
    for (sql, expected, next) in cases {
        assert_eq!(sets(sql), expected, "{sql}");
        assert_eq!(effect(sql).next_transaction, next, "{sql}");
    }
}

#[test]
fn tidb_reads_the_next_transaction_at_another_time() {
    let sql = b"SET TRANSACTION READ ONLY AS OF TIMESTAMP NOW(3) - INTERVAL 1 SECOND";
    let on = |server| {
        let dialect = Dialect {
            server,
            ..Escapes::Backslash.into()
        };
        classify(sql, dialect).effect
    };
    let effect = on(Server::TiDb);
    assert!(effect.next_transaction && effect.pin.is_none());
    for server in [Server::MySql, Server::MariaDb] {
        assert_eq!(on(server).pin, Some(PinReason::NotUnderstood), "{server:?}");
    }
}

#[test]
fn pins_what_cannot_be_carried() {
    for (sql, reason) in [
        ("SET timestamp = 5", PinReason::SessionVariable),
        ("SET insert_id = 5", PinReason::SessionVariable),
        ("SET sql_log_bin = 0", PinReason::SessionVariable),
        ("SET max_join_size = 5", PinReason::SessionVariable),
        ("SET profiling = 1", PinReason::SessionVariable),
        ("SET resultset_metadata = NONE", PinReason::SessionVariable),
        (
            "SET tidb_snapshot = '2024-01-01'",
            PinReason::SessionVariable,
        ),
        ("SET wait_timeout = 60", PinReason::SessionVariable),
        ("SET wait_timeout = '28800'", PinReason::SessionVariable),
        ("SET sql_auto_is_null = 1", PinReason::SessionVariable),
        (
            "SET completion_type = 'RELEASE'",
            PinReason::SessionVariable,
        ),
        ("SET sql_mode = 'ORACLE'", PinReason::SessionVariable),
        ("SET NAMES gbk", PinReason::CharacterSet),
        ("SET NAMES utf8mb4 COLLATE", PinReason::CharacterSet),
        ("SET NAMES x y", PinReason::CharacterSet),
        ("SET character_set_client = sjis", PinReason::CharacterSet),
        (
            "SET collation_connection = 'big5_chinese_ci'",
            PinReason::CharacterSet,
        ),
        ("SET CHARACTER SET DEFAULT", PinReason::CharacterSet),
        ("SET @a := 1, NAMES gbk", PinReason::CharacterSet),
        ("SET timestamp = 5, NAMES gbk", PinReason::CharacterSet),
        ("SET RESOURCE GROUP g", PinReason::NotUnderstood),
        ("SET frobnicate = 1", PinReason::SessionVariable),
        ("SET a.b = 1", PinReason::SessionVariable),
        // The second is global too in MySQL and MariaDB, and the session's in TiDB.
        (
            "SET GLOBAL sort_buffer_size = 1, sort_buffer_size = 2",
            PinReason::SessionVariable,
        ),
        (
            "SET PASSWORD = 'x', autocommit = 0",
            PinReason::CharacterSet,
        ),
        ("SET sql_mode = f()", PinReason::StoredFunction),
        ("SET sql_mode = GET_LOCK('a', 1)", PinReason::UserLock),
        ("SET sql_mode = 'a", PinReason::NotUnderstood),
        ("SET", PinReason::NotUnderstood),
        ("SET autocommit", PinReason::NotUnderstood),
        ("SET @a", PinReason::NotUnderstood),
        (
            "SET autocommit = 0 /*!50000 , timestamp = 5 */",
            PinReason::NotUnderstood,
        ),
        (
            "SET TRANSACTION READ ONLY, autocommit = 0",
            PinReason::NotUnderstood,
        ),
        ("SET ROLE \"a\"@\"b\\\\\"", PinReason::NotUnderstood),
        (
            "SET STATEMENT a = 1 FOR SET b = 2",
            PinReason::NotUnderstood,
        ),
        (
            "SET STATEMENT a = f() FOR SELECT 1",
            PinReason::NotUnderstood,
        ),
        ("SET STATEMENT a = 1", PinReason::NotUnderstood),
    ] {
        assert_eq!(effect(sql).pin, Some(reason), "{sql}");
    }
}

#[test]
fn set_statement_is_what_it_is_for() {
    assert!(sets("SET STATEMENT max_statement_time = 1 FOR SELECT 1").is_empty());
    let locks = effect("SET STATEMENT max_statement_time=1, sql_mode='x' FOR LOCK TABLES t READ");
    assert_eq!(locks.pin, Some(PinReason::TableLock));
}

#[test]
fn what_is_too_much_pins() {
    let many: Vec<_> = (0..65).map(|n| format!("@v{n} = {n}")).collect();
    let effect_of_many = effect(&format!("SET {}", many.join(", ")));
    assert_eq!(effect_of_many.pin, Some(PinReason::NotUnderstood));
    let long = effect(&format!("SET @a = '{}'", "x".repeat(3000)));
    assert_eq!(long.pin, Some(PinReason::UserVariable));
}

#[test]
fn what_does_not_pin_for_good_is_remembered() {
    let effect = effect("SET sql_mode = GET_LOCK('a', 1), time_zone = 'UTC'");
    assert_eq!(effect.pin, Some(PinReason::UserLock));
    let all: Vec<_> = effect.sets.iter().map(short).collect();
    assert_eq!(all, ["sql_mode?", "time_zone='UTC'"]);
}
