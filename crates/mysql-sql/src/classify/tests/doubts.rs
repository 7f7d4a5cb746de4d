//! What looks harmless and is not.

use super::effect;
use crate::{Dialect, Escapes, Letters, PinReason, Server, classify};

fn pin(sql: &[u8], letters: Letters, server: Server) -> Option<PinReason> {
    let dialect = Dialect {
        escapes: Escapes::Backslash,
        letters,
        server,
        ignores_space: false,
    };
    classify(sql, dialect).effect.pin
}

#[test]
fn takes_a_quoted_name_of_tidbs_functions_for_one() {
    let pin = |sql: &str| pin(sql.as_bytes(), Letters::Utf8, Server::TiDb);
    assert_eq!(pin("SELECT TIDB_SHARD(a) FROM t"), None);
    assert_eq!(pin("INSERT INTO `t` (`a`) VALUES (1)"), None);
    for sql in ["SELECT `get_lock`('a', 1)", "SELECT d.get_lock('a', 1)"] {
        assert_eq!(pin(sql), Some(PinReason::NotUnderstood), "{sql}");
    }
}

#[test]
fn knows_what_sets_a_variable_of_tidb() {
    let pin = |sql: &str, server| pin(sql.as_bytes(), Letters::Utf8, server);
    let sets = "SELECT SETVAR ('a', 1)";
    assert_eq!(pin(sets, Server::TiDb), Some(PinReason::UserVariable));
    assert_eq!(pin(sets, Server::MySql), Some(PinReason::StoredFunction));
    assert_eq!(pin("SELECT setvar FROM t", Server::TiDb), None);
}

/// A number ends where its letters begin, and they are a word then.
#[test]
fn hides_no_word_behind_a_number() {
    for sql in [
        "SELECT 'a', 1e0INTO @a, @b",
        "SELECT 1.5INTO @a",
        "SELECT a+.5INTO @a FROM t",
        "SELECT 1e+1INTO @a",
        "SELECT 5,\\NINTO @a, @b",
        "SELECT SQL_CALC_FOUND_ROWS 1.5UNION SELECT 2 LIMIT 1",
    ] {
        assert_eq!(effect(sql).pin, Some(PinReason::NotUnderstood), "{sql}");
    }
    for sql in [
        "SELECT 1.5, .5, 1e5, 1.5e-5, 0x1F, 0b1, -1.",
        "SELECT 2fa, t.2fa, `t`.5e FROM 3d_models AS t",
    ] {
        assert_eq!(effect(sql).pin, None, "{sql}");
    }
}

/// A server that cannot read it has run nothing of it.
#[test]
fn knows_what_no_server_may_have_run_in_part() {
    for (sql, is_unknown) in [
        ("frobnicate", true),
        ("SELEC 1, 'a' FROM t", true),
        ("CALL p(\"it\\'s\")", false),
        ("/*!50003 CALL p('a') */", false),
        ("frobnicate /*! SET @a = 1 */", false),
        ("frobnicate \"it\\'s\"", false),
        ("PURGE BINARY LOGS BEFORE f()", false),
        ("CALL p(); frobnicate", false),
        ("BEGIN NOT ATOMIC CALL p(); END", false),
        ("SET STATEMENT a = f() FOR CALL p()", false),
        ("SELECT 1", false),
    ] {
        assert_eq!(effect(sql).is_unknown, is_unknown, "{sql}");
    }
}

#[test]
fn hides_no_word_behind_white_space_of_another_character_set() {
    let not_understood = Some(PinReason::NotUnderstood);
    for sql in [
        &b"CREATE \xa0TEMPORARY TABLE t (a INT)"[..],
        b"CREATE TEMPORARY\xa0TABLE t (a INT)",
        b"SELECT 5 INTO\xa0@x",
        b"SELECT get_lock\xff('a', 1)",
        b"SELECT 1,\x85get_lock('a', 1)",
        b"CREATE \xa0OR REPLACE PROCEDURE p() SET @a = 1",
    ] {
        for letters in [Letters::Utf8, Letters::Unknown] {
            let shown = sql.escape_ascii();
            assert_eq!(pin(sql, letters, Server::MySql), not_understood, "{shown}");
        }
    }
    let accents = "SELECT pr\u{e9}nom, 'd\u{e9}j\u{e0}' FROM `caf\u{e9}`".as_bytes();
    assert_eq!(pin(accents, Letters::Utf8, Server::MySql), None);
    let unknown = pin(accents, Letters::Unknown, Server::MySql);
    assert_eq!(unknown, not_understood);
    let literal = "SELECT 'd\u{e9}j\u{e0}'".as_bytes();
    assert_eq!(pin(literal, Letters::Unknown, Server::MySql), None);
}

#[test]
fn knows_what_changes_later_logins() {
    for sql in [
        "SET GLOBAL sql_mode = 'ANSI'",
        "SET PERSIST sort_buffer_size = 1000",
        "SET sort_buffer_size = 1, @@GLOBAL.sql_mode = ''",
        "SET GLOBAL TRANSACTION READ ONLY",
        "SET DEFAULT ROLE ALL TO app",
        "GRANT SELECT ON d.* TO app",
        "REVOKE r FROM app",
        "ALTER USER app IDENTIFIED BY 'x'",
        "ALTER DATABASE d CHARACTER SET utf8mb3",
        "EXECUTE IMMEDIATE 'SET GLOBAL sql_mode = \"\"'",
        "PREPARE p FROM 'GRANT r TO app'",
        "BEGIN NOT ATOMIC SET GLOBAL sql_mode = ''; END",
        "SET STATEMENT max_statement_time = 9 FOR SET GLOBAL sql_mode = ''",
    ] {
        assert!(effect(sql).changes_logins, "{sql}");
    }
    for sql in [
        "SET sort_buffer_size = 1",
        "ALTER TABLE user ADD a INT",
        "SELECT @@GLOBAL.sql_mode",
        "CALL note('please grant me a global role')",
        "SELECT f(x) FROM t WHERE scope = 'global'",
    ] {
        assert!(!effect(sql).changes_logins, "{sql}");
    }
    // TiDB sets it for all sessions.
    let instance = effect("SET tidb_general_log = 1");
    assert!(instance.changes_logins && instance.sets.is_empty() && instance.pin.is_none());
}

#[test]
fn leaves_an_insert_id_that_a_statement_sets_to_its_connection() {
    for sql in [
        "SELECT LAST_INSERT_ID(), LAST_INSERT_ID(55), LAST_INSERT_ID()",
        "DO LAST_INSERT_ID(5); SELECT LAST_INSERT_ID()",
        "SET STATEMENT last_insert_id = 5 FOR SELECT LAST_INSERT_ID()",
    ] {
        assert_eq!(effect(sql).questions, [], "{sql}");
    }
}

#[test]
fn knows_what_is_about_savepoints() {
    for sql in ["SAVEPOINT a", "ROLLBACK WORK TO a", "RELEASE SAVEPOINT a"] {
        assert!(effect(sql).names_savepoint, "{sql}");
    }
    for sql in ["ROLLBACK", "COMMIT AND CHAIN", "BEGIN"] {
        assert!(!effect(sql).names_savepoint, "{sql}");
    }
}

#[test]
fn nests_no_statement_in_another_without_end() {
    for begin in ["SET STATEMENT a=1 FOR (", "SET STATEMENT a=1 FOR ;"] {
        let effect = effect(&begin.repeat(100_000));
        assert_eq!(effect.pin, Some(PinReason::NotUnderstood), "{begin}");
    }
    assert_eq!(effect("SET STATEMENT a=1 FOR (SELECT 1)").pin, None);
}
