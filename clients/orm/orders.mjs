// What each JavaScript ORM is asked to store, so that all store the same.

export const GREETING = 'Grüße, мир, 世界, 🚀 "quoted" \\ back\'slash';

export const AUTHORS = [
  { name: 'Ada', email: 'ada@example.com', born: '1815-12-10' },
  { name: 'Łukasz', email: 'lukasz@example.com', born: '1987-02-28' },
];

export const BOOKS = [
  {
    title: 'Notes',
    price: '12345678901234.567890',
    pages: 64,
    tags: { kind: 'paper', at: [1, 2.5, null] },
  },
  { title: GREETING, price: '0.000001', pages: null, tags: { nested: { 'ключ': 'значение' } } },
];

export const PUBLISHED = '2024-02-29T23:59:58.123Z';

/** Many rows at once, as imports make them. */
export function many(count) {
  return Array.from({ length: count }, (_, at) => ({ name: `item ${at}`, amount: at * 7 }));
}

/** Where the server is, and what to do: `migrate` or `use`. */
export function task() {
  const [, , endpoint, what] = process.argv;
  return { ...JSON.parse(endpoint), what };
}

/** The number and state of an error, wherever an ORM has put it. */
export function failure(error) {
  for (let each = error; each; each = each.cause ?? each.driverError) {
    if (each.errno) return { errno: each.errno, sqlState: each.sqlState };
  }
  return { unknown: String(error) };
}

/** Prints what was seen, and nothing else. */
export function print(seen) {
  process.stdout.write(JSON.stringify(seen));
}
