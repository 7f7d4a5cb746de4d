// A Worker with a hyperdrive binding, as a user would write it: answers with the session's outcome.
import { createConnection } from 'mysql2/promise';
import { session } from './session.mjs';

const connection = ({ host, port, user, password, database }) => ({
  host, port, user, password, database,
});

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === '/ready') return new Response('yes');
    return Response.json(await session(createConnection, connection(env.HYPERDRIVE)));
  },
};
