import assert from "node:assert/strict";
import type { PostgresError } from "../../src/pool/postgres/postgres_errors.ts";
import type { PostgresOptions } from "../../src/pool/postgres/postgres_options.ts";
import { PostgresPool } from "../../src/pool/postgres/postgres_pool.ts";
import { PgBouncer, skipsPgBouncer } from "../support/pgbouncer.ts";
import { PostgresServer } from "../support/postgres.ts";

let server: PostgresServer | undefined;
let pooler: PgBouncer | undefined;

Deno.test.beforeAll(async () => {
  if (skipsPgBouncer) return;
  server = await PostgresServer.start();
  pooler = await PgBouncer.start(server.url);
});
Deno.test.afterAll(async () => {
  await pooler?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** A test with several clients behind the pooler, as replicas would be. */
function test(
  name: string,
  fn: (clients: PostgresPool[]) => Promise<void>,
  options: PostgresOptions = {},
) {
  Deno.test({
    name: `behind a pooler, ${name}`,
    ignore: skipsPgBouncer,
    fn: async () => {
      await using stack = new AsyncDisposableStack();
      const clients = await Promise.all(
        [1, 2, 3].map(() =>
          PostgresPool.connect(pooler!.url, { max: 3, ...options })
        ),
      );
      for (const client of clients) stack.use(client);
      await fn(clients);
    },
  });
}

/** A statement of each client's own, whose answer tells whose it was. */
function ask(client: number, i: number): [text: string, answer: string] {
  const statement = i % 7;
  return [
    `SELECT 'client ${client}, statement ${statement}: ' || $1::text AS v`,
    `client ${client}, statement ${statement}: ${i}`,
  ];
}

for (const prepare of [true, false]) {
  test(
    `everybody gets their own answers (prepare: ${prepare})`,
    async (clients) => {
      await Promise.all(
        clients.flatMap((db, client) =>
          Array.from({ length: 4 }, async () => {
            for (let i = 0; i < 60; i++) {
              const [text, answer] = ask(client, i);
              assert.equal(await db.queryValue(text, [i]), answer);
            }
          })
        ),
      );
    },
    { prepare },
  );
}

test("transactions get their own answers, or fail with the way out", async (clients) => {
  let done = 0;
  await Promise.all(
    clients.flatMap((db, client) =>
      Array.from({ length: 3 }, async () => {
        for (let i = 0; i < 30; i++) {
          const [text, answer] = ask(client, i);
          try {
            const value = await db.transaction(async (tx) => {
              await tx.query("SELECT 1");
              return await tx.queryValue(text, [i]);
            });
            assert.equal(value, answer);
            done++;
          } catch (error) {
            const { sqlState, message } = error as PostgresError;
            assert.equal(sqlState, "26000");
            assert.match(message, /pooler.*prepare: false/);
          }
          const [other, reply] = ask(client, i + 3);
          assert.equal(await db.queryValue(other, [i + 3]), reply);
        }
      })
    ),
  );
  assert.ok(done > 200, `${done} of 270 transactions got through`);
});

test(
  "transactions and streams get through with prepare: false",
  async (clients) => {
    await Promise.all(
      clients.flatMap((db, client) =>
        Array.from({ length: 3 }, async () => {
          for (let i = 0; i < 20; i++) {
            const [text, answer] = ask(client, i);
            const value = await db.transaction((tx) =>
              tx.queryValue(text, [i])
            );
            assert.equal(value, answer);
            const rows = await Array.fromAsync(db.stream(
              "SELECT $1::int + n AS n FROM generate_series(1, 5) n",
              [client * 10],
              { batchSize: 2 },
            ));
            assert.equal((rows[4] as { n: number }).n, client * 10 + 5);
          }
        })
      ),
    );
  },
  { prepare: false },
);

Deno.test({
  name: "no two connections give their statements the same name",
  ignore: skipsPgBouncer,
  fn: async () => {
    const names = async () => {
      await using db = await PostgresPool.connect(server!.url, { max: 1 });
      await db.query("SELECT $1::int", [1]);
      return await db.queryValue<string>(
        "SELECT name FROM pg_prepared_statements WHERE statement = 'SELECT $1::int'",
      );
    };
    const seen = [await names(), await names(), await names()];
    assert.equal(new Set(seen).size, 3, seen.join());
  },
});
