/**
 * `deno run -A bench/postgres.ts`: PostgresPool.query, one row by its key,
 * against `pg`'s own pool and `npm:postgres`, on a server of its own.
 */
import pg from "pg";
import postgres from "postgres";
import { PostgresPool } from "../src/pool/postgres/postgres_pool.ts";
import { PostgresServer } from "../tests/support/postgres.ts";
import { compare, type Variant } from "./support/compare.ts";

const ROWS = 10_000;
const TEXT = "SELECT * FROM users WHERE id = $1";

await using server = await PostgresServer.start();
await using admin = await PostgresPool.connect(server.url, { max: 1 });
await admin.script(`CREATE TABLE users AS
    SELECT i AS id, 'user ' || i AS name, 'u' || i || '@example.org' AS email,
      now() AS created
    FROM generate_series(1, ${ROWS}) AS i;
  ALTER TABLE users ADD PRIMARY KEY (id)`);
await admin.script("VACUUM ANALYZE users");

interface Client {
  name: string;
  find(id: number): Promise<unknown>;
  close(): Promise<unknown>;
}

async function clients(max: number): Promise<Client[]> {
  const pgPool = new pg.Pool({ connectionString: server.url, max });
  const ours = await PostgresPool.connect(server.url, { max });
  const sql = postgres(server.url, { max });
  return [
    {
      name: "pg.Pool, named statement",
      find: (id) => pgPool.query({ name: "find", text: TEXT, values: [id] }),
      close: () => pgPool.end(),
    },
    {
      name: "PostgresPool",
      find: (id) => ours.query(TEXT, [id]),
      close: () => ours.close(),
    },
    {
      name: "npm:postgres, pipelining",
      find: (id) => sql.unsafe(TEXT, [id], { prepare: true }),
      close: () => sql.end(),
    },
  ];
}

function variant({ name, find }: Client, callers: number): Variant {
  return {
    name,
    run: async (left) => {
      const call = async () => {
        while (left-- > 0) await find(1 + left % ROWS);
      };
      await Promise.all(Array.from({ length: callers }, call));
    },
  };
}

for (const [callers, max] of [[32, 32], [32, 10], [1, 1]]) {
  const all = await clients(max);
  await compare(
    {
      title: `one row by its key, ${callers} callers, ${max} connections`,
      count: callers * 100,
      rounds: 21,
    },
    all.map((client) => variant(client, callers)),
  );
  for (const { close } of all) await close();
}
