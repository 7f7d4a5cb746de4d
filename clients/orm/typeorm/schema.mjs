// The tables, as TypeORM is told them without decorators.

import { EntitySchema } from 'typeorm';

const id = (type = 'int') => ({ type, primary: true, generated: true });

export const Author = new EntitySchema({
  name: 'Author',
  tableName: 'authors',
  columns: {
    id: id(),
    name: { type: 'varchar', length: 100 },
    email: { type: 'varchar', length: 100, unique: true },
    born: { type: 'date', nullable: true },
    active: { type: 'boolean', default: true },
  },
  relations: {
    books: { type: 'one-to-many', target: 'Book', inverseSide: 'author', cascade: true },
  },
});

export const Book = new EntitySchema({
  name: 'Book',
  tableName: 'books',
  columns: {
    id: id('bigint'),
    title: { type: 'text' },
    price: { type: 'decimal', precision: 20, scale: 6 },
    pages: { type: 'int', nullable: true },
    tags: { type: 'json', nullable: true },
    published: { type: 'datetime', precision: 3, nullable: true },
  },
  relations: {
    author: { type: 'many-to-one', target: 'Author', joinColumn: { name: 'author_id' } },
  },
});

export const Item = new EntitySchema({
  name: 'Item',
  tableName: 'items',
  columns: {
    id: id(),
    name: { type: 'varchar', length: 100, unique: true },
    amount: { type: 'int' },
  },
});
