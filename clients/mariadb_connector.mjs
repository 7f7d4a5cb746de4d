// MariaDB's own connector in Node: takes the connection as JSON, prints the outcome of the session
// as JSON. It sends commands before it has the answers to those before them, executes what it has
// just prepared by the id -1, and inserts arrays in bulk, which no other client does.
import { createHash } from 'node:crypto';
import { createConnection } from 'mariadb';

// More than one packet holds (16 MiB - 1), on the way there and on the way back.
const HUGE = 17 * 1024 * 1024;

const options = { ...JSON.parse(process.argv[2]), trace: true };

const digest = (data) => createHash('sha1').update(data).digest('hex');

const plain = (value) => {
  if (typeof value === 'bigint') return `bigint:${value}`;
  if (Buffer.isBuffer(value)) return `bytes:${digest(value)}:${value.length}`;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
};

// Rows, and the columns as the wire tells them.
const table = (rows) => ({
  rows: plain([...rows]),
  columns: rows.meta.map((column) => ({
    name: column.name(), type: column.type, length: column.columnLength, flags: column.flags,
    collation: column.collation?.index, scale: column.scale,
  })),
});

const failure = ({ errno, sqlState, sqlMessage }) => ({ errno, sqlState, sqlMessage });

const STEPS = {
  async types(connection) {
    await connection.query('DROP TABLE IF EXISTS connector_types');
    await connection.query(
      `CREATE TABLE connector_types (id INT PRIMARY KEY AUTO_INCREMENT, big BIGINT UNSIGNED,
       exact DECIMAL(30,10), moment DATETIME(6), doc JSON, bytes BLOB,
       words VARCHAR(200) CHARACTER SET utf8mb4)`);
    const insert = 'INSERT INTO connector_types VALUES (NULL, ?, ?, ?, ?, ?, ?)';
    const values = [18446744073709551615n, '12345678901234567890.0123456789',
      '2026-11-22 23:59:59.123456', '{"a": [1, "b"]}', Buffer.from([0, 1, 255]), 'naïve ☃ 𝄞'];
    const inserted = [];
    for (const verb of ['query', 'execute']) inserted.push(await connection[verb](insert, values));
    const select = 'SELECT * FROM connector_types ORDER BY id';
    return {
      inserted: plain(inserted),
      text: table(await connection.query(select)),
      binary: table(await connection.execute(select)),
    };
  },

  // Each execution goes out with its preparation, and all of them before the first answer.
  async ahead(connection) {
    const sent = [];
    for (let turn = 0; turn < 20; turn += 1) {
      sent.push(connection.execute(`SELECT ? + ${turn} AS sum, ? AS same`, [turn, `${turn}`]));
      sent.push(connection.query('SELECT LAST_INSERT_ID() AS id, ROW_COUNT() AS changed'));
      sent.push(connection.execute('SELECT * FROM connector_missing').catch(failure));
    }
    return plain(await Promise.all(sent));
  },

  async batch(connection) {
    await connection.query('DROP TABLE IF EXISTS connector_batch');
    await connection.query(
      'CREATE TABLE connector_batch (id INT PRIMARY KEY AUTO_INCREMENT, x INT, y VARCHAR(20))');
    const rows = Array.from({ length: 50 }, (_, at) => [at, at % 7 ? `${at}` : null]);
    const done = await connection.batch('INSERT INTO connector_batch (x, y) VALUES (?, ?)', rows);
    const seen = await connection.query('SELECT COUNT(*) AS n, SUM(x) AS x FROM connector_batch');
    return plain({ changed: done.affectedRows, id: done.insertId, seen: [...seen] });
  },

  async prepared(connection) {
    const statement = await connection.prepare('SELECT ? * 2 AS twice, CONCAT(?, ?) AS joined');
    const rows = [];
    for (let turn = 0; turn < 5; turn += 1) {
      rows.push(table(await statement.execute([turn, 'a', String(turn)])));
    }
    statement.close();
    return rows;
  },

  async transaction(connection) {
    await connection.beginTransaction();
    await connection.execute('UPDATE connector_batch SET x = x + ? WHERE id < 5', [100]);
    const inside = await connection.query('SELECT SUM(x) AS x FROM connector_batch');
    await connection.rollback();
    const after = await connection.query('SELECT SUM(x) AS x FROM connector_batch');
    return plain({ inside: [...inside], after: [...after] });
  },

  async errors(connection) {
    const failures = [];
    for (const sql of ['SELECT * FROM connector_missing', 'SELEC 1', 'SELECT no_such_column']) {
      for (const verb of ['execute', 'query']) {
        await connection[verb](sql).catch((error) => failures.push(failure(error)));
      }
    }
    const warnings = await connection.query('SHOW WARNINGS');
    return { failures, warnings: table(warnings) };
  },

  async reset(connection) {
    await connection.query("SET @word = 'gone', time_zone = '+09:00'");
    await connection.reset();
    return table(await connection.query('SELECT @word IS NULL AS is_gone, @@time_zone AS zone'));
  },

  async stream(connection) {
    const sum = createHash('sha1');
    let count = 0;
    const rows = connection.queryStream(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
       SELECT i, REPEAT('x', i) AS body FROM n`);
    for await (const { i, body } of rows) {
      sum.update(`${i}:${body}`);
      count += 1;
    }
    return { count, sum: sum.digest('hex') };
  },

  async huge(connection) {
    const [row] = await connection.query({ sql: 'SELECT ? AS body', rowsAsArray: true },
      ['y'.repeat(HUGE)]);
    return { length: row[0].length, digest: digest(row[0]) };
  },
};

const connection = await createConnection({ ...options, maxAllowedPacket: 64 * 1024 * 1024 });
const outcome = {};
for (const [name, step] of Object.entries(STEPS)) {
  outcome[name] = await step(connection);
}
await connection.end();
process.stdout.write(JSON.stringify(outcome));
