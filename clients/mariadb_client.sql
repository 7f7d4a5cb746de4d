-- What the mariadb command line client is given on stdin; its whole output is compared.
SELECT 1 + 1 AS two, 'ひ🌊' AS sea, NULL AS none;
DROP TABLE IF EXISTS cli_types;
CREATE TABLE cli_types (id INT PRIMARY KEY AUTO_INCREMENT, big BIGINT, wide BIGINT UNSIGNED,
  exact DECIMAL(30,10), moment DATETIME(6), doc JSON, bytes BLOB,
  words VARCHAR(200) CHARACTER SET utf8mb4);
INSERT INTO cli_types VALUES (NULL, -9223372036854775808, 18446744073709551615,
  '12345678901234567890.0123456789', '2026-11-22 23:59:59.123456', '{"a": [1, "b"]}',
  x'41424300', 'naïve ☃ 𝄞');
SELECT id, big, wide, exact, moment, doc, HEX(bytes), words FROM cli_types;
BEGIN;
UPDATE cli_types SET big = 1;
SELECT big FROM cli_types;
ROLLBACK;
SELECT big FROM cli_types;
START TRANSACTION;
UPDATE cli_types SET big = 2;
COMMIT;
SELECT big FROM cli_types;
SELECT * FROM cli_missing;
SELECT 'still here' AS state;
SET @word = 'kept';
PREPARE twice FROM 'SELECT ? * 2 AS twice';
SET @n = 21;
EXECUTE twice USING @n;
DEALLOCATE PREPARE twice;
CREATE TEMPORARY TABLE cli_scratch (x INT);
INSERT INTO cli_scratch VALUES (1), (2);
SELECT @word AS word, COUNT(*) AS n FROM cli_scratch;
SELECT LAST_INSERT_ID() > 0 AS has_id;
delimiter //
SELECT 1 AS a; SELECT 2 AS b//
delimiter ;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
  SELECT i, REPEAT(CHAR(64 + i USING ascii), 1048576) AS body FROM n;
SELECT REPEAT('y', 17825792) AS huge;
SELECT 'the end' AS state;
