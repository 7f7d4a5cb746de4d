//! The tables that programs work on. Each lane has two databases with the same names in them, and
//! contents that tell them apart, so that a statement which reaches the wrong one shows.

use testkit::DatabaseKind;

/// The first database of a lane.
pub(super) fn database(lane: usize) -> String {
    format!("lane{lane}")
}

/// The second database of a lane.
pub(super) fn second_database(lane: usize) -> String {
    format!("lane{lane}b")
}

/// What drops the databases of a lane.
pub(super) fn drop_all(lane: usize) -> Vec<String> {
    let databases = [database(lane), second_database(lane)];
    databases
        .map(|database| format!("DROP DATABASE IF EXISTS {database}"))
        .to_vec()
}

/// What makes the databases of a lane anew.
pub(super) fn build(kind: DatabaseKind, lane: usize) -> Vec<String> {
    let mut statements = Vec::new();
    for database in [database(lane), second_database(lane)] {
        statements.push(format!("DROP DATABASE IF EXISTS {database}"));
        statements.push(format!("CREATE DATABASE {database}"));
        statements.extend(tables(&database));
        if kind != DatabaseKind::Tidb {
            statements.extend(programs(kind, &database));
        }
    }
    statements.extend(refill(lane));
    statements
}

/// What empties and fills the tables of a lane, where their definitions are as they were.
pub(super) fn refill(lane: usize) -> Vec<String> {
    let mut statements = vec!["BEGIN".to_owned()];
    for database in [database(lane), second_database(lane)] {
        for table in ["item", "kind", "journal", "big"] {
            statements.push(format!("DELETE FROM {database}.{table}"));
        }
        statements.push(format!(
            "INSERT INTO {database}.kind VALUES (1, 'one', 1.50, '2024-02-29 12:00:00'), \
             (2, 'two', -2.25, NULL), (3, '{database}', NULL, '1999-12-31 23:59:59')"
        ));
        statements.push(format!(
            "INSERT INTO {database}.big VALUES (1, REPEAT('a', 300), '{{\"a\": 1}}', 9, 0.5), \
             (2, NULL, NULL, NULL, NULL), (3, 'ä', '[1, 2]', 18446744073709551615, -1e10)"
        ));
    }
    statements.push("COMMIT".to_owned());
    statements
}

fn tables(database: &str) -> Vec<String> {
    let options = "DEFAULT CHARSET=utf8mb4";
    vec![
        format!(
            "CREATE TABLE {database}.item (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL \
             DEFAULT 0, s VARCHAR(10), d DECIMAL(6,2), UNIQUE KEY n_once (n)) {options}"
        ),
        format!(
            "CREATE TABLE {database}.kind (id INT PRIMARY KEY, label VARCHAR(20) NOT NULL, \
             price DECIMAL(8,2), made DATETIME) {options}"
        ),
        format!(
            "CREATE TABLE {database}.journal (id BIGINT AUTO_INCREMENT PRIMARY KEY, note \
             VARCHAR(40) NOT NULL, at TIMESTAMP NULL) {options}"
        ),
        format!(
            "CREATE TABLE {database}.big (id INT PRIMARY KEY, body TEXT, doc JSON, u BIGINT \
             UNSIGNED, f DOUBLE) {options}"
        ),
    ]
}

/// Triggers and procedures, which TiDB does not have.
fn programs(kind: DatabaseKind, database: &str) -> Vec<String> {
    let procedure = |text: &str| format!("CREATE PROCEDURE {database}.{text}");
    let mut statements = vec![
        format!(
            "CREATE TRIGGER {database}.fired AFTER INSERT ON {database}.journal FOR EACH ROW \
             SET @fired = NEW.note"
        ),
        procedure("two_results() BEGIN SELECT 1 AS a; SELECT id, label FROM kind ORDER BY id; END"),
        procedure("doubled(IN a INT, OUT b INT) BEGIN SET b = a * 2; END"),
        procedure("counted(INOUT a INT) BEGIN SELECT a AS before_; SET a = a + 1; END"),
        procedure(
            "leaves_state() BEGIN SET @left_behind = 7; SET SESSION group_concat_max_len = 99; END",
        ),
        procedure(
            "fails_late() BEGIN SELECT 1 AS fine; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = \
             'on purpose'; END",
        ),
        procedure("adds(IN a INT) BEGIN INSERT INTO item (n) VALUES (a); END"),
        procedure("begins(IN a INT) BEGIN START TRANSACTION; INSERT INTO item (n) VALUES (a); END"),
        procedure(
            "begins_and_fails(IN a INT) BEGIN START TRANSACTION; INSERT INTO item (n) VALUES (a); \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'begun'; END",
        ),
        procedure(
            "warns() BEGIN DECLARE n TINYINT; SET n = 1; SELECT CAST('x' AS SIGNED) + n; END",
        ),
        procedure(
            "handles() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION SELECT 'handled' AS a; \
             INSERT INTO kind (id, label) VALUES (1, 'once'), (1, 'twice'); END",
        ),
        procedure(
            "finds() BEGIN SELECT SQL_CALC_FOUND_ROWS id FROM kind ORDER BY id LIMIT 1; \
             UPDATE kind SET label = label; END",
        ),
        format!(
            "CREATE FUNCTION {database}.plus_one(a INT) RETURNS INT DETERMINISTIC NO SQL RETURN a \
             + 1"
        ),
        format!(
            "CREATE FUNCTION {database}.kinds() RETURNS INT READS SQL DATA RETURN (SELECT \
             COUNT(*) FROM kind)"
        ),
        format!(
            "CREATE FUNCTION {database}.stores(a INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA \
             BEGIN INSERT INTO item (n) VALUES (a); RETURN LAST_INSERT_ID(); END"
        ),
    ];
    // What people call what their server does not have, and a native name.
    for name in ["noted", "uuid_to_bin", "nvl", "`mid`"] {
        statements.push(format!(
            "CREATE FUNCTION {database}.{name}(a INT) RETURNS INT DETERMINISTIC NO SQL BEGIN SET \
             @noted = a; RETURN a + 1; END"
        ));
    }
    if kind == DatabaseKind::MariaDb {
        statements.push(format!("CREATE SEQUENCE {database}.serial"));
    }
    statements
}
