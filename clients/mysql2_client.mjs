// mysql2 in Node: takes the connection as JSON, prints the outcome of the session as JSON.
import { createConnection } from 'mysql2/promise';
import { session } from './session.mjs';

const options = JSON.parse(process.argv[2]);
process.stdout.write(JSON.stringify(await session(createConnection, options)));
