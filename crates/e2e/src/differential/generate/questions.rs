//! Questions about the statement before, and about the session.

use testkit::DatabaseKind;

use super::Generator;

const QUESTIONS: [&str; 22] = [
    "SELECT LAST_INSERT_ID()",
    "SELECT ROW_COUNT()",
    "SELECT FOUND_ROWS()",
    "SHOW WARNINGS",
    "SHOW ERRORS",
    "SHOW COUNT(*) WARNINGS",
    "SELECT @@warning_count",
    "SELECT @@error_count, @@warning_count",
    "SELECT @@last_insert_id, @@identity",
    "SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS()",
    "SELECT LAST_INSERT_ID() + 1 AS next, ROW_COUNT() AS changed",
    "SHOW WARNINGS LIMIT 1",
    "SELECT CONNECTION_ID()",
    "SELECT CONNECTION_ID() AS connection_id, DATABASE()",
    "SELECT DATABASE(), CURRENT_USER(), USER()",
    "SELECT CONNECTION_ID() = @@pseudo_thread_id",
    "SELECT @@autocommit, @@sql_mode",
    "select last_insert_id() from kind where id < 3",
    "SELECT id FROM item WHERE id = LAST_INSERT_ID()",
    "SHOW TABLES",
    "SELECT ROW_COUNT() AS `ROW_COUNT`, (SELECT LAST_INSERT_ID()) AS nested",
    "/* a comment */ SELECT /* inside */ LAST_INSERT_ID () -- behind\n",
];

const QUESTIONS_OF_MARIADB: [&str; 4] = [
    "SELECT @@in_transaction",
    "GET DIAGNOSTICS CONDITION 1 @message = MESSAGE_TEXT, @state = RETURNED_SQLSTATE",
    "SELECT @message, @state",
    "SELECT LASTVAL(serial)",
];

const QUESTIONS_OF_MYSQL: [&str; 3] = [
    "GET DIAGNOSTICS @rows = ROW_COUNT, @conditions = NUMBER",
    "SELECT @rows, @conditions",
    "SELECT CURRENT_ROLE()",
];

const QUESTIONS_OF_TIDB: [&str; 2] = ["SELECT @@tidb_current_ts > 0", "SELECT CURRENT_ROLE()"];

impl Generator {
    /// One question.
    pub(super) fn question(&mut self) -> String {
        let own: &[&str] = match self.kind {
            DatabaseKind::MariaDb => &QUESTIONS_OF_MARIADB,
            DatabaseKind::MySql => &QUESTIONS_OF_MYSQL,
            DatabaseKind::Tidb => &QUESTIONS_OF_TIDB,
        };
        let question = match self.random.below(20) {
            // The first are what drivers ask.
            0..=8 => QUESTIONS[self.random.below(8)],
            9 => *self.random.pick(own),
            _ => *self.random.pick(&QUESTIONS),
        };
        if self.is_tidb() && question.contains("pseudo_thread_id") {
            // Which is 0 there.
            return "SELECT CONNECTION_ID() AS connection_id".to_owned();
        }
        if self.is_tidb() && question.contains("LIMIT") {
            // Which it does not understand.
            return "SHOW WARNINGS".to_owned();
        }
        question.to_owned()
    }
}
