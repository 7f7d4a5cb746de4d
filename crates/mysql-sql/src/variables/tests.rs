//! The table of variables, and what is made of it.

use super::*;

#[test]
fn is_sorted() {
    assert!(CARRIED.is_sorted_by(|(one, _), (next, _)| one < next));
}

#[test]
fn follows_tidbs_own_by_rule() {
    assert_eq!(find("tidb_mem_quota_query"), Some(Carried::Plain));
    assert_eq!(find("tiflash_fastscan"), Some(Carried::Plain));
    for name in ["tidb_snapshot", "tidb_last_txn_info", "tidb", "sql_log_bin"] {
        assert_eq!(find(name), None, "{name}");
    }
}

#[test]
fn spells_as_old_mariadb_does() {
    for (version, name) in [
        ("10.11.6-MariaDB", "tx_isolation"),
        ("5.5.5-10.4.32-MariaDB-log", "tx_isolation"),
        ("11.0.2-MariaDB", "tx_isolation"),
        ("11.1.2-MariaDB", "transaction_isolation"),
        ("8.0.36", "transaction_isolation"),
        ("8.0.11-TiDB-v8.5.0", "transaction_isolation"),
    ] {
        assert_eq!(
            spelling("transaction_isolation", version),
            name,
            "{version}"
        );
    }
    assert_eq!(spelling("time_zone", "10.11.6-MariaDB"), "time_zone");
}

#[test]
fn tells_what_an_answer_is_carried_as() {
    for (name, answer, literal) in [
        ("sql_mode", "ANSI_QUOTES", Some("'ANSI_QUOTES'")),
        ("sql_mode", "PIPES_AS_CONCAT,ORACLE", None),
        ("sql_mode", "EMPTY_STRING_IS_NULL,NO_ZERO_DATE", None),
        ("sort_buffer_size", "262144", Some("262144")),
        ("max_statement_time", "1.500000", Some("1.500000")),
        ("wait_timeout", "28800", Some("28800")),
        ("wait_timeout", "60", None),
        ("collation_connection", "gbk_chinese_ci", None),
        ("time_zone", "Eur\\ope", None),
        ("sql_auto_is_null", "1", None),
        ("nobody", "1", None),
    ] {
        let value = Value::read_back(name, Some(answer.as_bytes()));
        let expected = literal.map(|text| Value::Literal(text.to_owned()));
        assert_eq!(value, expected, "{name} {answer}");
    }
    let null = Value::read_back("character_set_results", None);
    assert_eq!(null, Some(Value::Literal("NULL".to_owned())));
}
