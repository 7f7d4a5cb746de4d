// The tables, as Drizzle is told them.

import { relations } from 'drizzle-orm';
import {
  bigint, boolean, date, datetime, decimal, index, int, json, mysqlTable, text, varchar,
} from 'drizzle-orm/mysql-core';

export const authors = mysqlTable('authors', {
  id: int().autoincrement().primaryKey(),
  name: varchar({ length: 100 }).notNull(),
  email: varchar({ length: 100 }).notNull().unique(),
  born: date({ mode: 'string' }),
  active: boolean().notNull().default(true),
});

export const books = mysqlTable('books', {
  id: bigint({ mode: 'number' }).autoincrement().primaryKey(),
  authorId: int('author_id').notNull().references(() => authors.id),
  title: text().notNull(),
  price: decimal({ precision: 20, scale: 6 }).notNull(),
  pages: int(),
  tags: json(),
  published: datetime({ mode: 'date', fsp: 3 }),
}, (table) => [index('books_pages').on(table.pages)]);

export const items = mysqlTable('items', {
  id: int().autoincrement().primaryKey(),
  name: varchar({ length: 100 }).notNull().unique(),
  amount: int().notNull(),
});

export const authorsRelations = relations(authors, ({ many }) => ({ books: many(books) }));

export const booksRelations = relations(books, ({ one }) => ({
  author: one(authors, { fields: [books.authorId], references: [authors.id] }),
}));
