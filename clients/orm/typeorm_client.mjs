// TypeORM: its migrations, and what an application does with it.

import { DataSource, In, LessThan, MoreThan } from 'typeorm';

import { AUTHORS, BOOKS, PUBLISHED, failure, many, print, task } from './orders.mjs';
import { Items1763800001000, Tables1763800000000 } from './typeorm/migrations.mjs';
import { Author, Book, Item } from './typeorm/schema.mjs';

const { what, host, port, user, password, database } = task();
const source = new DataSource({
  type: 'mysql',
  host,
  port,
  username: user,
  password,
  database,
  charset: 'utf8mb4',
  entities: [Author, Book, Item],
  migrations: [Tables1763800000000, Items1763800001000],
  poolSize: 5,
});
await source.initialize();
try {
  print(what === 'migrate' ? await migrated() : await used());
} finally {
  await source.destroy();
}

async function migrated() {
  const first = await source.runMigrations();
  await source.undoLastMigration();
  const second = await source.runMigrations();
  const names = (list) => list.map((each) => each.name);
  const tables = await source.query('SHOW TABLES');
  return {
    first: names(first),
    second: names(second),
    left: await source.showMigrations(),
    tables: tables.map((row) => Object.values(row)[0]).sort(),
  };
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
  const [ada, lukasz] = AUTHORS;
  const [first, second] = BOOKS;
  const books = [{ ...first, published: new Date(PUBLISHED) }, second];
  const saved = await source.getRepository(Author).save([{ ...ada, books }, lukasz]);
  const bulk = await source.getRepository(Item).insert(many(500));
  return { saved, last: bulk.identifiers.at(-1), rows: bulk.raw.affectedRows };
}

async function read() {
  const related = await source.getRepository(Author).find({
    relations: { books: true },
    order: { id: 'ASC', books: { id: 'ASC' } },
  });
  const items = source.getRepository(Item);
  const page = await items.findAndCount({
    where: { amount: MoreThan(70) }, order: { id: 'DESC' }, skip: 2, take: 3,
  });
  const totals = await items.createQueryBuilder('i')
    .select('SUM(i.amount)', 'all').addSelect('COUNT(*)', 'n').getRawOne();
  const few = items.createQueryBuilder('i').where('i.amount < :most', { most: 30 });
  const stream = await few.stream();
  const streamed = [];
  for await (const row of stream) streamed.push(row);
  return { related, page, totals, streamed };
}

async function change() {
  const items = source.getRepository(Item);
  const updated = await items.update({ amount: MoreThan(3000) }, { amount: () => 'amount + 1' });
  await items.upsert([{ name: 'item 1', amount: 1000 }, { name: 'new', amount: 5 }], ['name']);
  const increased = await items.increment({ name: 'new' }, 'amount', 2);
  const deleted = await items.delete({ amount: LessThan(20) });
  const found = await items.findBy({ name: In(['item 0', 'item 1', 'new']) });
  return {
    updated: updated.affected, increased: increased.affected, deleted: deleted.affected, found,
  };
}

async function transactions() {
  const save = (manager, name) => manager.save(Item, { name, amount: 1 });
  await source.transaction('READ COMMITTED', async (manager) => {
    await save(manager, 'kept');
    await manager.transaction(async (inner) => {
      await save(inner, 'inner');
      throw new Error('on purpose');
    }).catch(() => {});
  });
  await source.transaction(async (manager) => {
    await save(manager, 'lost');
    throw new Error('on purpose');
  }).catch(() => {});
  const names = ['kept', 'inner', 'lost'];
  return (await source.getRepository(Item).findBy({ name: In(names) })).map((row) => row.name);
}

async function failures() {
  const twice = source.getRepository(Author).insert(AUTHORS[0]);
  const orphan = source.getRepository(Book).insert({ ...BOOKS[0], author: { id: 999 } });
  const nothing = source.query('SELECT * FROM nowhere');
  return Promise.all([twice, orphan, nothing].map((query) => query.then(() => 'ok', failure)));
}

/** More tasks at once than the pool of the application has connections. */
async function crowd() {
  const name = 'counter';
  await source.getRepository(Item).insert({ name, amount: 0 });
  await Promise.all(Array.from({ length: 12 }, () => source.transaction(async (manager) => {
    const lock = { mode: 'pessimistic_write' };
    const row = await manager.findOne(Item, { where: { name }, lock });
    await manager.update(Item, { name }, { amount: row.amount + 1 });
  })));
  return (await source.getRepository(Item).findOneBy({ name })).amount;
}
