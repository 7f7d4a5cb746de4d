//! Statements of drivers and people, and what SQLite is asked instead.

use super::*;

fn translated(sql: &str) -> Statement {
    let variables = Variables::default();
    let context = Context {
        database: "shop",
        variables: &variables,
    };
    translate(sql, context).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

fn refused(sql: &str) -> ErrPacket {
    let variables = Variables::default();
    let context = Context {
        database: "shop",
        variables: &variables,
    };
    translate(sql, context).expect_err(sql)
}

fn sql(text: &str) -> Statement {
    Statement::Sql {
        text: text.to_owned(),
        commits: false,
    }
}

#[test]
fn strings_lose_their_backslashes() {
    assert_eq!(
        translated(r#"SELECT 'it\'s', "a ""b""", 'l\n', 'x''y', '\%'"#),
        sql("SELECT 'it''s', 'a \"b\"', 'l\n', 'x''y', '\\%'")
    );
    assert_eq!(
        translated(r"SELECT 'a\0b'"),
        sql("SELECT CAST(X'610062' AS TEXT)")
    );
}

#[test]
fn system_variables_keep_their_column_name() {
    assert_eq!(
        translated("SELECT @@max_allowed_packet, @@session.wait_timeout LIMIT 1"),
        sql("SELECT 16777216 AS \"@@max_allowed_packet\", \
             28800 AS \"@@session.wait_timeout\" LIMIT 1")
    );
    assert_eq!(
        translated("select @@autocommit = 1 as a"),
        sql("select 1 = 1 as a")
    );
    assert_eq!(refused("SELECT @@nonsense").code, 1193);
}

#[test]
fn database_is_main() {
    assert_eq!(
        translated("SELECT * FROM shop.products p, `shop`.orders -- all\n"),
        sql("SELECT * FROM main.products p, main.orders")
    );
}

#[test]
fn functions_of_time_are_renamed_only_when_called() {
    assert_eq!(
        translated("SELECT NOW(), now FROM t"),
        sql("SELECT datetime(), now FROM t")
    );
}

#[test]
fn transaction_control_is_read() {
    assert_eq!(translated("begin;"), Statement::Begin { snapshot: false });
    assert_eq!(
        translated("START TRANSACTION WITH CONSISTENT SNAPSHOT"),
        Statement::Begin { snapshot: true }
    );
    assert_eq!(translated("COMMIT"), Statement::Commit);
    assert_eq!(translated("ROLLBACK"), Statement::Rollback);
    assert_eq!(
        translated("ROLLBACK TO SAVEPOINT a"),
        sql("ROLLBACK TO SAVEPOINT a")
    );
    assert_eq!(refused("START TRANSACTION READ ONLY").code, 1064);
}

#[test]
fn set_is_read_in_all_its_forms() {
    let set = |pairs: &[(&str, &str)]| {
        Statement::Set(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    };
    assert_eq!(translated("SET autocommit=0"), set(&[("autocommit", "0")]));
    assert_eq!(
        translated("SET SESSION time_zone = '+00:00', @@session.sql_mode := \"ANSI\""),
        set(&[("time_zone", "+00:00"), ("sql_mode", "ANSI")])
    );
    assert_eq!(
        translated("SET NAMES 'utf8mb4' COLLATE utf8mb4_bin"),
        set(&[
            ("character_set_client", "utf8mb4"),
            ("character_set_connection", "utf8mb4"),
            ("character_set_results", "utf8mb4"),
        ])
    );
    assert_eq!(
        translated("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"),
        set(&[])
    );
    assert_eq!(refused("SET @a = 1").code, 1064);
    assert_eq!(refused("SET autocommit = 1 + 1").code, 1064);
}

#[test]
fn several_statements_are_refused() {
    assert_eq!(refused("SELECT 1; SELECT 2").code, 1064);
    assert_eq!(translated("SELECT ';' ; "), sql("SELECT ';'"));
}

#[test]
fn empty_and_broken_statements_are_refused() {
    assert_eq!(refused(" -- nothing").code, 1065);
    for broken in ["SELECT 'a", "SELECT `a", "SELECT /* a", "SELECT 'a\\'"] {
        assert_eq!(refused(broken).code, 1064, "{broken}");
    }
    assert_eq!(translated("/*!40101 SET NAMES utf8 */"), Statement::Nothing);
}

#[test]
fn ddl_commits_unless_it_is_temporary() {
    let commits = |sql| matches!(translated(sql), Statement::Sql { commits: true, .. });
    assert!(commits("CREATE TABLE t (a INT)"));
    assert!(!commits("CREATE TEMPORARY TABLE t (a INT)"));
    assert!(!commits("INSERT INTO t VALUES (1)"));
}
