//! What drivers, ORMs and tools open their sessions with pins nothing.

use super::effect;
use crate::PinReason;

/// As the clients send it.
pub(super) const STATEMENTS: &[&str] = &[
    // Django.
    "SET SQL_AUTO_IS_NULL = 0",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SELECT VERSION(), @@sql_mode, @@default_storage_engine, @@sql_auto_is_null, \
     @@lower_case_table_names, CONVERT_TZ('2001-01-01 01:00:00', 'UTC', 'UTC') IS NOT NULL",
    "SET foreign_key_checks=0",
    "SET foreign_key_checks=1",
    // Rails.
    "SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci,  @@SESSION.sql_mode = \
     CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'),  \
     @@SESSION.sql_auto_is_null = 0, @@SESSION.wait_timeout = 2147483",
    "SET NAMES utf8mb4,  @@SESSION.sql_mode = 'TRADITIONAL', @@SESSION.sql_auto_is_null = 0",
    "SELECT @@FOREIGN_KEY_CHECKS",
    "SET FOREIGN_KEY_CHECKS = 0",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    // Laravel.
    "set names 'utf8mb4' collate 'utf8mb4_unicode_ci'",
    "set session sql_mode='ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,\
     NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci', SESSION sql_mode='STRICT_TRANS_TABLES';",
    "use `laravel`;",
    "set time_zone=\"+00:00\"",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    // Connector/J, and Hibernate on it.
    "/* mysql-connector-j-8.3.0 (Revision: abc) */SELECT  @@session.auto_increment_increment AS \
     auto_increment_increment, @@character_set_client AS character_set_client, \
     @@session.transaction_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout",
    "SET character_set_results = NULL",
    "SET NAMES utf8mb4",
    "SET autocommit=1",
    "SET autocommit=0",
    "SET sql_mode='STRICT_TRANS_TABLES'",
    "set session transaction read only",
    "set session transaction read write",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "select @@session.transaction_read_only",
    "SET SQL_SELECT_LIMIT=DEFAULT",
    "SET SQL_SELECT_LIMIT=50",
    "SET SESSION net_write_timeout=600",
    "SELECT @@session.tx_isolation",
    "SHOW WARNINGS",
    // MariaDB Connector/J.
    "set autocommit=1, sql_mode = concat(@@sql_mode,',STRICT_TRANS_TABLES'), \
     session_track_schema=1",
    "set session_track_system_variables = \
     CONCAT(@@global.session_track_system_variables,',transaction_isolation')",
    // mysql2, Prisma, Drizzle, TypeORM, Sequelize.
    "SET NAMES utf8mb4;",
    "SET time_zone = '+00:00';",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;",
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SELECT @@socket, @@version_comment",
    "SELECT VERSION() AS `version`",
    "SET SESSION group_concat_max_len = 1024",
    "SELECT DATABASE() AS `db_name`",
    "START TRANSACTION",
    "SELECT * FROM `INFORMATION_SCHEMA`.`COLUMNS` WHERE `TABLE_SCHEMA` = 'a'",
    // SQLAlchemy on PyMySQL.
    "SET AUTOCOMMIT = 0",
    "SELECT @@transaction_isolation",
    "SELECT @@lower_case_table_names",
    "SELECT CAST('test plain returns' AS CHAR(60)) AS anon_1",
    "ROLLBACK",
    "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    // Go's driver.
    "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci",
    "SET time_zone = 'Europe/Paris', sql_mode = 'TRADITIONAL'",
    "SELECT @@max_allowed_packet",
    "SET autocommit=true",
    // PHP, WordPress.
    "SET SESSION sql_mode='NO_ZERO_IN_DATE'",
    "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_520_ci'",
    "SELECT FOUND_ROWS()",
    "SET SQL_BIG_SELECTS=1",
    // mysqldump, its output, and mysql.
    "/*!40101 SET NAMES utf8mb4 */",
    "/*!40103 SET TIME_ZONE='+00:00' */;",
    "/*!40100 SET @@SQL_MODE='' */",
    "SET SESSION NET_READ_TIMEOUT= 86400, SESSION NET_WRITE_TIMEOUT= 86400",
    "SET SQL_QUOTE_SHOW_CREATE=1",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION /* WITH CONSISTENT SNAPSHOT */",
    "SET SESSION character_set_results = 'binary'",
    "SET SESSION character_set_results = 'utf8mb4'",
    "/*!50503 SET character_set_client = utf8mb4 */",
    "SET SESSION information_schema_stats_expiry=0",
    "select @@version_comment limit 1",
    "KILL QUERY 7",
    "SELECT CONNECTION_ID()",
    "SELECT LAST_INSERT_ID()",
    "CREATE USER 'a'@'%' IDENTIFIED BY 'x'",
    "GRANT ALL ON d.* TO 'a'@'%' WITH GRANT OPTION",
    "SHOW GRANTS FOR 'a'@'%'",
    "FLUSH PRIVILEGES",
    "FLUSH TABLES",
    "CREATE DEFINER=`a`@`%` VIEW v AS SELECT f(1), @@version",
    "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW SET NEW.a = @b;",
    "LOAD DATA LOCAL INFILE 'x' INTO TABLE t CHARACTER SET utf8 FIELDS TERMINATED BY ',' (a, b)",
    "INSERT INTO \"t\" (\"a\") VALUES (1)",
];

#[test]
fn pins_nothing() {
    for sql in STATEMENTS {
        let pin = effect(sql).pin;
        if sql.contains("session_character_set") {
            // MariaDB's driver means a variable that no server has.
            assert_eq!(pin, Some(PinReason::SessionVariable), "{sql}");
        } else {
            assert_eq!(pin, None, "{sql}");
        }
    }
}

#[test]
fn dumps_that_remember_the_old_values_pin() {
    for sql in [
        "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;",
        "/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;",
    ] {
        assert!(effect(sql).pin.is_some(), "{sql}");
    }
}
