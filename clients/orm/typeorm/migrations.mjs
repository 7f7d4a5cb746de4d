// The migrations: one by TypeORM's own words for tables, one in SQL.

import { Table, TableForeignKey } from 'typeorm';

const id = (type) => ({
  name: 'id', type, isPrimary: true, isGenerated: true, generationStrategy: 'increment',
});

export class Tables1763800000000 {
  name = 'Tables1763800000000';

  async up(runner) {
    await runner.createTable(new Table({
      name: 'authors',
      columns: [
        id('int'),
        { name: 'name', type: 'varchar', length: '100' },
        { name: 'email', type: 'varchar', length: '100', isUnique: true },
        { name: 'born', type: 'date', isNullable: true },
        { name: 'active', type: 'tinyint', default: 1 },
      ],
    }));
    await runner.createTable(new Table({
      name: 'books',
      columns: [
        id('bigint'),
        { name: 'author_id', type: 'int' },
        { name: 'title', type: 'text' },
        { name: 'price', type: 'decimal', precision: 20, scale: 6 },
        { name: 'pages', type: 'int', isNullable: true },
        { name: 'tags', type: 'json', isNullable: true },
        { name: 'published', type: 'datetime', precision: 3, isNullable: true },
      ],
    }));
    await runner.createForeignKey('books', new TableForeignKey({
      columnNames: ['author_id'],
      referencedTableName: 'authors',
      referencedColumnNames: ['id'],
    }));
  }

  async down(runner) {
    await runner.dropTable('books');
    await runner.dropTable('authors');
  }
}

export class Items1763800001000 {
  name = 'Items1763800001000';

  async up(runner) {
    await runner.query(`CREATE TABLE items (id int AUTO_INCREMENT PRIMARY KEY,
      name varchar(100) NOT NULL UNIQUE, amount int NOT NULL)`);
    await runner.query('CREATE INDEX books_pages ON books (pages)');
  }

  async down(runner) {
    await runner.query('DROP TABLE items');
    await runner.query('DROP INDEX books_pages ON books');
  }
}
