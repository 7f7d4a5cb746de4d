//! What is said of a wrong cache.

use super::problems;

/// A good hyperdrive, to whose cache lines are added.
const CACHE: &str =
    "[[edge.hyperdrives]]\nname = 'app'\norigin = 'mysql://u@db'\n[edge.hyperdrives.cache]\n";
/// The first rule of a table, to which lines are added.
const RULE: &str = "[[edge.hyperdrives.cache.tables]]\n";

/// The one complaint about these lines, which begin at line 5.
#[track_caller]
fn one(lines: &str, place: &str, parts: &[&str]) {
    let all = problems(&format!("{CACHE}{lines}\n"));
    assert_eq!(all.len(), 1, "{all:#?}");
    let (at, key) = place.split_once(' ').unwrap();
    let start = format!("etc/tidegate.toml:{at}: edge.hyperdrives[0].cache.{key}: ");
    assert!(all[0].starts_with(&start), "{all:#?}");
    for part in parts {
        assert!(all[0].contains(part), "no {part:?} in {all:#?}");
    }
}

#[test]
fn ages() {
    one("max_age = '0s'", "5:11 max_age", &["longer than zero"]);
    one("max_age = '61m'", "5:11 max_age", &["`61m`", "at most 1h"]);
    one("max_age = '5'", "5:11 max_age", &["ms, s, m or h"]);
    one("max_age = 60", "5:11 max_age", &["60s", "in quotes"]);
    one(
        "stale_while_revalidate = '2h'",
        "5:26 stale_while_revalidate",
        &["`2h`", "at most 1h"],
    );
    one(
        "stale_while_revalidate = 0",
        "5:26 stale_while_revalidate",
        &["0s for not at all", "in quotes"],
    );
}

#[test]
fn sizes() {
    one(
        "max_bytes = '64'",
        "5:13 max_bytes",
        &["`64` is not a size", "B, kB, MB, GB, KiB, MiB or GiB"],
    );
    one(
        "max_bytes = 67108864",
        "5:13 max_bytes",
        &["64MiB", "in quotes"],
    );
    one(
        "max_bytes = '1MB'",
        "5:13 max_bytes",
        &["`1MB`", "at least 1MiB"],
    );
    one(
        "max_bytes = '1025GiB'",
        "5:13 max_bytes",
        &["`1025GiB`", "at most 1024GiB"],
    );
    one(
        "max_entry_bytes = '0B'",
        "5:19 max_entry_bytes",
        &["at least 1B"],
    );
    one(
        "max_entry_bytes = '50MiB'",
        "5:19 max_entry_bytes",
        &["`50MiB`", "at most 50MB"],
    );
}

#[test]
fn one_result_is_not_larger_than_all() {
    one(
        "max_bytes = '2MB'\nmax_entry_bytes = '2MiB'",
        "6:19 max_entry_bytes",
        &["`max_bytes` is 2MB"],
    );
    one(
        "max_entry_bytes = '50MB'\nmax_bytes = '49MB'",
        "5:19 max_entry_bytes",
        &["`max_bytes` is 49MB"],
    );
}

#[test]
fn choices() {
    one("enabled = 'yes'", "5:11 enabled", &["true or false"]);
    one(
        "follow = 'gtid'",
        "5:10 follow",
        &["`gtid`", "nothing, binlog"],
    );
    one("follow = true", "5:10 follow", &["nothing or binlog"]);
    one(
        "max_size = '5MB'",
        "5:1 max_size",
        &[
            "unknown key",
            "enabled, max_age, stale_while_revalidate, max_bytes, max_entry_bytes, follow, tables",
        ],
    );
}

#[test]
fn a_rule_says_one_thing_of_a_table() {
    one(
        &format!("{RULE}table = 't'"),
        "5:1 tables[0]",
        &["`never = true` or `max_age`"],
    );
    one(
        &format!("{RULE}table = 't'\nnever = false"),
        "5:1 tables[0]",
        &["`never = true` or `max_age`"],
    );
    one(
        &format!("{RULE}table = 't'\nmax_age = '5s'\nnever = true"),
        "7:11 tables[0].max_age",
        &["`never` is true"],
    );
    one(
        &format!("{RULE}never = true"),
        "5:1 tables[0]",
        &["no `table`", "database.table"],
    );
    one(
        &format!("{RULE}table = 't'\nmax_age = '2h'"),
        "7:11 tables[0].max_age",
        &["at most 1h"],
    );
    one(
        &format!("{RULE}table = 't'\nnever = true\nswr = '5s'"),
        "8:1 tables[0].swr",
        &["unknown key", "table, never, max_age"],
    );
}

#[test]
fn a_rule_is_of_a_table() {
    for name in ["", "a.b.c", "shop.", "`t`", &"x".repeat(65)] {
        one(
            &format!("{RULE}table = '{name}'\nnever = true"),
            "6:9 tables[0].table",
            &["is not a table", "database.table", "64"],
        );
    }
}

#[test]
fn a_table_has_one_rule() {
    let rules = |first: &str, second: &str| {
        format!("{RULE}table = '{first}'\nnever = true\n{RULE}table = '{second}'\nnever = true")
    };
    for (first, second) in [("t", "t"), ("shop.t", "shop.t"), ("Shop.T", "shop.t")] {
        one(
            &rules(first, second),
            "9:9 tables[1].table",
            &["a rule for this table already"],
        );
    }
}
