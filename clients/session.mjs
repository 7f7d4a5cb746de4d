// What every JavaScript client does over MySQL, in Node and in a Worker alike. The outcome is plain
// data, equal for any two ways to the same database: the tests compare the way through tidegate
// with a direct connection.
import { createHash } from 'node:crypto';

const MIB = 1024 * 1024;
// More than one packet holds (16 MiB - 1), on the way there and on the way back.
const HUGE = 17 * MIB;
const PARALLEL = 8;

const digest = (data) => createHash('sha1').update(data).digest('hex');

const failure = (error) => ({
  code: error.errno ?? error.code ?? 0,
  state: error.sqlState ?? '',
  message: error.sqlMessage ?? String(error.message),
});

// The columns as the wire tells them, which is more than the values show.
const columns = (fields) =>
  fields.map(({ name, columnType, characterSet, columnLength, flags, decimals }) => ({
    name, columnType, characterSet, columnLength, flags, decimals,
  }));

const plain = (value) => {
  if (value instanceof Uint8Array) return `bytes:${digest(value)}:${value.length}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
};

const STEPS = {
  async text({ connection }) {
    const [rows, fields] = await connection.query("SELECT 1 + 1 AS two, 'ひ🌊' AS sea, NULL AS none");
    return { rows: plain(rows), columns: columns(fields) };
  },

  async types({ connection }) {
    await connection.query('DROP TABLE IF EXISTS js_types');
    await connection.query(
      `CREATE TABLE js_types (id INT PRIMARY KEY AUTO_INCREMENT, big BIGINT, wide BIGINT UNSIGNED,
       exact DECIMAL(30,10), near DOUBLE, moment DATETIME(6), day DATE, span TIME(3), doc JSON,
       bytes BLOB, words VARCHAR(200) CHARACTER SET utf8mb4, kind ENUM('a','b'), flag BIT(9))`);
    const [text] = await connection.query(
      `INSERT INTO js_types VALUES (NULL, -9223372036854775808, 18446744073709551615,
       '12345678901234567890.0123456789', 0.1, '2026-11-22 23:59:59.123456', '1000-01-01',
       '-838:59:58.999', '{"a": [1, "b"]}', x'00ff1000', 'naïve ☃ 𝄞', 'b', b'100000001')`);
    const [prepared] = await connection.execute(
      `INSERT INTO js_types (big, wide, exact, near, moment, day, span, doc, bytes, words, kind)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ['9223372036854775807', '0', '-0.0000000001', 2.5, '2000-02-29 00:00:00.000001', null,
        '00:00:01', '{"ключ": null}', Buffer.from([0, 1, 2, 255]), '', 'a']);
    const select = 'SELECT * FROM js_types ORDER BY id';
    const [asText, textFields] = await connection.query(select);
    const [asBinary, binaryFields] = await connection.execute(select);
    return {
      inserted: [plain(text), plain(prepared)],
      text: plain(asText),
      binary: plain(asBinary),
      columns: [columns(textFields), columns(binaryFields)],
    };
  },

  async prepared({ connection }) {
    const statement = await connection.prepare('SELECT ? * 2 AS twice, CONCAT(?, ?) AS joined');
    const rows = [];
    for (let turn = 0; turn < 5; turn += 1) {
      rows.push(plain((await statement.execute([turn, 'a', String(turn)]))[0]));
    }
    await statement.close();
    return rows;
  },

  async transaction({ connection }) {
    await connection.query('DROP TABLE IF EXISTS js_accounts');
    await connection.query('CREATE TABLE js_accounts (id INT PRIMARY KEY, amount INT)');
    await connection.query('INSERT INTO js_accounts VALUES (1, 100), (2, 0)');
    const move = async (end) => {
      await connection.beginTransaction();
      await connection.execute('UPDATE js_accounts SET amount = amount - ? WHERE id = 1', [30]);
      await connection.execute('UPDATE js_accounts SET amount = amount + ? WHERE id = 2', [30]);
      const [inside] = await connection.query('SELECT * FROM js_accounts ORDER BY id');
      await connection[end]();
      const [after] = await connection.query('SELECT * FROM js_accounts ORDER BY id');
      return { inside: plain(inside), after: plain(after) };
    };
    return { commit: await move('commit'), rollback: await move('rollback') };
  },

  async error({ connection }) {
    const failures = [];
    for (const sql of ['SELECT * FROM js_missing', 'SELEC 1', 'SELECT no_such_column']) {
      for (const verb of ['query', 'execute']) {
        await connection[verb](sql).catch((error) => failures.push(failure(error)));
      }
    }
    const [after] = await connection.query("SELECT 'still here' AS state");
    return { failures, after: plain(after) };
  },

  async session({ connection }) {
    await connection.query('DROP TABLE IF EXISTS js_log');
    await connection.query('CREATE TABLE js_log (id INT PRIMARY KEY AUTO_INCREMENT, x INT)');
    await connection.query("SET @word = 'kept'");
    await connection.query('CREATE TEMPORARY TABLE js_scratch (x INT)');
    await connection.query('INSERT INTO js_scratch VALUES (1), (2)');
    const [inserted] = await connection.query('INSERT INTO js_log (x) VALUES (5), (6), (7)');
    const [id] = await connection.query('SELECT LAST_INSERT_ID() AS id');
    const [updated] = await connection.query('UPDATE js_log SET x = 9 WHERE x > 5');
    const [count] = await connection.query('SELECT ROW_COUNT() AS rows_changed');
    const [kept] = await connection.query('SELECT @word AS word, COUNT(*) AS n FROM js_scratch');
    await connection.query('SELECT 1 / 0');
    const [warnings] = await connection.query('SHOW WARNINGS');
    await connection.query("SET SESSION time_zone = '+09:00'");
    const [zone] = await connection.query('SELECT @@time_zone AS zone');
    await connection.ping();
    return plain({ inserted, id, updated, count, kept, warnings, zone });
  },

  async several_results({ connect }) {
    const connection = await connect({ multipleStatements: true });
    try {
      const sql = "SELECT 1 AS a; SET @b = 2; SELECT 'x' AS c, @b AS d";
      const [results] = await connection.query(sql);
      return plain(results);
    } finally {
      await connection.end();
    }
  },

  async big_result({ connection }) {
    const [rows] = await connection.query(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
       SELECT i, REPEAT(CHAR(64 + i USING ascii), ${MIB}) AS body FROM n`);
    return rows.map(({ i, body }) => [i, body.length, digest(body)]);
  },

  async many_rows({ connection }) {
    await connection.query('SET SESSION cte_max_recursion_depth = 100000').catch(() => {});
    const [rows] = await connection.query(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
       SELECT a.i * 1000 + b.i AS id, CONCAT('row ', a.i) AS name
       FROM n a JOIN n b ON b.i <= 60 ORDER BY id`);
    return { count: rows.length, digest: digest(JSON.stringify(rows)) };
  },

  async huge_value({ connection }) {
    const [back] = await connection.query(`SELECT REPEAT('y', ${HUGE}) AS body`);
    const [there] = await connection.query('SELECT LENGTH(?) AS length', ['z'.repeat(HUGE)]);
    return { length: back[0].body.length, digest: digest(back[0].body), there: plain(there) };
  },

  async parallel({ connect, connection }) {
    await connection.query('DROP TABLE IF EXISTS js_parallel');
    await connection.query('CREATE TABLE js_parallel (worker INT, turn INT)');
    const work = async (worker) => {
      const own = await connect({});
      try {
        await own.query(`SET @me = ${worker}`);
        for (let turn = 0; turn < 10; turn += 1) {
          await own.execute('INSERT INTO js_parallel VALUES (@me, ?)', [turn]);
        }
        const [rows] = await own.execute(
          'SELECT @me AS me, COUNT(*) AS n FROM js_parallel WHERE worker = ?', [worker]);
        return plain(rows[0]);
      } finally {
        await own.end();
      }
    };
    return Promise.all(Array.from({ length: PARALLEL }, (_, worker) => work(worker)));
  },
};

// Runs every step; a step that fails leaves what failed, and the others still run.
export async function session(createConnection, options) {
  const settings = {
    ...options,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    // Workers may not compile code at run time.
    disableEval: true,
  };
  const connect = (more) => createConnection({ ...settings, ...more });
  const outcome = {};
  const connection = await connect({});
  try {
    for (const [name, step] of Object.entries(STEPS)) {
      outcome[name] = await step({ connection, connect }).catch((error) => ({
        failed: failure(error),
      }));
    }
  } finally {
    await connection.end();
  }
  return outcome;
}
