"""PyMySQL: takes the connection as JSON, prints the outcome of the session as JSON.

The outcome is equal for any two ways to the same database: the tests compare the way through
tidegate with a direct connection.
"""

import datetime
import decimal
import hashlib
import json
import os
import sys
import tempfile
import threading

import pymysql
from pymysql.constants import CLIENT

MIB = 1024 * 1024
# More than one packet holds (16 MiB - 1), on the way there and on the way back.
HUGE = 17 * MIB
PARALLEL = 8
OPTIONS = json.loads(sys.argv[1])


def connect(**more):
    return pymysql.connect(**OPTIONS, charset="utf8mb4", max_allowed_packet=64 * MIB, **more)


def digest(data):
    return hashlib.sha1(data if isinstance(data, bytes) else data.encode()).hexdigest()


def plain(value):
    if isinstance(value, bytes):
        return f"bytes:{digest(value)}:{len(value)}"
    if isinstance(value, (datetime.date, datetime.timedelta, decimal.Decimal)):
        return f"{type(value).__name__}:{value}"
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def rows(connection, sql, values=None):
    with connection.cursor() as cursor:
        changed = cursor.execute(sql, values)
        return {
            "rows": plain(cursor.fetchall()),
            "columns": [list(column) for column in cursor.description or []],
            "changed": changed,
            "id": cursor.lastrowid,
        }


def text(connection):
    return rows(connection, "SELECT 1 + 1 AS two, 'ひ🌊' AS sea, NULL AS none")


def types(connection):
    rows(connection, "DROP TABLE IF EXISTS py_types")
    rows(
        connection,
        """CREATE TABLE py_types (id INT PRIMARY KEY AUTO_INCREMENT, big BIGINT,
        wide BIGINT UNSIGNED, exact DECIMAL(30,10), near DOUBLE, moment DATETIME(6), day DATE,
        span TIME(3), doc JSON, bytes BLOB, words VARCHAR(200) CHARACTER SET utf8mb4)""",
    )
    insert = "INSERT INTO py_types VALUES (NULL, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    inserted = rows(
        connection,
        insert,
        [
            -(2**63), 2**64 - 1, decimal.Decimal("12345678901234567890.0123456789"), 0.1,
            datetime.datetime(2026, 11, 22, 23, 59, 59, 123456), datetime.date(1000, 1, 1),
            datetime.timedelta(hours=-838), '{"a": [1, "b"]}', bytes([0, 255, 39, 92]), "naïve ☃ 𝄞",
        ],
    )
    return [inserted, rows(connection, "SELECT * FROM py_types ORDER BY id")]


def transaction(connection):
    rows(connection, "DROP TABLE IF EXISTS py_accounts")
    rows(connection, "CREATE TABLE py_accounts (id INT PRIMARY KEY, amount INT)")
    rows(connection, "INSERT INTO py_accounts VALUES (1, 100), (2, 0)")
    seen = []
    for end in [connection.commit, connection.rollback]:
        connection.begin()
        rows(connection, "UPDATE py_accounts SET amount = amount - 30 WHERE id = 1")
        rows(connection, "UPDATE py_accounts SET amount = amount + 30 WHERE id = 2")
        seen.append(rows(connection, "SELECT * FROM py_accounts ORDER BY id"))
        end()
        seen.append(rows(connection, "SELECT * FROM py_accounts ORDER BY id"))
    # PyMySQL begins without autocommit, so what it does next is in a transaction too.
    connection.autocommit(False)
    rows(connection, "UPDATE py_accounts SET amount = 0")
    connection.rollback()
    seen.append(rows(connection, "SELECT SUM(amount) FROM py_accounts"))
    connection.autocommit(True)
    return seen


def error(connection):
    failures = []
    for sql in ["SELECT * FROM py_missing", "SELEC 1", "SELECT no_such_column"]:
        try:
            rows(connection, sql)
        except pymysql.err.MySQLError as problem:
            failures.append([type(problem).__name__, *problem.args])
    return [failures, rows(connection, "SELECT 'still here'")]


def session(connection):
    rows(connection, "DROP TABLE IF EXISTS py_log")
    rows(connection, "CREATE TABLE py_log (id INT PRIMARY KEY AUTO_INCREMENT, x INT)")
    rows(connection, "SET @word = 'kept'")
    rows(connection, "CREATE TEMPORARY TABLE py_scratch (x INT)")
    rows(connection, "PREPARE twice FROM 'SELECT ? * 2'")
    rows(connection, "SET @n = 21")
    outcome = [
        rows(connection, "INSERT INTO py_log (x) VALUES (5), (6), (7)"),
        rows(connection, "SELECT LAST_INSERT_ID()"),
        rows(connection, "UPDATE py_log SET x = 9 WHERE x > 5"),
        rows(connection, "SELECT @word, COUNT(*) FROM py_scratch"),
        rows(connection, "EXECUTE twice USING @n"),
        rows(connection, "SELECT 1 / 0"),
        rows(connection, "SHOW WARNINGS"),
        rows(connection, "SELECT GET_LOCK('py', 1)"),
        rows(connection, "SELECT RELEASE_LOCK('py')"),
    ]
    connection.ping(reconnect=False)
    database = OPTIONS["database"]
    connection.select_db("information_schema")
    outcome.append(rows(connection, "SELECT LOWER(DATABASE())"))
    connection.select_db(database)
    outcome.append(rows(connection, "SELECT DATABASE()"))
    return outcome


def several_results(_):
    with connect(client_flag=CLIENT.MULTI_STATEMENTS) as connection:
        seen = []
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1; SET @b = 2; SELECT 'x', @b")
            seen.append(plain(cursor.fetchall()))
            while cursor.nextset():
                seen.append(plain(cursor.fetchall()))
        return seen


def big_result(connection):
    sql = f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
        SELECT i, REPEAT(CHAR(64 + i USING ascii), {MIB}) FROM n"""
    seen = []
    # Row by row, as it arrives.
    with connection.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute(sql)
        for number, body in cursor:
            seen.append([number, len(body), digest(body)])
    return seen


def huge_value(connection):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT REPEAT('y', {HUGE})")
        (body,) = cursor.fetchone()
        cursor.execute("SELECT LENGTH(%s)", ["z" * HUGE])
        return [len(body), digest(body), plain(cursor.fetchall())]


def local_file(connection):
    rows(connection, "DROP TABLE IF EXISTS py_file")
    rows(connection, "CREATE TABLE py_file (id INT, word VARCHAR(20))")
    with connect(local_infile=True) as own, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.tsv")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{number}\tword {number}\n" for number in range(20000))
        try:
            rows(own, f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE py_file")
            own.commit()
        except pymysql.err.MySQLError as problem:
            # Whether the server allows it is its own affair, but it must be the same answer.
            return [type(problem).__name__, problem.args[0]]
    return rows(connection, "SELECT COUNT(*), SUM(id), MAX(word) FROM py_file")


def parallel(connection):
    rows(connection, "DROP TABLE IF EXISTS py_parallel")
    rows(connection, "CREATE TABLE py_parallel (worker INT, turn INT)")
    outcome = [None] * PARALLEL

    def work(worker):
        with connect(autocommit=True) as own:
            rows(own, f"SET @me = {worker}")
            for turn in range(10):
                rows(own, "INSERT INTO py_parallel VALUES (@me, %s)", [turn])
            sql = "SELECT @me, COUNT(*) FROM py_parallel WHERE worker = %s"
            outcome[worker] = rows(own, sql, [worker])

    threads = [threading.Thread(target=work, args=[worker]) for worker in range(PARALLEL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


STEPS = [
    text, types, transaction, error, session, several_results, big_result, huge_value, local_file,
    parallel,
]


def main():
    outcome = {}
    with connect(autocommit=True) as connection:
        for step in STEPS:
            try:
                outcome[step.__name__] = step(connection)
            except pymysql.err.MySQLError as problem:
                outcome[step.__name__] = {"failed": [type(problem).__name__, *problem.args]}
    json.dump(outcome, sys.stdout)


main()
