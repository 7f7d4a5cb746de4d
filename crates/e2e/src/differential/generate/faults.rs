//! Statements that fail, and statements that warn.

use super::Generator;

const FAULTS: [&str; 28] = [
    "SELEC 1",
    "SELECT * FROM missing",
    "SELECT missing FROM kind",
    "INSERT INTO kind (id, label) VALUES (1, 'one again')",
    "INSERT INTO item (id, n) VALUES (900, 900), (900, 901)",
    "INSERT INTO kind (id, label) VALUES (50, NULL)",
    "INSERT INTO kind (id) VALUES (51)",
    "INSERT INTO item (n, s) VALUES (60, 'far longer than ten characters')",
    "INSERT IGNORE INTO item (n, s) VALUES (61, 'far longer than ten characters')",
    "INSERT INTO item (n) VALUES (99999999999)",
    "INSERT INTO item (n) VALUES ('12 apples')",
    "UPDATE item SET d = 'price'",
    "SELECT 1/0, LOG(-1)",
    "SELECT CAST('12x' AS SIGNED), CAST('' AS DECIMAL(4, 2))",
    "SELECT (SELECT id FROM kind)",
    "SELECT IF(id < 3, id, (SELECT id FROM kind)) FROM kind ORDER BY id",
    "",
    "  -- nothing\n",
    "SELECT no_such_function(1)",
    "USE no_such_database",
    "SET no_such_variable = 1",
    "SET sql_mode = 'no such mode'",
    "SET @a = 5, group_concat_max_len = 'many'",
    "SELECT 'unclosed",
    "DROP TABLE IF EXISTS never_there",
    "SELECT * FROM mysql.user",
    "SELECT STR_TO_DATE('nonsense', '%Y-%m-%d'), DATE_ADD('9999-12-31', INTERVAL 1 DAY)",
    "SELECT id FROM kind WHERE label = 5 ORDER BY id",
];

const FAULTS_OF_MYSQL: [&str; 4] = [
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'on purpose', MYSQL_ERRNO = 1234",
    "SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'a warning'",
    "CALL fails_late()",
    "CALL missing()",
];

impl Generator {
    /// One statement that fails or warns.
    pub(super) fn fault(&mut self) -> String {
        if !self.is_tidb() && self.random.chance(12) {
            return (*self.random.pick(&FAULTS_OF_MYSQL)).to_owned();
        }
        (*self.random.pick(&FAULTS)).to_owned()
    }
}
