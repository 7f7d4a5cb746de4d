//! System variables: set, read, and seen in what they change.

use testkit::DatabaseKind;

use super::Generator;
use crate::differential::step::Step;

/// A variable and values for it, as they are written.
type Setting = (&'static str, &'static [&'static str]);

/// On every server.
const SETTINGS: &[Setting] = &[
    (
        "sql_mode",
        &[
            "''",
            "'ANSI_QUOTES'",
            "'NO_BACKSLASH_ESCAPES'",
            "'PIPES_AS_CONCAT'",
            "'STRICT_TRANS_TABLES'",
            "'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO'",
            "'ANSI'",
            "'TRADITIONAL'",
            "'ONLY_FULL_GROUP_BY'",
            "'NO_UNSIGNED_SUBTRACTION'",
            "'HIGH_NOT_PRECEDENCE'",
            "CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')",
            "REPLACE(@@sql_mode, 'STRICT_TRANS_TABLES', '')",
            "DEFAULT",
        ],
    ),
    (
        "time_zone",
        &[
            "'+00:00'",
            "'+05:30'",
            "'-08:00'",
            "'SYSTEM'",
            "@@global.time_zone",
            "DEFAULT",
        ],
    ),
    ("autocommit", &["0", "1", "OFF", "ON", "DEFAULT"]),
    (
        "group_concat_max_len",
        &["4", "7", "1024", "@@group_concat_max_len * 2", "DEFAULT"],
    ),
    ("div_precision_increment", &["0", "2", "9", "DEFAULT"]),
    ("default_week_format", &["0", "3", "7"]),
    (
        "sql_select_limit",
        &["1", "2", "DEFAULT", "18446744073709551615"],
    ),
    ("sql_safe_updates", &["0", "1"]),
    ("foreign_key_checks", &["0", "1", "OFF"]),
    ("unique_checks", &["0", "ON"]),
    ("auto_increment_increment", &["1", "5", "10", "DEFAULT"]),
    ("auto_increment_offset", &["1", "3"]),
    ("innodb_lock_wait_timeout", &["5", "50", "DEFAULT"]),
    ("lc_time_names", &["'de_DE'", "'en_US'"]),
    ("max_sort_length", &["64", "1024"]),
    ("wait_timeout", &["28800", "7200", "600"]),
    ("net_write_timeout", &["60", "120"]),
    (
        "character_set_results",
        &["NULL", "'latin1'", "utf8mb4", "DEFAULT"],
    ),
    ("character_set_client", &["'latin1'", "utf8mb4"]),
    ("character_set_connection", &["'latin1'", "'utf8mb4'"]),
    (
        "collation_connection",
        &["'utf8mb4_bin'", "utf8mb4_general_ci", "latin1_swedish_ci"],
    ),
    ("default_storage_engine", &["'InnoDB'", "'Memory'"]),
    ("max_allowed_packet", &["1048576"]),
    (
        "transaction_isolation",
        &["'READ-COMMITTED'", "'REPEATABLE-READ'"],
    ),
    ("tx_isolation", &["'READ-COMMITTED'", "DEFAULT"]),
    ("last_insert_id", &["77", "0"]),
    ("timestamp", &["1000000000", "DEFAULT"]),
    ("no_such_variable", &["1"]),
];

/// On servers other than TiDB.
const SETTINGS_OF_MYSQL: &[Setting] = &[
    ("sql_auto_is_null", &["0", "1"]),
    ("insert_id", &["4000"]),
    (
        "optimizer_switch",
        &["'index_merge=off'", "'mrr=off'", "DEFAULT"],
    ),
    ("low_priority_updates", &["1", "0"]),
    ("max_join_size", &["1000000", "DEFAULT"]),
    ("sql_big_selects", &["1", "0"]),
    ("sql_notes", &["0", "1"]),
    ("sql_warnings", &["0", "1"]),
    ("profiling", &["0"]),
    ("max_error_count", &["0", "1", "64"]),
    ("completion_type", &["0", "1", "'NO_CHAIN'"]),
    ("tmp_table_size", &["1048576", "DEFAULT"]),
    ("updatable_views_with_limit", &["0", "'YES'"]),
    ("session_track_schema", &["1", "0"]),
    ("session_track_state_change", &["1", "0", "DEFAULT"]),
    (
        "session_track_system_variables",
        &["'*'", "'autocommit,time_zone'", "''", "DEFAULT"],
    ),
    ("session_track_transaction_info", &["'STATE'", "'OFF'"]),
];

/// On TiDB alone.
const SETTINGS_OF_TIDB: &[Setting] = &[
    ("tidb_opt_agg_push_down", &["0", "1"]),
    (
        "tidb_txn_mode",
        &["'optimistic'", "'pessimistic'", "DEFAULT"],
    ),
    ("tidb_mem_quota_query", &["2147483648", "DEFAULT"]),
    ("tidb_max_chunk_size", &["32", "1024"]),
    ("tidb_enable_noop_functions", &["1", "0"]),
    ("max_execution_time", &["30000", "0"]),
    ("tidb_constraint_check_in_place", &["0", "1"]),
];

/// On MariaDB alone.
const SETTINGS_OF_MARIADB: &[Setting] = &[
    ("max_statement_time", &["30", "0", "1.5"]),
    ("old_mode", &["''", "'UTF8_IS_UTF8MB3'", "DEFAULT"]),
    ("check_constraint_checks", &["0", "1"]),
    ("in_predicate_conversion_threshold", &["10", "1000"]),
];

/// Statements whose results depend on system variables.
const EFFECTS: &[&str] = &[
    "SELECT GROUP_CONCAT(label ORDER BY id) FROM kind",
    "SELECT FROM_UNIXTIME(0), UNIX_TIMESTAMP('2020-01-01 00:00:00')",
    "SELECT 1/3, 5 / 7 AS fraction",
    "SELECT WEEK('2024-12-31')",
    "SELECT 'a' || 'b' AS joined",
    "SELECT 'a\\nb', LENGTH('a\\nb')",
    "SELECT \"label\" FROM kind ORDER BY id",
    "SELECT id FROM kind ORDER BY id",
    "SELECT 'ä', HEX('ä'), LENGTH('ä')",
    "SELECT 'A' = 'a', CHARSET('x'), COLLATION('x')",
    "SELECT NOT 1 BETWEEN -5 AND 5",
    "SELECT CAST(1 AS UNSIGNED) - 2",
    "SELECT DATE_FORMAT('2024-05-01', '%W %M')",
    "SELECT NOW() < '2005-01-01', UTC_TIMESTAMP() < '2005-01-01'",
    "SELECT body FROM big WHERE id = 3",
    "INSERT INTO item (n, s) VALUES (7, 'much too long for the column')",
    "INSERT INTO item (n, d) VALUES (8, 1/0)",
    "SELECT label, COUNT(*) FROM kind",
    "UPDATE kind SET price = 1",
    "INSERT INTO journal (note, at) VALUES ('then', '2020-01-01 00:00:00')",
    "SELECT note, at, UNIX_TIMESTAMP(at) FROM journal ORDER BY id LIMIT 1",
    "SELECT id FROM item WHERE id IS NULL",
    "CREATE TEMPORARY TABLE brief (a INT)",
];

impl Generator {
    /// Sets something, reads something, or runs what depends on it.
    pub(super) fn setting(&mut self) {
        let sql = match self.random.below(20) {
            0..=8 => self.assignment(),
            9..=13 => self.effect(),
            14 => self.names(),
            15 => {
                let count = self.random.between(2, 4);
                let several: Vec<_> = (0..count).map(|_| self.one_assignment()).collect();
                format!("SET {}", several.join(", "))
            }
            _ => self.read_setting(),
        };
        self.steps.push(Step::Query(sql));
    }

    pub(super) fn assignment(&mut self) -> String {
        if self.random.chance(8) {
            return self.names();
        }
        let assignment = self.one_assignment();
        format!("SET {assignment}")
    }

    /// A statement that shows what a variable does.
    pub(super) fn effect(&mut self) -> String {
        (*self.random.pick(EFFECTS)).to_owned()
    }

    fn setting_of(&mut self) -> Setting {
        let own = match self.kind {
            DatabaseKind::Tidb => SETTINGS_OF_TIDB,
            DatabaseKind::MariaDb if self.random.chance(40) => SETTINGS_OF_MARIADB,
            _ => SETTINGS_OF_MYSQL,
        };
        // Those that change results come more often than the rest.
        match self.random.below(10) {
            0..=2 => SETTINGS[self.random.below(6)],
            3..=7 => *self.random.pick(SETTINGS),
            _ => *self.random.pick(own),
        }
    }

    pub(super) fn one_assignment(&mut self) -> String {
        let (name, values) = self.setting_of();
        let value = *self.random.pick(values);
        if self.random.chance(10) {
            return self.user_assignment();
        }
        let forms = [
            (60, format!("{name} = {value}")),
            (15, format!("SESSION {name} = {value}")),
            (10, format!("@@{name} = {value}")),
            (8, format!("@@session.{name} := {value}")),
            (4, format!("LOCAL {} = {value}", name.to_uppercase())),
            (2, format!("`{name}` = {value}")),
            (1, format!("GLOBAL {name} = {value}")),
        ];
        self.random.weighted(&forms).clone()
    }

    fn names(&mut self) -> String {
        (*self.random.pick(&[
            "SET NAMES utf8mb4",
            "SET NAMES latin1",
            "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
            "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci'",
            "SET NAMES DEFAULT",
            "SET CHARACTER SET latin1",
            "SET CHARACTER SET 'utf8mb4'",
            "SET NAMES no_such_set",
            "set names binary",
        ]))
        .to_owned()
    }

    fn read_setting(&mut self) -> String {
        let (name, _) = self.setting_of();
        let (other, _) = self.setting_of();
        // The clock of two servers differs.
        let name = if name == "timestamp" {
            "sql_mode"
        } else {
            name
        };
        let other = if other == "timestamp" {
            "time_zone"
        } else {
            other
        };
        match self.random.below(8) {
            0..=2 => format!("SELECT @@{name}"),
            3 => format!("SELECT @@session.{name}, @@{other}"),
            4 => format!("SHOW VARIABLES LIKE '{name}'"),
            5 => {
                format!("SELECT @@{name} AS value, @@character_set_client, @@collation_connection")
            }
            6 => format!("SHOW SESSION VARIABLES WHERE Variable_name IN ('{name}', '{other}')"),
            _ => "SHOW VARIABLES LIKE 'character\\_set\\_%'".to_owned(),
        }
    }
}
