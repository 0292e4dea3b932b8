/**
 * `deno run -A bench/batch_postgres.ts`: 32 callers look users up one by one in
 * a PostgreSQL that the bench starts, with and without a batcher between.
 */
import { Batcher } from "../src/batch/batcher.ts";
import { PostgresPool } from "../src/pool/postgres/postgres_pool.ts";
import { PostgresServer } from "../tests/support/postgres.ts";
import { compare, type Variant } from "./support/compare.ts";

const USERS = 10_000;
const CALLERS = 32;

interface User extends Record<string, unknown> {
  id: number;
  name: string;
}

await using server = await PostgresServer.start();
await using db = await PostgresPool.connect(server.url, { max: 10 });
await db.query("CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL)");
await db.query(
  "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, $1::int) n",
  [USERS],
);
await db.query("ANALYZE users");

const users = new Batcher(
  (ids: number[]) =>
    db.query<User>("SELECT id, name FROM users WHERE id = ANY($1)", [ids]),
  { resultKey: ({ id }) => id },
);

const lookUps: Record<string, (id: number) => Promise<User | undefined>> = {
  "one query per look-up": (id) =>
    db.queryOne<User>("SELECT id, name FROM users WHERE id = $1", [id]),
  "through the batcher": (id) => users.load(id),
};

const variants: Variant[] = Object.entries(lookUps).map(([name, lookUp]) => ({
  name,
  run: async (count) => {
    let left = count;
    const caller = async () => {
      while (left-- > 0) {
        const id = 1 + (left * 7_919) % USERS;
        const user = await lookUp(id);
        if (user?.id !== id) throw new Error(`got ${user?.id} for ${id}`);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  },
}));

await compare({
  title: `look-ups by ${CALLERS} callers, 10 connections`,
  count: 6_400,
  rounds: 11,
}, variants);
