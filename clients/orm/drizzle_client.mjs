// Drizzle: its migrator, and what an application does with it.

import { fileURLToPath } from 'node:url';
import { and, asc, count, eq, gt, sql, sum } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/mysql2';
import { migrate } from 'drizzle-orm/mysql2/migrator';
import mysql from 'mysql2/promise';

import * as schema from './drizzle/schema.mjs';
import { AUTHORS, BOOKS, PUBLISHED, failure, many, print, task } from './orders.mjs';

const { authors, books, items } = schema;

const { what, host, port, user, password, database } = task();
const pool = mysql.createPool({ host, port, user, password, database, connectionLimit: 5 });
const db = drizzle(pool, { schema, mode: 'default' });
try {
  print(what === 'migrate' ? await migrated() : await used());
} finally {
  await pool.end();
}

async function migrated() {
  const migrationsFolder = fileURLToPath(new URL('drizzle/migrations', import.meta.url));
  await migrate(db, { migrationsFolder });
  await migrate(db, { migrationsFolder }); // Nothing is left to do.
  const [tables] = await db.execute(sql`SHOW TABLES`);
  const [applied] = await db.execute(sql`SELECT COUNT(*) AS n FROM __drizzle_migrations`);
  return { tables: tables.map((row) => Object.values(row)[0]).sort(), applied };
}

async function used() {
  return {
    created: await create(),
    read: await read(),
    changed: await change(),
    transactions: await transactions(),
    failures: await failures(),
    crowd: await crowd(),
  };
}

async function create() {
  const ids = [];
  for (const author of AUTHORS) {
    ids.push((await db.insert(authors).values(author).$returningId())[0].id);
  }
  const published = new Date(PUBLISHED);
  const [first] = await db.insert(books).values({ authorId: ids[0], published, ...BOOKS[0] });
  const [second] = await db.insert(books).values({ authorId: ids[0], ...BOOKS[1] });
  const [bulk] = await db.insert(items).values(many(500));
  return { ids, first: first.insertId, second: second.insertId, rows: bulk.affectedRows };
}

async function read() {
  // Drizzle asks for relations with LATERAL, which MariaDB and TiDB refuse.
  const related = await db.query.authors.findMany({
    with: { books: { orderBy: asc(books.id) } },
    orderBy: asc(authors.id),
  }).catch(failure);
  const joined = await db.select({ name: authors.name, title: books.title, price: books.price })
    .from(books).innerJoin(authors, eq(books.authorId, authors.id)).orderBy(asc(books.id));
  const [totals] = await db.select({ n: count(), all: sum(items.amount) }).from(items);
  const prepared = db.select().from(items)
    .where(and(gt(items.amount, sql.placeholder('least')), eq(items.name, sql.placeholder('name'))))
    .prepare();
  const found = [];
  for (const name of ['item 3', 'item 400', 'none']) {
    found.push(await prepared.execute({ least: 10, name }));
  }
  return { related, joined, totals, found };
}

async function change() {
  const [updated] = await db.update(items).set({ amount: sql`${items.amount} + 1` })
    .where(gt(items.amount, 3000));
  const [upserted] = await db.insert(items).values({ name: 'item 1', amount: 1000 })
    .onDuplicateKeyUpdate({ set: { amount: sql`values(amount)` } });
  const [deleted] = await db.delete(items).where(gt(items.amount, 3400));
  const [one] = await db.select().from(items).where(eq(items.name, 'item 1'));
  return {
    updated: updated.affectedRows, upserted: upserted.affectedRows,
    deleted: deleted.affectedRows, one,
  };
}

async function transactions() {
  await db.transaction(async (tx) => {
    await tx.insert(items).values({ name: 'kept', amount: 1 });
    await tx.transaction(async (inner) => {
      await inner.insert(items).values({ name: 'inner', amount: 2 });
      inner.rollback();
    }).catch(() => {});
  }, { isolationLevel: 'read committed' });
  await db.transaction(async (tx) => {
    await tx.insert(items).values({ name: 'lost', amount: 3 });
    tx.rollback();
  }).catch(() => {});
  const named = sql`${items.name} in ('kept', 'inner', 'lost')`;
  return (await db.select().from(items).where(named)).map((row) => row.name);
}

async function failures() {
  const twice = db.insert(authors).values(AUTHORS[0]);
  const orphan = db.insert(books).values({ authorId: 999, ...BOOKS[0] });
  const nothing = db.execute(sql`SELECT * FROM nowhere`);
  return Promise.all([twice, orphan, nothing].map((query) => query.then(() => 'ok', failure)));
}

/** More tasks at once than the pool of the application has connections. */
async function crowd() {
  await db.insert(items).values({ name: 'counter', amount: 0 });
  const own = eq(items.name, 'counter');
  await Promise.all(Array.from({ length: 12 }, () => db.transaction(async (tx) => {
    const [{ amount }] = await tx.select().from(items).where(own).for('update');
    await tx.update(items).set({ amount: amount + 1 }).where(own);
  })));
  const [{ amount }] = await db.select().from(items).where(own);
  return amount;
}
